"""The one clock of a simulated world: it goes with the loop, and jumps over the hours in which nothing is done."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from tests.simulation.loop import Loop


class Clock:
    """Time as all processes have it. Drift between machines is left out."""

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


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)
