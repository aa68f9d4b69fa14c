"""Time moves in the trail by ticks: one each so often, whoever ticks, however time jumps."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.audit.following.ticks import TICKS, Ticks, tick_id
from shared.clock import SimulatedClock
from shared.store import Unavailable
from shared.store.sqlite import SqliteStore
from tests.installations import in_a_loop
from tests.unit.trail_samples import ARRIVAL, DAY

EVERY = timedelta(minutes=10)


async def ticked(store: SqliteStore) -> int:
    return await store.count(TICKS)


async def opened(directory: Path) -> SqliteStore:
    store = SqliteStore(directory, [TICKS])
    await store.open()
    return store


@in_a_loop
async def test_it_ticks_once_at_each_multiple_and_not_where_it_begins(tmp_path: Path) -> None:
    store, clock = await opened(tmp_path), SimulatedClock(ARRIVAL + timedelta(minutes=3))
    ticks = Ticks(store, clock, EVERY)
    for minute in range(3, 31):
        clock.advance_to(ARRIVAL + timedelta(minutes=minute))
        await ticks.idle()
        await ticks.idle()
        assert await ticked(store) == minute // 10
    (event,) = await store.history(tick_id(ARRIVAL + 3 * EVERY))
    assert (event.type, event.time) == ("throughline.trail.ticked", ARRIVAL + 3 * EVERY)
    await store.close()


@in_a_loop
async def test_days_that_pass_at_once_have_one_tick(tmp_path: Path) -> None:
    store, clock = await opened(tmp_path), SimulatedClock(ARRIVAL)
    ticks = Ticks(store, clock, EVERY)
    clock.advance_to(ARRIVAL + 30 * DAY + timedelta(seconds=1))
    await ticks.idle()
    assert await ticked(store) == 1
    assert await store.history(tick_id(ARRIVAL + 30 * DAY))
    await store.close()


@in_a_loop
async def test_two_audits_make_one_tick(tmp_path: Path) -> None:
    store, clock = await opened(tmp_path), SimulatedClock(ARRIVAL)
    one, other = Ticks(store, clock, EVERY), Ticks(store, clock, EVERY)
    clock.advance_to(ARRIVAL + EVERY + timedelta(seconds=5))
    await asyncio.gather(one.tick(), other.tick())
    assert await ticked(store) == 1
    assert len(await store.history(tick_id(ARRIVAL + EVERY))) == 1
    await store.close()


@in_a_loop
async def test_it_ticks_by_itself_as_the_clock_goes_and_again_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = await opened(tmp_path), SimulatedClock(ARRIVAL)
    failed = asyncio.Event()

    async def away(_: Any) -> None:
        failed.set()
        raise Unavailable("the disk is full")

    ticks = Ticks(store, clock, EVERY)
    await ticks.start()
    await asyncio.sleep(0)
    with monkeypatch.context() as full:
        full.setattr(store, "commit", away)
        clock.advance_to(ARRIVAL + EVERY)
        await failed.wait()
    for second in range(1, 61):
        clock.advance_to(ARRIVAL + EVERY + timedelta(seconds=second))
        await asyncio.sleep(0.001)
    while not await ticked(store):
        await asyncio.sleep(0.001)
    await ticks.stop()
    await store.close()
