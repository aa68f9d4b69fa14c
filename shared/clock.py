"""Time as a port, so that a month of work can be lived through in a second.

Everything that needs the time or waits for it takes a `Clock`; nothing calls `datetime.now` itself.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Protocol

APART = timedelta(seconds=10)
"""How far apart the clocks of a cluster's machines may be: what one may do until an instant it stops so much earlier,
lest another has begun. A machine whose clock is further off says that it is not ready."""


class Clock(Protocol):
    """The current instant, and waiting for a later one."""

    def now(self) -> datetime:
        """The current instant, UTC."""
        ...

    async def wait_until(self, instant: datetime) -> None:
        """Return once `now() >= instant`."""
        ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait_until(self, instant: datetime) -> None:
        while (left := (instant - self.now()).total_seconds()) > 0:  # noqa: ASYNC110  a machine's clock may be set: look again
            await asyncio.sleep(min(left, 60))


class SimulatedClock:
    """A clock that stands still until it is told to advance; for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    async def wait_until(self, instant: datetime) -> None:
        if instant <= self._now:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (instant, next(self._order), woken))
        await woken

    def advance_to(self, instant: datetime) -> None:
        """Move to `instant`, which may not lie in the past, and wake who waited for it."""
        if instant < self._now:
            raise ValueError(
                f"a clock does not go back: {instant.isoformat()} is before {self._now.isoformat()}"
            )
        self._now = instant.astimezone(UTC)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
