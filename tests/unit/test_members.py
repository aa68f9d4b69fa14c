"""Several instances share what is due: each aggregate is somebody's, and a dead one's are soon the others'."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.aggregate import Aggregates, Kind
from shared.clock import SimulatedClock
from shared.members import FORGET_SECONDS, SILENT_SECONDS, Members
from shared.service import MOST_FIRED_AT_ONCE, Timer
from shared.store import Unavailable
from shared.timers import TimerLoop
from tests.installations import THINGS, WEDNESDAY, Thing, evolve, happened, in_a_loop, sqlite_store
from tests.registers import RegistersHere

CASES = [f"case_{number}" for number in range(600)]


class Watch:
    """Everybody's stop-watch."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def all_beat(members: list[Members]) -> None:
    for _ in range(2):  # whoever came later is heard by whoever came first
        for one in members:
            await one.beat()


def owners(members: list[Members]) -> Counter[int]:
    return Counter(sum(one.mine(case) for one in members) for case in CASES)


@in_a_loop
async def test_every_aggregate_is_one_instances_and_each_has_its_share() -> None:
    registers = RegistersHere()
    three = [Members(registers, "routing") for _ in range(3)]
    await all_beat(three)
    assert owners(three) == {1: len(CASES)}
    assert min(sum(one.mine(case) for case in CASES) for one in three) > len(CASES) / 5


@in_a_loop
async def test_the_share_of_one_that_is_killed_or_stopped_is_soon_the_others() -> None:
    registers, watch = RegistersHere(), Watch()
    one, other, killed = three = [Members(registers, "routing", watch=watch) for _ in range(3)]
    await all_beat(three)
    await all_beat([one, other])  # they have heard the last of it
    kept = {case for case in CASES if one.mine(case)}
    watch.now += SILENT_SECONDS
    await all_beat([one, other])
    assert owners([one, other]) == {1: len(CASES)}
    assert kept <= {case for case in CASES if one.mine(case)}  # nobody else's share moves
    watch.now += SILENT_SECONDS
    await all_beat(three)
    assert owners(three) == {1: len(CASES)}  # it was only stopped
    assert killed.count == 3


@in_a_loop
async def test_who_leaves_is_missed_at_once_and_who_is_dead_is_forgotten() -> None:
    registers, watch = RegistersHere(), Watch()
    one, leaving, dead = three = [Members(registers, "routing", watch=watch) for _ in range(3)]
    for member in three:
        await member.start()
    await leaving.stop()
    await one.beat()
    assert one.count == 2
    watch.now += FORGET_SECONDS + 1
    await one.beat()
    assert set(registers.members["routing"]) == {one.me}
    await one.stop()
    await dead.stop()


@in_a_loop
async def test_with_the_store_away_everybody_keeps_their_share() -> None:
    registers = RegistersHere()
    two = [Members(registers, "routing") for _ in range(2)]
    await all_beat(two)
    registers.away = True
    with pytest.raises(Unavailable):
        await two[0].beat()
    assert owners(two) == {1: len(CASES)}


@in_a_loop
async def test_two_loops_fire_everything_once_though_one_has_all_that_is_due_first(tmp_path: Path) -> None:
    due = Kind(THINGS, "/test", Thing, evolve, due=lambda one: WEDNESDAY if one.count == 1 else None)
    clock = SimulatedClock(WEDNESDAY)
    registers = RegistersHere()
    two = [Members(registers, "things") for _ in range(2)]
    await all_beat(two)
    many = [f"thing_{number}" for number in range(3 * MOST_FIRED_AT_ONCE)]
    async with sqlite_store(tmp_path) as store:
        things = Aggregates(due, store, clock)
        for id in many:
            await things.answer(id, "first", lambda _, __: [happened("begun")], fresh=True)
        clock.advance_to(WEDNESDAY + timedelta(seconds=1))
        fired: Counter[str] = Counter()

        async def fire(id: str, at: datetime) -> None:
            fired[id] += 1
            await things.answer(id, f"due/{at}", lambda _, __: [happened("fired")])

        loops = [TimerLoop([Timer(THINGS, fire)], store, clock, share) for share in two]
        for loop in loops:
            await loop.fire_due()
        assert fired == dict.fromkeys(many, 1)


@in_a_loop
async def test_a_loop_fires_its_own_share_however_much_another_left_undone(tmp_path: Path) -> None:
    due = Kind(THINGS, "/test", Thing, evolve, due=lambda one: WEDNESDAY if one.count == 1 else None)
    clock = SimulatedClock(WEDNESDAY)
    async with sqlite_store(tmp_path) as store:
        things = Aggregates(due, store, clock)
        for number in range(2 * MOST_FIRED_AT_ONCE + 3):
            await things.answer(f"thing_{number:05}", "first", lambda _, __: [happened("begun")], fresh=True)
        last = f"thing_{2 * MOST_FIRED_AT_ONCE + 2:05}"
        fired: list[str] = []

        async def fire(id: str, at: datetime) -> None:
            fired.append(id)
            await things.answer(id, f"due/{at}", lambda _, __: [happened("fired")])

        offered: list[str] = []
        timer = Timer(THINGS, fire, lambda one: offered.append(one.id))
        loop = TimerLoop([timer], store, clock, Only(last))
        assert await loop.fire_due() == 1
        assert offered == fired == [last]


class Only:
    """The share of one to whom one aggregate belongs."""

    def __init__(self, id: str) -> None:
        self._id = id

    def mine(self, id: str) -> bool:
        return id == self._id
