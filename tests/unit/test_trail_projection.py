"""What the console shows follows from the entries alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.audit.census import Census
from services.audit.days import Days
from services.audit.figures import MOST_LISTED, Ages, Balance, Figures, Holder, ages, figures
from services.audit.projected import FILE
from services.audit.projection import STAGES, WARNED, milliseconds
from shared import metrics
from shared.events import Record
from shared.events.cases import (
    CaseAccepted,
    CaseAnswered,
    CaseClosed,
    CaseContested,
    CaseQueued,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    Ended,
    ExtensionDecided,
)
from shared.events.messages import (
    Automatic,
    DeliveryAnswered,
    MessageQuarantined,
    MessageRefused,
    MessageReleased,
    MessageSettled,
)
from tests.unit.trail_samples import (
    ARRIVAL,
    DAY,
    SHANGHAI,
    WORDS,
    Life,
    a_trail,
    alarmed,
    ended,
    owed,
    received,
    take,
)

TODAY = "2026-09-30"


def seen(
    directory: Path, records: list[Record], batches: list[int] | None = None, now: datetime = ARRIVAL
) -> Figures:
    """The figures after these events, taken at once or cut into batches."""

    async def run() -> None:
        async with a_trail(directory) as trail:
            cuts = [0, *(batches or []), len(records)]
            for first, last in pairwise(cuts):
                await take(trail, records[first:last])

    asyncio.run(run())
    return figures(directory / "audit" / FILE, now, TODAY)


def test_open_cases_are_counted_for_who_holds_them(tmp_path: Path) -> None:
    life = Life().case(1).case(2).case(3, "transport")
    life.emit("case_2", CaseQueued(reason="returned", ends=[ended("accept-1"), ended("resolve-2")]))
    life.emit("case_3", CaseClosed(outcome="declined", ends=[ended("accept-1")]))
    got = seen(tmp_path, life.records)
    assert got.holders == [Holder("coordinator", new=1), Holder("housing", assigned=1)]
    assert [one.open for one in got.holders] == [1, 1]
    assert got.closed == 1
    assert got.late.owed == []


def test_what_is_late_is_listed_by_its_due_time_apart_from_what_will_be(tmp_path: Path) -> None:
    life = Life().case(1).later(timedelta(hours=1)).case(2, "transport").case(3).later(DAY)
    life.emit("case_3", alarmed("resolve-2", "warn", ARRIVAL))
    life.emit("case_2", alarmed("accept-1", "breach", ARRIVAL), alarmed("accept-1", "escalate", ARRIVAL))
    got = seen(tmp_path, life.records, now=life.now + timedelta(minutes=1))
    assert [(one.ref, one.kind, one.stage) for one in got.late.owed] == [
        ("REF-1", "accept", 0),
        ("REF-2", "accept", STAGES["escalate"]),
        ("REF-3", "accept", 0),
    ]
    assert [(one.ref, one.kind, one.stage) for one in got.soon.owed] == [("REF-3", "resolve", WARNED)]
    assert (got.late.count, got.soon.count) == (3, 1)
    assert got.holders == [
        Holder("transport", assigned=1, breached=1, overdue=1),
        Holder("housing", assigned=2, overdue=2, warned=1),
    ]


def test_what_falls_due_within_a_day_is_due_soon(tmp_path: Path) -> None:
    got = seen(tmp_path, Life().case(1).records, now=ARRIVAL + timedelta(hours=1))
    assert [(one.kind, one.stage) for one in got.soon.owed] == [("accept", 0)]
    assert got.late.owed == []


def test_refs_are_listed_of_the_holders_asked_for_and_counts_are_of_all(tmp_path: Path) -> None:
    life = Life().case(1).case(2, "transport").later(2 * DAY)
    seen(tmp_path, life.records)
    path = tmp_path / "audit" / FILE
    for holders, refs in ((["transport"], ["REF-2"]), ([], []), (None, ["REF-1", "REF-2"])):
        got = figures(path, life.now, TODAY, holders)
        assert [one.ref for one in got.late.owed] == refs
        assert sum(one.open for one in got.holders) == 2


def test_of_more_than_can_be_listed_all_are_counted(tmp_path: Path) -> None:
    life = Life()
    for number in range(MOST_LISTED + 3):
        life.case(number)
    got = seen(tmp_path, life.records, now=ARRIVAL + 2 * DAY)
    assert (len(got.late.owed), got.late.count) == (MOST_LISTED, MOST_LISTED + 3)


def test_what_ended_is_late_no_more_and_a_reopened_case_owes_again(tmp_path: Path) -> None:
    life = Life().case(1).later(2 * DAY)
    life.emit(
        "case_1",
        CaseAnswered(words=WORDS, final=True, ends=[ended("accept-1", late=True), ended("resolve-2")]),
    )
    assert seen(tmp_path / "answered", life.records, now=life.now).late.owed == []
    life.emit("case_1", CaseClosed(outcome="feedback"))
    life.emit("case_1", CaseReopened(reason="not_solved", starts=[owed("resolve-3", "housing", life.now)]))
    got = seen(tmp_path / "reopened", life.records, now=life.now + DAY)
    assert [(one.ref, one.kind) for one in got.late.owed] == [("REF-1", "resolve")]
    assert got.holders == [Holder("housing", accepted=1, overdue=1)]


def test_what_only_lapses_is_never_late(tmp_path: Path) -> None:
    life = Life().case(1)
    silence = owed("silence-3", "housing", ARRIVAL, binding=False)
    life.emit("case_1", CaseAnswered(words=WORDS, final=True, starts=[silence], ends=[ended("accept-1")]))
    assert seen(tmp_path, life.records, now=ARRIVAL + DAY).late.owed == []


def test_what_a_sender_owes_makes_nobody_late(tmp_path: Path) -> None:
    life = Life().case(1)
    life.emit(
        "case_1", CaseSuspended(reason="sender", until=ARRIVAL, starts=[owed("reply-3", "sender", ARRIVAL)])
    )
    got = seen(tmp_path, life.records, now=ARRIVAL + timedelta(hours=1))
    assert (got.late.owed, [one.kind for one in got.soon.owed]) == ([], ["accept"])


def test_what_a_post_owes_stands_with_the_office_that_has_the_case(tmp_path: Path) -> None:
    life = Life().case(1)
    starts = [owed("signoff-3", "housing/head", ARRIVAL), owed("opinion-4", "principal", ARRIVAL)]
    life.emit("case_1", CaseAccepted(ends=[ended("accept-1")], starts=starts))
    got = seen(tmp_path, life.records, now=ARRIVAL + timedelta(hours=1))
    assert [(one.kind, one.owner, one.holder) for one in got.late.owed] == [
        ("opinion", "principal", "housing"),
        ("signoff", "housing/head", "housing"),
    ]
    assert got.holders == [Holder("housing", accepted=1, overdue=1)]


@pytest.mark.parametrize("batches", [[], [4, 5, 6]], ids=["at once", "one by one"])
def test_a_pause_keeps_how_far_what_stands_still_had_aged(tmp_path: Path, batches: list[int]) -> None:
    life = Life().case(1)
    life.emit("case_1", alarmed("resolve-2", "warn", ARRIVAL))
    waits = CaseSuspended(reason="weather", until=ARRIVAL, ends=[Ended(id="resolve-2", how="paused")])
    life.emit("case_1", waits)
    paused = seen(tmp_path / "paused", life.records, batches)
    assert paused.soon.owed == []
    assert paused.holders == [Holder("housing", assigned=1, suspended=1)]
    goes_on = owed("resolve-3", "housing", ARRIVAL + 9 * DAY).model_copy(update={"next_rung": 2})
    life.emit("case_1", CaseResumed(reason="lapsed", starts=[goes_on]))
    got = seen(tmp_path / "resumed", life.records, batches)
    assert [(one.kind, one.stage, one.due) for one in got.soon.owed] == [
        ("resolve", WARNED, milliseconds(ARRIVAL + 9 * DAY))
    ]
    assert got.holders == [Holder("housing", assigned=1, warned=1)]


def test_more_time_begins_the_ladder_anew(tmp_path: Path) -> None:
    life = Life().case(1)
    life.emit("case_1", alarmed("resolve-2", "warn", ARRIVAL))
    anew = owed("resolve-3", "housing", ARRIVAL + 9 * DAY).model_copy(update={"next_rung": 0})
    granted = ExtensionDecided(
        granted=True, ends=[Ended(id="resolve-2", how="extended"), ended("accept-1")], starts=[anew]
    )
    life.emit("case_1", granted)
    got = seen(tmp_path, life.records)
    assert (got.late.owed, got.soon.owed) == ([], [])


def test_a_case_without_a_department_is_new_again_and_a_contested_one_answered(tmp_path: Path) -> None:
    life = Life().case(1).case(2)
    life.emit("case_1", CaseQueued(reason="returned"), CaseClosed(outcome="declined", reason="no_facts"))
    life.emit("case_2", CaseClosed(outcome="withdrawn"))
    closed = seen(tmp_path / "closed", life.records)
    assert (closed.holders, closed.closed) == ([], 2)
    life.emit("case_1", CaseReopened(reason="by_hand"))
    life.emit("case_2", CaseContested(outcome="withdrawn", words=WORDS))
    got = seen(tmp_path / "again", life.records)
    assert got.holders == [Holder("coordinator", new=1), Holder("housing", answered=1)]


def test_what_is_owed_is_counted_by_how_old_it_is_for_those_who_watch(tmp_path: Path) -> None:
    life = Life().case(1).case(2).case(3).case(4)
    life.emit("case_1", alarmed("accept-1", "warn", ARRIVAL), alarmed("resolve-2", "circulate", ARRIVAL))
    life.emit("case_2", alarmed("accept-1", "remind", ARRIVAL))
    life.emit("case_3", alarmed("accept-1", "warn", ARRIVAL))
    life.emit("case_4", CaseClosed(outcome="silence"))
    assert seen(tmp_path, life.records).late.owed == []
    path = tmp_path / "audit" / FILE
    assert ages(path) == Ages(on_time=1, warned=1, breached=1)
    asyncio.run(Census(path).count())
    (told,) = metrics.CASES_OPEN.collect()
    assert {one.labels["state"]: one.value for one in told.samples} == {
        "on_time": 1,
        "warned": 1,
        "breached": 1,
    }


def came_in() -> Life:
    """One message of every fate by the door `http`, and one that still waits by another."""
    where = {"channel": "email", "endpoint": "http"}
    life = Life().case(1)
    life.emit("msg_2", received(), MessageSettled(outcome="attached", case="case_1", ref="REF-1"))
    life.emit("msg_3", received(), MessageSettled(outcome="unverified", case="case_1", ref="REF-1"))
    automatic = Automatic(kind="bounce")
    life.emit("msg_4", MessageRefused(**where, reason="bounce", raw=WORDS, automatic=automatic))
    life.emit("msg_5", DeliveryAnswered(**where, raw=WORDS, automatic=automatic))
    for quarantined in ("msg_6", "msg_7", "msg_8"):
        life.emit(quarantined, MessageQuarantined(**where, reason="unreadable", raw=WORDS, thread="t"))
    life.emit("msg_7", MessageReleased(actor="clerk", outcome="refused", reason="other"))
    life.emit("msg_8", MessageReleased(actor="clerk", outcome="case"), received())
    life.emit("msg_8", MessageSettled(outcome="new", case="case_8", ref="REF-8"))
    return life.emit("msg_9", received("smtp"))


EVERY_FATE = [
    Balance("http", received=8, attached=3, new=2, quarantined=1, refused=2),
    Balance("smtp", received=1, attached=0, new=0, quarantined=0, refused=0),
]


def test_the_balance_of_each_door_adds_up(tmp_path: Path) -> None:
    got = seen(tmp_path, came_in().records)
    assert got.balance == EVERY_FATE
    assert [one.waiting for one in got.balance] == [0, 1]
    assert got.received_today == 9


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_figures_do_not_depend_on_how_the_entries_were_batched(tmp_path: Path, size: int) -> None:
    life = came_in().case(20).later(2 * DAY)
    life.emit("case_20", alarmed("accept-1", "breach", ARRIVAL), alarmed("resolve-2", "warn", ARRIVAL))
    life.emit("case_20", CaseQueued(reason="returned", ends=[ended("accept-1")]))
    life.emit("case_1", CaseClosed(outcome="declined"), CaseReopened(reason="not_solved"))
    at_once = seen(tmp_path / "once", life.records, now=life.now)
    count = len(life.records)
    assert seen(tmp_path / "cut", life.records, list(range(size, count, size)), life.now) == at_once
    assert [one.kind for one in at_once.soon.owed] == ["resolve"]
    assert [(one.id, one.warned) for one in at_once.holders] == [("coordinator", 1), ("housing", 0)]


def test_an_event_that_does_not_fit_its_type_is_an_entry_all_the_same(tmp_path: Path) -> None:
    life = Life().case(1)
    first = life.records[1]
    odd = Record(
        **{
            **{name: getattr(first, name) for name in ("topic", "type", "time", "causation", "key")},
            "subject": "case_odd",
            "sequence": 1,
            "value": b'{"data":{"ref":7}}',
        }
    )
    got = seen(tmp_path, [*life.records, odd])
    assert got.holders == [Holder("housing", assigned=1)]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "America/New_York", "UTC"])
def test_days_are_those_of_the_zone_in_whatever_order_instants_come(zone: str) -> None:
    days = Days(ZoneInfo(zone))
    start = datetime(2026, 10, 31, 12, tzinfo=UTC)
    for minutes in (0, 7, 1, 380, 395, 250, 400, 1440, 1439, 5000, 3):
        at = start + timedelta(minutes=minutes)
        assert days(at) == at.astimezone(ZoneInfo(zone)).date().isoformat()


def test_today_is_the_organisations_day(tmp_path: Path) -> None:
    evening = datetime(2026, 9, 29, 16, 30, tzinfo=UTC)  # half past midnight in Shanghai
    life = Life(evening).emit("msg_1", received())
    assert evening.astimezone(SHANGHAI).date().isoformat() == TODAY
    assert seen(tmp_path, life.records).received_today == 1
