"""What the console shows follows from the entries alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.audit.figures import MOST_LISTED, Balance, Figures, Holder, figures
from services.audit.index import FILE
from services.audit.projection import STAGES, WARNED, Days
from shared.events import Record
from shared.events.cases import CaseAnswered, CaseClosed, CaseQueued, CaseReopened
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
