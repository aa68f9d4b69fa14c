"""One timer loop over an index of due instants: what is due is fired as a command, late rather than never.

Where a service has several instances, each fires its share. An instance's clock says what is due: one that is ahead
fires so much earlier, and what must not begin before another has ended leaves room for that (`shared.clock.APART`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from shared.clock import Clock
from shared.service import MOST_FIRED_AT_ONCE, Timer
from shared.store import Document, Store, Unavailable

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=0.25)
"""How late a timer may fire while there is little to do."""
AFTER_ABSENCE = timedelta(seconds=1)
AFTER_FAILURE = timedelta(seconds=30)


class Share(Protocol):
    """What of the due aggregates this instance fires."""

    def mine(self, id: str) -> bool:
        """Whether this one is fired here."""
        ...


class All:
    """There is but one instance."""

    def mine(self, id: str) -> bool:
        return True


class TimerLoop:
    """Fires the timers of all services of a process."""

    def __init__(
        self,
        timers: Sequence[Timer],
        store: Store,
        clock: Clock,
        share: Share | None = None,
        *,
        look_every: timedelta | None = None,
    ) -> None:
        self._look_every = look_every or LOOK_EVERY
        self._timers = timers
        self._share = share or All()
        self._store = store
        self._clock = clock
        self._again: dict[str, tuple[datetime, datetime]] = {}
        """Of each that was fired, when it was due and from when on it may be fired again, should it still be due."""
        self._task: asyncio.Task[None] | None = None
        self._firing = asyncio.Lock()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.fire_due()
            except Unavailable as error:
                log.warning("timers.store_away", error=str(error))
            await self._clock.wait_until(self._clock.now() + self._look_every)

    async def fire_due(self) -> int:
        """Fire everything that is due now; answers how many were fired."""
        async with self._firing:
            total = 0
            for timer in await self._running():
                while fired := await self._fire_some(timer):
                    total += fired
            return total

    async def _running(self) -> list[Timer]:
        return [one for one in self._timers if one.stands is None or not await one.stands()]

    async def _fire_some(self, timer: Timer) -> int:
        """What is longest due, decided together so that it is made durable together."""
        now = self._clock.now()
        self._again = {id: waits for id, waits in self._again.items() if waits[1] > now}
        due = await self._store.due(timer.collection, now, MOST_FIRED_AT_ONCE, self._wanted)
        for one in due:
            timer.offer(one)
        await asyncio.gather(*(self._fire(timer, one) for one in due))
        return len(due)

    def _wanted(self, id: str, at: datetime) -> bool:
        return self._share.mine(id) and (id not in self._again or self._again[id][0] != at)

    async def _fire(self, timer: Timer, due: Document) -> None:
        assert due.due is not None
        pause = AFTER_ABSENCE
        try:
            await timer.fire(due.id, due.due)
        except Unavailable as error:
            log.warning("timers.store_away", id=due.id, error=str(error))
        except Exception:
            log.exception("timers.failed", id=due.id, due=due.due.isoformat())
            pause = AFTER_FAILURE
        # Only counts where it is still due at the same instant.
        self._again[due.id] = (due.due, self._clock.now() + pause)

    async def next_due(self) -> datetime | None:
        """The earliest instant at which anything is due."""
        found = [await self._store.next_due(timer.collection) for timer in await self._running()]
        return min((at for at in found if at is not None), default=None)
