"""What every bus promises: everything reaches every group, a key's events in order; poison holds back its key alone."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from shared.aggregate import Aggregates
from shared.bus import Bus, Handle, Positions, Subscription, Taken, Tap, answering, embedded, standstill
from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import Cluster, KafkaBus, group, tap
from shared.clock import SimulatedClock
from shared.events import Record
from shared.events.messages import MessageSettled
from shared.store import Unavailable
from shared.store.sqlite import SqliteStore
from tests.installations import KIND, WEDNESDAY, Thing, happened, in_a_loop, mongo_store, sqlite_store
from tests.simulation.contract import ADDRESS, Models

TYPES = frozenset({MessageSettled.TYPE})


Running = tuple[Bus, Aggregates[Thing]]
Begin = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture(
    params=["embedded", "model of sqlite", "model of kafka", pytest.param("kafka", marks=pytest.mark.cluster)]
)
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Begin:
    """Begin a bus with groups named by their handlers; begun again, it goes on where it was."""
    if request.param == "embedded":
        return partial(embedded_bus, lambda: sqlite_store(tmp_path))
    if request.param.startswith("model"):
        models: Models = request.getfixturevalue("modelled")
        if request.param == "model of sqlite":
            return partial(embedded_bus, models.sqlite)
        return partial(kafka_bus, "kafka:9092", ADDRESS, "model")
    address, url = (request.getfixturevalue(name) for name in ("kafka_address", "mongo_url"))
    return partial(kafka_bus, address, url, f"test_{secrets.token_hex(6)}")


@asynccontextmanager
async def embedded_bus(
    opened: Callable[[], AbstractAsyncContextManager[SqliteStore]], **handlers: Handle | Tap
) -> AsyncIterator[Running]:
    async with opened() as store:
        clock = SimulatedClock(WEDNESDAY)
        async with begun(EmbeddedBus(store, clock), handlers) as running:
            yield running, Aggregates(KIND, store, clock)


@asynccontextmanager
async def kafka_bus(address: str, url: str, name: str, **handlers: Handle | Tap) -> AsyncIterator[Running]:
    cluster = Cluster(address, prefix=f"{name}.", partitions=3, replication=1)
    async with mongo_store(url, name) as store:
        clock = SimulatedClock(WEDNESDAY)
        async with begun(KafkaBus(cluster, store, clock), handlers) as running:
            yield running, Aggregates(KIND, store, clock)


@asynccontextmanager
async def begun(running: Bus, handlers: Mapping[str, Handle | Tap]) -> AsyncIterator[Bus]:
    for name, handle in handlers.items():
        if isinstance(handle, Tap):
            running.tap(name, handle)
        else:
            running.subscribe(name, [Subscription(("messages",), TYPES, handle)])
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


class Hearing:
    """A group that remembers what it heard, slowly and out of step where keys differ."""

    def __init__(self, *, poison: str | None = None) -> None:
        self.heard: dict[str, list[int]] = {}
        self.poison = poison

    async def __call__(self, record: Record) -> None:
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        if record.id == self.poison:
            raise ValueError("this one can't be read")
        self.heard.setdefault(record.subject, []).append(record.sequence)


async def fill(things: Aggregates[Thing], names: str, each: int) -> None:
    for number in range(each):
        await asyncio.gather(
            *(things.answer(name, f"{name}{number}", lambda state, now: [happened("x")]) for name in names)
        )


@in_a_loop
async def test_every_group_hears_every_event_of_a_key_in_order(bus: Begin) -> None:
    one, other = Hearing(), Hearing()
    async with bus(one=one, other=other) as (running, things):
        await fill(things, "abcdef", 20)
        await running.idle()
    expected = {name: list(range(1, 21)) for name in "abcdef"}
    assert one.heard == expected
    assert other.heard == expected


@in_a_loop
async def test_a_group_goes_on_where_it_was_and_a_new_one_starts_at_the_beginning(bus: Begin) -> None:
    async with bus(old=Hearing()) as (running, things):
        await fill(things, "ab", 5)
        await running.idle()
    old, new = Hearing(), Hearing()
    async with bus(old=old, new=new) as (running, things):
        await fill(things, "c", 2)
        await running.idle()
    assert old.heard == {"c": [1, 2]}
    assert new.heard == {"a": [1, 2, 3, 4, 5], "b": [1, 2, 3, 4, 5], "c": [1, 2]}


@in_a_loop
async def test_an_event_that_cannot_be_answered_holds_back_its_key_and_comes_back_in_order(
    bus: Begin,
) -> None:
    hearing = Hearing(poison="a/2")
    async with bus(group=hearing) as (running, things):
        await fill(things, "ab", 4)
        await running.idle()
        assert hearing.heard == {"a": [1], "b": [1, 2, 3, 4]}
    mended = Hearing()
    async with bus(group=mended) as (running, things):
        await fill(things, "a", 5)
        await running.idle()
        assert mended.heard == {}
        through = await running.replay("group", "a")
        await fill(things, "a", 6)
        await running.idle()
    assert through == 4
    assert mended.heard == {"a": [2, 3, 4, 5, 6]}


@in_a_loop
async def test_an_event_waits_for_a_store_that_is_away(bus: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "AWAY_SECONDS", 0.01)
    away = [True, True, False]
    heard: list[str] = []

    async def handle(record: Record) -> None:
        if away[0]:
            away.pop(0)
            raise Unavailable("the store is away")
        heard.append(record.id)

    async with bus(group=handle) as (running, things):
        await fill(things, "a", 2)
        await running.idle()
        assert running.held_counts() == {}
    assert heard == ["a/1", "a/2"]


@in_a_loop
async def test_a_group_far_behind_reads_what_memory_no_longer_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "TAIL", 8)
    bus = partial(embedded_bus, lambda: sqlite_store(tmp_path))
    hearing = Hearing()
    async with bus() as (_, things):
        await fill(things, "abc", 30)
    async with bus(late=hearing) as (running, things):
        await fill(things, "d", 3)
        await running.idle()
    assert hearing.heard == {name: list(range(1, 31)) for name in "abc"} | {"d": [1, 2, 3]}


@in_a_loop
async def test_what_comes_while_a_key_is_replayed_waits_its_turn(bus: Begin) -> None:
    hearing = Hearing(poison="a/2")
    async with bus(group=hearing) as (running, things):
        await fill(things, "a", 3)
        await running.idle()
        hearing.poison = None
        replays = [asyncio.create_task(running.replay("group", "a")) for _ in range(3)]
        for number in range(20):
            await things.answer("a", f"later {number}", lambda state, now: [happened("x")])
        assert sum(await asyncio.gather(*replays)) >= 2
        await running.idle()
        assert hearing.heard == {"a": list(range(1, 24))}
        assert running.held_counts() == {}


@in_a_loop
async def test_what_still_cannot_be_answered_stays_under_its_new_reason(bus: Begin) -> None:
    hearing = Hearing(poison="a/2")
    async with bus(group=hearing) as (running, things):
        await fill(things, "ab", 4)
        await running.idle()
        (key,) = await running.held_keys()
        assert (key.group, key.key, key.events) == ("group", "a", 3)
        assert (key.first.record.id, key.first.reason) == ("a/2", "ValueError: this one can't be read")
        reasons = [held.reason for held in await running.held("group", "a")]
        assert reasons[1:] == ["behind a held event"] * 2
        hearing.poison = "a/3"
        assert await running.replay("group", "a") == 1
        (key,) = await running.held_keys()
        assert (key.events, key.first.record.id) == (2, "a/3")
        assert key.first.reason == "ValueError: this one can't be read"
        assert running.held_counts() == {"group": 1}
    assert hearing.heard["a"] == [1, 2]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks come often, and a position that two of them found at the same place is said to stand still."""
    monkeypatch.setattr(standstill, "STILL_SECONDS", 0.0)
    for adapter in (embedded, group, tap):
        monkeypatch.setattr(adapter, "LOOK_EVERY", 0.02)


