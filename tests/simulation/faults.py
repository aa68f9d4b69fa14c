"""What goes wrong, where and when: drawn from the seed, counted, and written into the trace.

A *point* is a place in a model where a process may die or stop: before and after every commit, publish and send. Each
seed draws which kinds of fault there are and how often: a run with few of them finds what one with all of them hides.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from tests.simulation.baton import Crash
from tests.simulation.loop import PROCESS, Loop

KINDS = ("crash", "stop", "slow", "poison", "full", "refuse", "lost", "away", "failover", "cut", "rebalance")
"""`crash`, `stop`: a process dies, or stands still. `slow`: an answer takes long. `poison`: an event can't be answered
for a while. `full`: the disk, or the store, takes nothing. `refuse`: a relay says no, or later. `lost`: an answer is
lost after the work was done. `away`: broker or store is away for longer than anybody waits. `failover`: a store's
primary is replaced, and takes back what the majority did not have. `cut`: an unacknowledged send is lost or doubled.
`rebalance`: partitions change hands, and two may hold one for a while."""

_EVEN = 0.5


class Faults:
    """The faults of one seed. Nothing goes wrong any more once `over` is set."""

    def __init__(self, random: Random, loop: Loop, *, calm: bool = False) -> None:
        self.random = random
        self.over = calm
        self.hits: Counter[tuple[str, str]] = Counter()
        self.trace: list[tuple[float, str, str]] = []
        self._loop = loop
        self._rates = {
            kind: random.choice((0.005, 0.02, 0.06)) if random.random() < _EVEN else 0.0 for kind in KINDS
        }
        loop.executor_seconds = lambda: random.uniform(0.0001, 0.01)

    def say(self, what: str) -> None:
        """A line of the trace."""
        process = PROCESS.get()
        self.trace.append((self._loop.time(), process.name if process else "world", what))

    def happens(self, kind: str, where: str, *, factor: float = 1.0) -> bool:
        """Whether that goes wrong here and now."""
        rate = self._rates[kind] * factor
        if self.over or not rate or self.random.random() >= rate:
            return False
        self.hits[kind, where] += 1
        self.say(f"FAULT {kind} at {where}")
        return True

    def has(self, kind: str) -> bool:
        """Whether this seed has such faults at all."""
        return not self.over and self._rates[kind] > 0

    async def point(self, where: str, *, factor: float = 1.0) -> None:
        """The process may die here, or stop."""
        process = PROCESS.get()
        if process is None or self.over:
            return
        if self.happens("crash", where, factor=factor):
            process.kill()
        elif self.happens("stop", where, factor=factor):
            process.stop(self.stop_seconds())
        else:
            return
        await asyncio.sleep(0)  # the step after this is not taken, or not before it wakes

    def instant(self, where: str) -> None:
        """The process may die here, in the midst of what can't be waited in."""
        process = PROCESS.get()
        if process is not None and not self.over and self.happens("crash", where):
            process.kill()
            raise Crash

    def stop_seconds(self) -> float:
        """How long a process stands still: mostly shortly, at times for longer than any session or deadline."""
        return self.random.choice((0.05, 0.5, 3.0, 20.0, 90.0)) * self.random.uniform(0.5, 1.5)

    async def takes(self, where: str, least: float = 0.0005, most: float = 0.008) -> None:
        """Time passes on the way to somewhere else and back."""
        seconds = self.random.uniform(least, most)
        if self.happens("slow", where):
            seconds += self.random.choice((0.1, 1.0, 4.0))
        await asyncio.sleep(seconds)
