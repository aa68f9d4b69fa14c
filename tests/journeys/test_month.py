"""M14: each of the four organisations runs a month of work over the October holidays; every rung, digest, pause and
extension falls on the instant that a second reckoning gives, which knows nothing of the first."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.audit.checks import CHECKS
from shared.events import Record
from shared.events.cases import CaseAlarmed, CaseEvent
from shared.events.deliveries import DeliveryQueued, DigestClosed, DigestNoted
from tests.journeys.found import found_alike
from tests.journeys.month.ledger import Fell, Happened, Ledger, Told
from tests.journeys.month.tables import TABLES
from tests.journeys.month.work import STARTS, Month
from tests.journeys.stories import sample, tell
from tests.journeys.town import Town
from tests.unwatched import unwatched

CHINA = ZoneInfo("Asia/Shanghai")
RECKONED = {"starts", "ends", "notices", "rungs", "due", "until", "promise", "limit", "organisation"}
"""What events say that the second reckoning must find by itself."""

A_LOOK = timedelta(seconds=3)
"""What begins anew with a rung in the past is seen at the timers' next look."""


def wall(instant: datetime) -> datetime:
    """The second on the wall clock."""
    return instant.astimezone(CHINA).replace(microsecond=0, tzinfo=None)


def facts(record: Record) -> Happened:
    """An event without anything that was reckoned."""
    said: dict[str, Any] = {
        name: wall(value) if isinstance(value, datetime) else value
        for name, value in record.data.model_dump(exclude=RECKONED).items()
    }
    return Happened(record.type.rpartition(".")[2], wall(record.time), said)


Digests = set[tuple[str, datetime]]
"""Who has a digest, and when."""


def compared(town: Town, name: str, *, exact: bool) -> Counter[str]:
    """Every case against its ledger; answers what was compared, and how often.

    `exact`: what falls is noticed in the same second. A model of a cluster takes seconds, in which more may fall.
    """
    counts: Counter[str] = Counter()
    expected: Digests = set()
    for id in town.cases():
        ledger = Ledger(TABLES[name])
        alarms: list[Record] = []
        for record in town.history(id):
            event = record.data
            assert isinstance(event, CaseEvent)
            if isinstance(event, CaseAlarmed):
                alarms.append(record)
                continue
            ledger.enter(facts(record))
            begun = [(one.kind, one.owner, wall(one.due)) for one in event.starts]
            assert sorted(begun) == sorted(ledger.begun), (id, record.type)
            dates = {
                what: None if (date := getattr(event, what)) is None else wall(date) for what in ledger.dates
            }
            assert dates == ledger.dates, (id, record.type)
            digests = {one.person: wall(one.at) for one in event.notices if one.digest and one.at is not None}
            hours = TABLES[name].hours_of_person
            assert digests == {
                person: hours(person).next_days_opening(wall(record.time)) for person in digests
            }, (id, record.type)
            expected |= digests.items()
            counts["deadlines"] += len(begun)
            counts["digests"] += len(digests)
            counts[record.type.rpartition(".")[2]] += 1
        ledger.time_passes(wall(town.now))
        counts += to_the_second(id, ledger, alarms) if exact else rungs_compared(id, ledger, alarms)
        told = {one for noticed in ledger.fell for one in ledger.told(noticed)}
        expected |= {(one.person, one.at) for one in told if one.digest and one.at is not None}
    if exact:
        counts["mails of digests"] = digests_compared(town, expected)
    return counts


def digests_compared(town: Town, expected: Digests) -> int:
    """Each digest goes out, or is closed with nothing left to tell, when it should; nobody has two a day."""
    closed = {record.subject: wall(record.time) for record, _ in town.everywhere(DigestClosed)}
    gone = {(event.person, closed[record.subject]) for record, event in town.everywhere(DigestNoted)}
    assert gone == {(person, at) for person, at in expected if at <= wall(town.now)}
    mails = [
        (event.party, wall(record.time))
        for record, event in town.everywhere(DeliveryQueued)
        if event.template == "digest"
    ]
    assert set(mails) <= gone
    days = Counter((person, at.date()) for person, at in mails)
    assert set(days.values()) == {1}
    return len(mails)


