"""The time of a simulated world: it goes with the loop, and jumps over the hours in which nothing is done."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from shared.pulse import MOST_OFF
from tests.simulation.loop import Loop


class Clock:
    """The true time."""

    def __init__(self, loop: Loop, start: datetime) -> None:
        self._loop = loop
        self._start = start
        self._sleepers: list[asyncio.Future[None]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._loop.time())

    async def wait_until(self, instant: datetime) -> None:
        while (left := (instant - self.now()).total_seconds()) > 0:
            woken: asyncio.Future[None] = self._loop.create_future()
            self._sleepers.append(woken)
            timer = self._loop.call_later(max(left, 0.001), _wake, woken)
            await woken
            timer.cancel()

    def jump_to(self, instant: datetime) -> None:
        """The hours until `instant` pass at once."""
        ahead = instant - self.now()
        if ahead <= timedelta():
            return
        self._start += ahead
        sleepers, self._sleepers = self._sleepers, []
        for woken in sleepers:
            _wake(woken)


class MachineClock:
    """One machine's clock, which goes with the true time, but is off."""

    def __init__(self, true: Clock, off: timedelta = timedelta()) -> None:
        self.true = true
        self.off = off

    @property
    def sound(self) -> bool:
        """Whether it is as near to the others as it must be."""
        return abs(self.off) <= MOST_OFF

    def now(self) -> datetime:
        return self.true.now() + self.off

    async def wait_until(self, instant: datetime) -> None:
        while self.now() < instant:  # it may be set meanwhile
            await self.true.wait_until(instant - self.off)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
