"""Two instances of a service over one store: nothing is decided on a copy that the other has made old."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from shared.aggregate import Aggregates, Decide
from shared.clock import SimulatedClock
from shared.events import Event
from shared.store import Collection, Document
from shared.store.sqlite import SqliteStore
from tests.installations import KIND, THINGS, WEDNESDAY, Thing, happened, in_a_loop

ID = "thing_1"


class Refused(Exception):
    """A rule does not allow it."""


class SharedStore(SqliteStore):
    """A store to which others write too. Counts how often it is asked for a document."""

    only_writer = False
    loads = 0

    async def load(self, collection: Collection, id: str) -> Document | None:
        self.loads += 1
        return await super().load(collection, id)


def once(state: Thing | None, now: datetime) -> Sequence[Event]:
    """Always something."""
    return (happened("again"),)


def up_to(most: int) -> Decide[Thing]:
    def decide(state: Thing | None, now: datetime) -> Sequence[Event]:
        return (happened("more"),) if state is None or state.count < most else ()

    return decide


def from_two_on(state: Thing | None, now: datetime) -> Sequence[Event]:
    if state is None or state.count < 2:
        raise Refused
    return (happened("allowed"),)


def only_from_two_on(state: Thing | None, now: datetime) -> Sequence[Event]:
    return (happened("time"),) if state is not None and state.count >= 2 else ()


@asynccontextmanager
async def two(directory: Path) -> AsyncIterator[tuple[SharedStore, Aggregates[Thing], Aggregates[Thing]]]:
    """Two instances; both have seen the thing when it had happened once."""
    store = SharedStore(directory, [THINGS])
    await store.open()
    clock = SimulatedClock(WEDNESDAY)
    one, other = Aggregates(KIND, store, clock), Aggregates(KIND, store, clock)
    await one.answer(ID, "first", once)
    assert (await other.load(ID)).version == 1
    try:
        yield store, one, other
    finally:
        await store.close()


@in_a_loop
async def test_what_another_saved_is_read(tmp_path: Path) -> None:
    async with two(tmp_path) as (_, one, other):
        await one.answer(ID, "second", once)
        assert (await other.load(ID)).state == Thing(count=2)


@in_a_loop
async def test_nothing_is_refused_on_an_old_copy(tmp_path: Path) -> None:
    async with two(tmp_path) as (_, one, other):
        await one.answer(ID, "second", once)
        answer = await other.answer(ID, "third", from_two_on)
        assert [record.sequence for record in answer.records] == [3]


@in_a_loop
async def test_nothing_is_nothing_to_do_on_an_old_copy(tmp_path: Path) -> None:
    async with two(tmp_path) as (_, one, other):
        await one.answer(ID, "second", once)
        answer = await other.answer(ID, "third", only_from_two_on)
        assert [record.sequence for record in answer.records] == [3]


@in_a_loop
async def test_what_is_refused_on_what_stands_stays_refused(tmp_path: Path) -> None:
    async with two(tmp_path) as (_, _, other):
        with pytest.raises(Refused):
            await other.answer(ID, "second", from_two_on)


@in_a_loop
async def test_an_input_is_answered_once_whichever_instance_it_reaches(tmp_path: Path) -> None:
    async with two(tmp_path) as (_, one, other):
        await one.answer(ID, "second", once)
        await one.answer(ID, "third", once)
        again = await other.answer(ID, "second", once)
        assert (again.repeated, again.state.count, again.version) == (True, 3, 3)
        answer = await other.answer(ID, "first", once)
        assert (answer.repeated, answer.version) == (True, 3)


@in_a_loop
async def test_a_step_on_an_old_copy_is_decided_again(tmp_path: Path) -> None:
    async with two(tmp_path) as (_, one, other):
        await one.answer(ID, "second", once)
        answer = await other.answer(ID, "third", up_to(2))
        assert (answer.records, answer.version) == ((), 2)


@in_a_loop
async def test_what_follows_is_saved_without_reading_again(tmp_path: Path) -> None:
    async with two(tmp_path) as (store, one, _):
        before = store.loads
        for number in range(10):
            await one.answer(ID, f"more-{number}", once)
        assert store.loads == before


@in_a_loop
async def test_the_only_writer_reads_nothing_twice(tmp_path: Path) -> None:
    class AloneStore(SharedStore):
        only_writer = True

    store = AloneStore(tmp_path, [THINGS])
    await store.open()
    one = Aggregates(KIND, store, SimulatedClock(WEDNESDAY))
    await one.answer(ID, "first", once, fresh=True)
    for _ in range(3):
        await one.answer(ID, "first", once)
        await one.answer(ID, "later", only_from_two_on)
        await one.load(ID)
    await store.close()
    assert store.loads == 0