async def said(running: Bus, word: str) -> str:
    """What the bus says does not get on, once it says this."""
    while not any(word in reason for reason in running.not_ready()):
        await asyncio.sleep(0.01)
    return next(reason for reason in running.not_ready() if word in reason)


async def gets_on(running: Bus) -> None:
    """Return once nothing is said to stand still."""
    while running.not_ready():
        await asyncio.sleep(0.01)


@pytest.mark.usefixtures("looks")
@in_a_loop
async def test_a_handler_that_does_not_come_back_is_said_until_it_does(bus: Begin) -> None:
    may = asyncio.Event()

    async def handle(record: Record) -> None:
        if record.id == "a/2":
            await may.wait()

    async with bus(stuck=handle, other=Hearing()) as (running, things):
        await fill(things, "ab", 4)
        reason = await said(running, "stuck: nothing of messages")
        assert " has been answered since " in reason
        may.set()
        await running.idle()
        await gets_on(running)


@pytest.mark.usefixtures("looks")
@in_a_loop
async def test_a_store_that_never_answers_is_said_of_the_group_that_waits_for_it(bus: Begin) -> None:
    async def handle(record: Record) -> None:
        raise Unavailable("the store is away")

    async with bus(group=handle) as (running, things):
        await fill(things, "a", 1)
        assert (await said(running, "nothing of messages")).startswith("group: ")


@pytest.mark.usefixtures("looks")
@in_a_loop
async def test_who_has_nothing_to_do_or_only_held_back_keys_gets_on(bus: Begin) -> None:
    async with bus(group=Hearing(poison="a/1"), idle=Hearing()) as (running, things):
        await fill(things, "ab", 3)
        await running.idle()
        assert running.held_counts() == {"group": 1}
        await gets_on(running)
        looked = asyncio.Event()
        saw, looks = standstill.Standstill.saw, 0

        def counted(self: standstill.Standstill, stands: Iterable[standstill.Stand]) -> None:
            nonlocal looks
            saw(self, stands)
            assert self.reason() is None
            looks += 1
            if looks > 20:
                looked.set()

        with pytest.MonkeyPatch.context() as watching:
            watching.setattr(standstill.Standstill, "saw", counted)
            await looked.wait()
        assert running.not_ready() == []


@pytest.mark.usefixtures("looks")
@in_a_loop
async def test_a_tap_that_does_not_come_back_is_said(bus: Begin) -> None:
    may = asyncio.Event()
    taken: dict[str, int] = {}

    async def take(batch: Sequence[Taken], positions: Positions) -> None:
        await may.wait()
        taken.update(positions)

    async with bus(tap=Tap(lambda: taken, take)) as (running, things):
        await fill(things, "a", 2)
        assert (await said(running, "has been answered since")).startswith("tap: ")
        may.set()
        await running.idle()
        await gets_on(running)
