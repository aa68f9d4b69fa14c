"""What every store promises of what is held back: nothing of it is lost, and it keeps its order."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.events import Record
from shared.store.mongo import MongoStore
from shared.store.sqlite import SqliteStore
from tests.installations import KIND, MONGO, WEDNESDAY, happened, in_a_loop, mongo_store, sqlite_store
from tests.simulation.contract import ADDRESS, Models

Either = SqliteStore | MongoStore
Stores = Callable[[], AbstractAsyncContextManager[Either]]


@pytest.fixture(params=["sqlite", "model of sqlite", "model of mongo", *MONGO])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Opens one store, and the same one again; of each adapter."""
    if request.param == "sqlite":
        return lambda: sqlite_store(tmp_path)
    if request.param.startswith("model"):
        models: Models = request.getfixturevalue("modelled")
        return models.sqlite if request.param == "model of sqlite" else partial(mongo_store, ADDRESS, "model")
    url: str = request.getfixturevalue("mongo_url")
    return partial(mongo_store, url, f"test_{secrets.token_hex(6)}", driver=request.param)


async def events(store: Either, id: str, count: int) -> Sequence[Record]:
    """As many events of an aggregate, whose id is also their key."""
    things = Aggregates(KIND, store, SimulatedClock(WEDNESDAY))
    await things.answer(id, "input", lambda state, now: [happened(str(n)) for n in range(count)])
    return await store.history(id)


def ids(held: Sequence[tuple[Record, str]]) -> list[str]:
    return [record.id for record, _ in held]


@in_a_loop
async def test_what_is_held_is_there_with_its_bytes_after_the_store_was_opened_again(stores: Stores) -> None:
    async with stores() as store:
        first, second = await events(store, "t_1", 2)
        await store.held_back.hold("desk", first, "it can't be read")
        await store.held_back.hold("desk", second, "behind")
    async with stores() as store:
        assert await store.held_back.held("desk", "t_1") == [(first, "it can't be read"), (second, "behind")]
        assert await store.held_back.held("desk", "t_2") == []
        assert await store.held_back.held("door", "t_1") == []


@in_a_loop
async def test_held_twice_it_is_held_once_in_its_place_with_its_first_reason(stores: Stores) -> None:
    async with stores() as store:
        first, second = await events(store, "t_1", 2)
        await store.held_back.hold("desk", first, "one reason")
        await store.held_back.hold("desk", second, "behind")
        await asyncio.gather(*(store.held_back.hold("desk", first, "another") for _ in range(8)))
        assert await store.held_back.held("desk", "t_1") == [(first, "one reason"), (second, "behind")]


@in_a_loop
async def test_tried_anew_it_keeps_its_place_and_has_a_new_reason(stores: Stores) -> None:
    async with stores() as store:
        first, second = await events(store, "t_1", 2)
        await store.held_back.hold("desk", first, "one reason")
        await store.held_back.hold("desk", second, "behind")
        await store.held_back.hold("desk", first, "a new reason", anew=True)
        assert await store.held_back.held("desk", "t_1") == [(first, "a new reason"), (second, "behind")]
        ((key, count, reason, record),) = await store.held_back.held_keys("desk")
        assert (key, count, reason, record.id) == ("t_1", 2, "a new reason", "t_1/1")


@in_a_loop
async def test_what_was_released_is_gone_and_the_rest_stays_in_order(stores: Stores) -> None:
    async with stores() as store:
        records = await events(store, "t_1", 12)
        for record in records:
            await store.held_back.hold("desk", record, "behind")
            await store.held_back.hold("door", record, "behind")
        for record in records[:3]:
            await store.held_back.release("desk", "t_1", record.id)
            await store.held_back.release("desk", "t_1", record.id)
        assert ids(await store.held_back.held("desk", "t_1")) == [f"t_1/{n}" for n in range(4, 13)]
        assert len(await store.held_back.held("door", "t_1")) == 12
        for record in records:
            await store.held_back.release("desk", "t_1", record.id)
        assert await store.held_back.held_keys("desk") == []


@in_a_loop
async def test_keys_are_told_the_longest_waiting_first(stores: Stores) -> None:
    async with stores() as store:
        (late,), (early, then), (other,) = [
            await events(store, *one) for one in (("t_a", 1), ("t_b", 2), ("t_c", 1))
        ]
        for record in (early, then):
            await store.held_back.hold("desk", record, f"why {record.id}")
        await store.held_back.hold("door", late, "another group's")
        await store.held_back.hold("desk", other, "why t_c/1")
        told = await store.held_back.held_keys("desk")
    assert [(key, count, reason, record.id) for key, count, reason, record in told] == [
        ("t_b", 2, "why t_b/1", "t_b/1"),
        ("t_c", 1, "why t_c/1", "t_c/1"),
    ]


@in_a_loop
async def test_many_keys_held_at_once_lose_nothing(stores: Stores) -> None:
    async with stores() as store:
        records = [(await events(store, f"t_{number}", 1))[0] for number in range(40)]
        await asyncio.gather(*(store.held_back.hold("desk", record, "why") for record in records))
        told = await store.held_back.held_keys("desk")
    assert sorted(key for key, *_ in told) == sorted(record.key for record in records)
