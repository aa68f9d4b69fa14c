"""Everything of an aggregate is sent from its mark on, in order, whoever saved it and whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from shared import ids, metrics
from shared.bus import publisher as publishing
from shared.bus.publisher import NotSent, Publisher
from shared.clock import SimulatedClock
from shared.events import Record, emit
from shared.store import Collection, Step
from tests.installations import THINGS, WEDNESDAY, happened, in_a_loop


class Saved:
    """What a store holds of one aggregate, and how often it was asked."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.mark = 0
        self.asked = 0
        self.left: list[tuple[Collection, str]] = []
        self.when_asked: Callable[[], object] = lambda: None
        self._hearers: list[Callable[[Step], None]] = []

    def save(self, *, heard: bool = True) -> Step:
        """One event more; `heard` where this process saved it."""
        sequence = len(self.records) + 1
        record = emit(
            happened("x"),
            source="/test",
            subject="a",
            sequence=sequence,
            time=WEDNESDAY,
            causation=f"input {sequence}",
            key="a",
            nonce=ids.random_bytes(16),
        )
        self.records.append(record)
        step = Step(THINGS, "a", sequence - 1, b"{}", (record,))
        if heard:
            self.tell(step)
        return step

    def tell(self, step: Step) -> None:
        for hear in self._hearers:
            hear(step)

    def on_commit(self, hear: Callable[[Step], None]) -> None:
        self._hearers.append(hear)

    async def pending(self, collection: Collection, id: str) -> list[Record]:
        self.asked += 1
        self.when_asked()
        return self.records[self.mark :]

    async def published(self, collection: Collection, id: str, sequence: int) -> None:
        self.mark = max(self.mark, sequence)

    async def left_behind(self, until: datetime, limit: int) -> list[tuple[Collection, str]]:
        return self.left[:limit]


class Line:
    """A way for events that may fail so many times."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.failures = 0
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, records: Sequence[Record]) -> None:
        await self.free.wait()
        if self.failures:
            self.failures -= 1
            raise NotSent("the broker is away")
        self.sent += [record.sequence for record in records]


def house() -> tuple[Saved, Line, Publisher]:
    saved, line = Saved(), Line()
    return saved, line, Publisher(saved, line, SimulatedClock(WEDNESDAY))


@in_a_loop
async def test_what_this_process_saved_is_sent_without_asking_the_store() -> None:
    saved, line, publisher = house()
    for _ in range(3):
        saved.save()
    await publisher.idle()
    saved.save()
    await publisher.idle()
    assert (line.sent, saved.mark, saved.asked) == ([1, 2, 3, 4], 4, 0)


@in_a_loop
async def test_what_another_saved_before_it_goes_before_it() -> None:
    saved, line, publisher = house()
    saved.save()
    await publisher.idle()
    saved.save(heard=False)
    saved.save()
    await publisher.idle()
    assert (line.sent, saved.mark, saved.asked) == ([1, 2, 3], 3, 1)


@in_a_loop
async def test_what_is_saved_while_the_store_is_asked_is_sent_once() -> None:
    saved, line, publisher = house()
    saved.save(heard=False)
    saved.when_asked = lambda: saved.save() if saved.asked == 1 else None
    saved.save()
    await publisher.idle()
    assert (line.sent, saved.mark, saved.asked) == ([1, 2, 3], 3, 1)


@in_a_loop
async def test_two_steps_heard_the_wrong_way_round_are_sent_the_right_way() -> None:
    saved, line, publisher = house()
    first, second = saved.save(heard=False), saved.save(heard=False)
    saved.tell(second)
    saved.tell(first)
    await publisher.idle()
    assert list(dict.fromkeys(line.sent)) == [1, 2]
    assert saved.mark == 2


@in_a_loop
async def test_after_a_failure_everything_from_the_mark_goes_first_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publishing, "AGAIN_SECONDS", 0)
    saved, line, publisher = house()
    line.failures = 3
    line.free.clear()
    saved.save()
    await asyncio.sleep(0)
    saved.save()  # while the first is under way
    line.free.set()
    await publisher.idle()
    assert (line.sent, saved.mark) == ([1, 2], 2)


@in_a_loop
async def test_what_is_too_much_to_remember_is_left_to_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MOST_WAITING", 0)
    saved, line, publisher = house()
    saved.save()
    await publisher.idle()
    assert line.sent == []
    monkeypatch.undo()
    saved.save()
    await publisher.idle()
    assert line.sent == [1, 2]


@in_a_loop
async def test_what_the_store_has_had_too_long_is_counted_whoever_saved_it() -> None:
    saved, line, publisher = house()
    saved.save(heard=False)
    saved.left = [(THINGS, "a")]
    await publisher._look()
    assert metrics.REGISTRY.get_sample_value("throughline_unpublished_left_aggregates") == 1
    await publisher.idle()
    saved.left = []
    await publisher._look()
    assert (line.sent, metrics.REGISTRY.get_sample_value("throughline_unpublished_left_aggregates")) == (
        [1],
        0,
    )
