"""The follower asks the checks behind the log: nothing twice, nothing left out, whatever fails or is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.audit.checking import Asked, run_over
from services.audit.checks.check import Check, Noted
from services.audit.checks.running import Tuned, as_they_are
from services.audit.following import looking
from services.audit.following.follower import AT_ONCE, Follower
from services.audit.following.raising import MOST_EVIDENCE
from services.audit.supervision.finding import FINDINGS, finding_id
from services.audit.trail import Trail
from shared import metrics
from shared.clock import SimulatedClock
from shared.events import Record
from shared.events.cases import CaseAccepted, CaseAssigned, MessageAttached
from shared.events.findings import FindingRaised
from shared.events.trail import TrailTicked
from shared.store import Unavailable
from shared.store.sqlite import SqliteStore
from tests.installations import in_a_loop
from tests.unit.check_samples import SAMPLES, Assignments, Broken, Busy, Few, Late
from tests.unit.trail_samples import ARRIVAL, DAY, WORDS, Life, a_trail, ended, received, ref, take


class House:
    """A trail, and a follower behind it."""

    def __init__(self, trail: Trail, store: SqliteStore, follower: Follower) -> None:
        self.trail, self.store, self.follower = trail, store, follower

    async def has(self, records: Sequence[Record]) -> None:
        """Events come, are signed and followed."""
        await take(self.trail, records)
        await self.trail.idle()
        await self.follower.idle()

    async def raised(self) -> list[tuple[str, str]]:
        """The findings, in the order in which they were raised."""
        found = await self.store.find(FINDINGS, order="rank", limit=1000)
        events = [one.data for document, _ in found for one in await self.store.history(document.id)]
        return sorted((one.check, one.key) for one in events if isinstance(one, FindingRaised))


@asynccontextmanager
async def following(
    directory: Path, checks: Sequence[Tuned] | None = None, facts: Any = None
) -> AsyncIterator[House]:
    directory.mkdir(exist_ok=True)
    store = SqliteStore(directory, [FINDINGS])
    await store.open()
    async with a_trail(directory) as trail:
        clock = SimulatedClock(ARRIVAL)
        follower = Follower(trail, store, clock, as_they_are(SAMPLES) if checks is None else checks, facts)
        try:
            yield House(trail, store, follower)
        finally:
            await follower.stop()
            follower.close()
            await store.close()


def of(*checks: Check[Any]) -> list[Tuned]:
    return as_they_are(checks)


def busy_life() -> Life:
    """Three cases of a department, one of them transferred, one accepted in time."""
    life = Life().case(1).case(2).case(3)
    life.emit("case_2", CaseAssigned(department="roads", by="coordinator"))
    life.emit("case_3", CaseAccepted(ends=[ended("accept-1")]))
    return life


@in_a_loop
async def test_what_checks_see_is_raised_once_with_its_evidence(tmp_path: Path) -> None:
    life = busy_life()
    async with following(tmp_path) as house:
        await house.has(life.records)
        assert await house.raised() == [("assignments", "case_2/3"), ("busy", "housing")]
        (found,) = await house.store.history(finding_id("assignments", "case_2/3"))
        assert isinstance(found.data, FindingRaised)
        place = life.records.index(next(one for one in life.records if one.id == "case_2/3"))
        assert [(one.index, one.event) for one in found.data.evidence] == [(place, "case_2/3")]
        assert (found.data.case, found.data.as_of) == ("case_2", len(life.records))
        await house.follower.idle()
        assert len(await house.store.history(finding_id("assignments", "case_2/3"))) == 1


@in_a_loop
async def test_one_who_stops_anywhere_goes_on_and_raises_the_same(tmp_path: Path) -> None:
    records, other = busy_life().records, Life().emit("msg_9", received(), received()).records
    async with following(tmp_path / "whole") as house:
        await house.has(records)
        whole = await house.raised()
    for cut in range(len(records) + 1):
        async with following(tmp_path / f"{cut}") as house:
            await house.has(records[:cut])
        async with following(tmp_path / f"{cut}") as house:
            # Others first: what comes next is then at no place where the log was signed.
            await house.has([*other, *records[cut:]])
            assert (await house.raised(), house.follower.cursor) == (whole, len(other) + len(records))


@in_a_loop
async def test_what_was_seen_before_a_crash_is_raised_though_nobody_remembers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(tmp_path) as house:
        with monkeypatch.context() as crash:
            crash.setattr(house.follower._memory, "commit", _fails)
            with pytest.raises(OSError, match="died"):
                await house.has(busy_life().records)
        before = await house.raised()
        await house.follower.idle()
        assert await house.raised() == before == [("assignments", "case_2/3"), ("busy", "housing")]


def _fails(*_: Any) -> None:
    raise OSError("died")


@in_a_loop
async def test_a_store_that_is_away_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with following(tmp_path) as house:
        with monkeypatch.context() as away:
            away.setattr(house.store, "commit", _away)
            with pytest.raises(Unavailable):
                await house.has(busy_life().records)
            assert house.follower.cursor == 0
        await house.follower.idle()
        assert len(await house.raised()) == 2


async def _away(*_: Any) -> None:
    raise Unavailable("the disk is full")


@in_a_loop
async def test_time_alone_shows_what_is_late_once_the_trail_says_that_it_passed(tmp_path: Path) -> None:
    life = busy_life()
    async with following(tmp_path, of(Late())) as house:
        await house.has(life.records)
        assert await house.raised() == []
        ticked = Life(ARRIVAL + DAY - timedelta(seconds=1)).emit("tick_1", TrailTicked())
        await house.has(ticked.records)
        assert await house.raised() == []
        ticked = Life(ARRIVAL + DAY).emit("tick_2", TrailTicked())
        await house.has(ticked.records)
        assert await house.raised() == [("late", "case_1/accept-1"), ("late", "case_2/accept-1")]
        await house.has(Life(ARRIVAL + 9 * DAY).emit("tick_3", TrailTicked()).records)
        assert [key for _, key in await house.raised() if "resolve" in key] == [
            "case_1/resolve-2",
            "case_2/resolve-2",
            "case_3/resolve-2",
        ]


@in_a_loop
async def test_more_cases_than_are_looked_at_at_once_fall_due_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_DUE_AT_ONCE", 3)
    life = Life()
    for number in range(10):
        life.case(number)
    async with following(tmp_path, of(Late())) as house:
        await house.has(life.records)
        await house.has(Life(ARRIVAL + DAY).emit("tick_1", TrailTicked()).records)
        assert len(await house.raised()) == 10


@in_a_loop
async def test_a_check_that_fails_holds_nothing_back_and_what_it_failed_on_is_remembered(
    tmp_path: Path,
) -> None:
    before = metrics.CHECKS_FAILED.labels("broken")._value.get()
    async with following(tmp_path, of(Broken(), Assignments())) as house:
        await house.has(busy_life().records)
        assert await house.raised() == [("assignments", "case_2/3")]
        failed = house.follower._memory.failed()
        assert {(one.check, one.case) for one in failed} == {
            ("broken", "case_1"),
            ("broken", "case_2"),
            ("broken", "case_3"),
        }
        assert metrics.CHECKS_FAILED.labels("broken")._value.get() > before


@in_a_loop
async def test_a_house_check_that_is_tuned_otherwise_knows_what_was_before_and_raises_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_REFOLDED_AT_ONCE", 3)
    life = busy_life()
    async with following(tmp_path, [Tuned(Busy(), Few(most=9))]) as house:
        await house.has(life.records)
        assert await house.raised() == []
    async with following(tmp_path, [Tuned(Busy(), Few(most=3))]) as house:
        await house.follower.idle()
        assert await house.raised() == []
        later = life.records[:]
        await house.has(life.case(4).records[len(later) :])
        assert await house.raised() == [("busy", "housing")]


@in_a_loop
async def test_a_new_check_begins_where_the_others_are(tmp_path: Path) -> None:
    life = busy_life()
    async with following(tmp_path, of(Assignments())) as house:
        await house.has(life.records)
    async with following(tmp_path, of(Assignments(), Busy())) as house:
        await house.follower.idle()
        assert await house.raised() == [("assignments", "case_2/3")]


@in_a_loop
async def test_who_finds_another_log_begins_anew(tmp_path: Path) -> None:
    async with following(tmp_path / "old") as house:
        await house.has(Life().case(7).case(8).case(9).case(6).records)
    (tmp_path / "new" / "audit").mkdir(parents=True)
    (tmp_path / "old" / "audit" / "checks.db").rename(tmp_path / "new" / "audit" / "checks.db")
    async with following(tmp_path / "new") as house:
        await house.has(busy_life().records)
        assert await house.raised() == [("assignments", "case_2/3"), ("busy", "housing")]


@in_a_loop
async def test_a_case_of_very_many_entries_is_looked_at_once_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MANY", 6)
    life = Life().case(1)
    life.emit("case_1", CaseAssigned(department="roads", by="coordinator"))
    for number in range(8):
        life.emit("case_1", _attached(f"msg_more_{number}"))
    async with following(tmp_path, of(Assignments())) as house:
        await house.has(life.records)
        assert await house.raised() == []
        await house.has(Life(ARRIVAL + looking.ONCE_A).emit("tick_1", TrailTicked()).records)
        assert await house.raised() == [("assignments", "case_1/3")]


def _attached(message: str) -> MessageAttached:
    return MessageAttached(
        ref=ref(1), message=message, channel="web", words=WORDS, how="thread", verified=True
    )


@in_a_loop
async def test_what_is_no_event_of_ours_and_what_does_not_fit_its_type_is_passed(tmp_path: Path) -> None:
    life = busy_life()
    odd = Record.read("", life.records[2].value.replace(b'"by":"rule"', b'"by":"nobody"'))
    life.records[2] = odd
    async with following(tmp_path) as house:
        await house.has(life.records)
        assert await house.raised() == [("assignments", "case_2/3"), ("busy", "housing")]
        assert house.follower.cursor == len(life.records)
        assert house.follower._memory.failed() == []


@in_a_loop
async def test_a_finding_names_no_more_entries_than_an_event_holds(tmp_path: Path) -> None:
    class Much(Assignments):
        """Everything is evidence."""

        def examine(self, history: Any, parameters: Few) -> Any:
            for doubt in super().examine(history, parameters):
                yield doubt.__class__(doubt.key, doubt.since, tuple(history.entries) * 100, case=history.case)

    async with following(tmp_path, of(Much())) as house:
        await house.has(busy_life().records)
        (found,) = await house.store.history(finding_id("assignments", "case_2/3"))
        assert isinstance(found.data, FindingRaised)
        assert len(found.data.evidence) == MOST_EVIDENCE


@in_a_loop
async def test_it_follows_by_itself_what_is_signed(tmp_path: Path) -> None:
    async with following(tmp_path) as house:
        await house.follower.start()
        await take(house.trail, busy_life().records)
        await house.trail.idle()
        async with asyncio.timeout(60):
            while len(await house.raised()) < 2:
                await asyncio.sleep(0.01)


@in_a_loop
async def test_live_and_over_history_they_find_the_same(tmp_path: Path) -> None:
    life = busy_life().later(2 * DAY).case(4).case(5, "roads").later(5 * DAY)
    life.emit("tick_1", TrailTicked())
    life.emit("case_4", CaseAccepted(ends=[ended("accept-1", late=True)]))
    life.emit("case_5", CaseAssigned(department="housing", by="transfer")).later(9 * DAY)
    life.emit("tick_2", TrailTicked())
    async with following(tmp_path) as house:
        for at in range(0, len(life.records), 3):
            await house.has(life.records[at : at + 3])
        live = await house.raised()
    over = run_over(tmp_path / "audit" / "log", Asked(as_they_are(SAMPLES)), jobs=1)
    assert sorted((one.check, one.key) for one in over.found) == live
    assert {check for check, _ in live} == {"assignments", "busy", "late"}


class Facts:
    """Hears what is to be read."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def read(self, batch: Sequence[Noted]) -> None:
        self.heard += [one.record.id for one in batch]

    def forget(self) -> None:
        self.heard.clear()

    def close(self) -> None:
        """Nothing is open."""


@in_a_loop
async def test_facts_are_asked_for_each_entry_once_and_in_order(tmp_path: Path) -> None:
    facts = Facts()
    records = busy_life().records
    async with following(tmp_path, facts=facts) as house:
        await house.has(records[:5])
        await house.has(records[5:])
    assert facts.heard == [one.id for one in records]
    assert len(records) < AT_ONCE