def rungs_compared(id: str, ledger: Ledger, alarms: list[Record]) -> Counter[str]:
    """Every rung against the ledger's, whenever it was noticed."""
    found = Counter(
        Fell(one.kind, one.owner, wall(one.due), one.action, wall(one.at))
        for record in alarms
        if isinstance(record.data, CaseAlarmed)
        for one in record.data.rungs
    )
    expected = Counter(
        replace(fell, late=False)
        for some in ledger.fell.values()
        for fell, _ in some
        if fell.action != "lapse"
    )
    assert found == expected, id
    return Counter(rungs=found.total())


def to_the_second(id: str, ledger: Ledger, alarms: list[Record]) -> Counter[str]:
    """Every rung, and who was told of it and when, against the ledger's."""
    counts: Counter[str] = Counter()
    found = {wall(record.time): record.data for record in alarms}
    expected = {
        noticed: {fell for fell, _ in some if fell.action != "lapse"} for noticed, some in ledger.fell.items()
    }
    expected = {noticed: some for noticed, some in expected.items() if some}
    assert len(found) == len(expected), (id, sorted(found), sorted(expected))
    for seen, noticed in zip(sorted(found), sorted(expected), strict=True):
        begun_late = all(fell.at < noticed for fell in expected[noticed])
        assert timedelta() <= seen - noticed <= (A_LOOK if begun_late else timedelta()), (id, seen, noticed)
        alarm = found[seen]
        assert isinstance(alarm, CaseAlarmed)
        fell = [
            Fell(one.kind, one.owner, wall(one.due), one.action, wall(one.at), one.late)
            for one in alarm.rungs
        ]
        assert len(set(fell)) == len(fell)
        assert set(fell) == expected[noticed], (id, noticed)
        told = {
            Told(
                one.person,
                None if one.at is None else wall(one.at),
                one.digest,
                frozenset((alarm.rungs[n].kind, alarm.rungs[n].action) for n in one.rungs),
            )
            for one in alarm.notices
        }
        assert told == ledger.told(noticed), (id, noticed)
        counts.update({"rungs": len(fell), "told": len(told), "digests": sum(one.digest for one in told)})
    return counts


@pytest.mark.parametrize(
    ("mode", "name", "messages"),
    [*(("embedded", name, 60) for name in TABLES), ("cluster", "county", 12), ("cluster", "hospital", 12)],
)
def test_a_month_of_work_falls_on_the_instants_of_a_second_reckoning(
    mode: str, name: str, messages: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(town: Town) -> None:
        month = Month(town, name, seed=1, messages=messages)
        await month.live()
        counts = compared(town, name, exact=mode == "embedded")
        with capsys.disabled():
            print(f"\n{mode}, {name}: {len(town.cases())} cases,", dict(counts.most_common()))
        assert counts["rungs"] > 50
        assert (counts["extension_decided"] > 0) == (TABLES[name].more > 0)

    tell(mode, story, unwatched(sample(name)), STARTS)


@pytest.mark.parametrize(("mode", "name"), [("embedded", "county"), ("cluster", "hospital")])
def test_what_is_found_in_a_month_of_work_is_found_again_over_its_log(
    mode: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(town: Town) -> None:
        await Month(town, name, seed=1, messages=12).live()
        await town.until_all_is_told()
        counts = found_alike(town, CHECKS)
        with capsys.disabled():
            print(f"\n{mode}, {name}: found", dict(counts.most_common()))
        assert counts

    tell(mode, story, sample(name), STARTS)


def test_the_second_reckoning_knows_nothing_of_the_first() -> None:
    for file in ("hours.py", "tables.py", "ledger.py"):
        tree = ast.parse((Path(__file__).parent / "month" / file).read_text(encoding="utf-8"))
        modules = [one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
        assert not [one for one in modules if one.startswith(("services", "shared"))], file
