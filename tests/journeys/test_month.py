"""M14: each of the four organisations runs a month of work over the October holidays; every rung, digest, pause and
extension falls on the instant that a second reckoning gives, which knows nothing of the first."""

from __future__ import annotations

import ast
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.events import Record
from shared.events.cases import CaseAlarmed, CaseEvent
from tests.journeys.month.ledger import Fell, Happened, Ledger, Told
from tests.journeys.month.tables import TABLES
from tests.journeys.month.work import STARTS, Month
from tests.journeys.town import Town, sample, tell

CHINA = ZoneInfo("Asia/Shanghai")
RECKONED = {"starts", "ends", "notices", "rungs", "due", "until", "promise", "limit", "organisation"}
"""What events say that the second reckoning must find by itself."""
MESSAGES = 60


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


def compared(town: Town, name: str) -> Counter[str]:
    """Every case against its ledger; answers what was compared, and how often."""
    counts: Counter[str] = Counter()
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
            counts["deadlines"] += len(begun)
            counts["digests"] += len(digests)
            counts[record.type.rpartition(".")[2]] += 1
        ledger.time_passes(wall(town.now))
        assert ledger.extensions <= 2
        counts += alarms_compared(id, ledger, alarms)
    return counts


def alarms_compared(id: str, ledger: Ledger, alarms: list[Record]) -> Counter[str]:
    """Every rung, and who was told of it and when, against the ledger's."""
    counts: Counter[str] = Counter()
    found = {wall(record.time): record.data for record in alarms}
    expected = {
        noticed: {fell for fell, _ in some if fell.action != "lapse"} for noticed, some in ledger.fell.items()
    }
    expected = {noticed: some for noticed, some in expected.items() if some}
    assert sorted(found) == sorted(expected), id
    for noticed, alarm in found.items():
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


@pytest.mark.parametrize("name", TABLES)
def test_a_month_of_work_falls_on_the_instants_of_a_second_reckoning(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(town: Town) -> None:
        month = Month(town, name, seed=1, messages=MESSAGES)
        await month.live()
        counts = compared(town, name)
        with capsys.disabled():
            print(f"\n{name}: {len(town.cases())} cases, {dict(counts)}, refused {month.refused}")
        assert min(counts["rungs"], counts["digests"], counts["extension_decided"]) > 0 or name == "hospital"

    tell("embedded", story, sample(name), STARTS)


def test_the_second_reckoning_knows_nothing_of_the_first() -> None:
    for file in ("hours.py", "tables.py", "ledger.py"):
        tree = ast.parse((Path(__file__).parent / "month" / file).read_text(encoding="utf-8"))
        modules = [one.module or "" for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
        assert not [one for one in modules if one.startswith(("services", "shared"))], file
