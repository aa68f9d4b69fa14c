"""Before the disk is full nothing more is accepted; the store is looked at once for all who are at the door."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import pytest

from shared.clock import SimulatedClock
from shared.room import Full, Room
from shared.store import Store, Unavailable
from tests.installations import WEDNESDAY, in_a_loop


class Disk:
    """A store that says what it has free, in its own time, or that it is away."""

    def __init__(self) -> None:
        self.free = 100
        self.looks = 0
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def free_bytes(self) -> int:
        self.looks += 1
        await self.answers.wait()
        if self.away:
            raise Unavailable("the store is away")
        return self.free


def house() -> tuple[Disk, SimulatedClock, Room]:
    disk, clock = Disk(), SimulatedClock(WEDNESDAY)
    return disk, clock, Room(cast("Store", disk), 50, clock)


@in_a_loop
async def test_many_at_the_door_look_once_and_hear_the_same() -> None:
    disk, _, room = house()
    disk.answers.clear()
    waiting = [asyncio.create_task(room.require()) for _ in range(64)]
    await asyncio.sleep(0)
    disk.answers.set()
    await asyncio.gather(*waiting)
    await room.require()
    assert disk.looks == 1


@in_a_loop
async def test_what_was_seen_half_a_second_ago_is_looked_at_again() -> None:
    disk, clock, room = house()
    await room.require()
    disk.free = 49
    await room.require()
    clock.advance_to(WEDNESDAY + timedelta(seconds=0.5))
    with pytest.raises(Full):
        await room.require()


@in_a_loop
async def test_a_store_that_is_away_turns_all_away_who_asked_and_is_asked_again_by_the_next() -> None:
    disk, _, room = house()
    disk.away = True
    answers = await asyncio.gather(*(room.require() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in answers)
    disk.away = False
    await room.require()
    assert disk.looks == 2
