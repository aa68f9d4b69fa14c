"""Time moves in the trail by ticks: an entry each so many seconds, whatever happens (DESIGN.md section 7)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import BaseModel, ConfigDict

from shared import ids
from shared.aggregate import Aggregates, Kind
from shared.clock import Clock
from shared.events import Event, Record
from shared.events.trail import TrailTicked
from shared.store import Collection, Store, StoreError

log = structlog.get_logger()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_FAILURE = timedelta(seconds=10)


class Ticked(BaseModel):
    """A tick has nothing but its time, which its event says."""

    model_config = ConfigDict(frozen=True)


def _evolve(state: Ticked | None, event: Event, record: Record) -> Ticked:
    return Ticked()


TICKS = Collection("ticks")
KIND = Kind(TICKS, "/audit", Ticked, _evolve)


def tick_id(instant: datetime) -> str:
    """The tick of an instant: however many audits there are, it is one."""
    return ids.derived("tick", instant.astimezone(UTC).isoformat(timespec="seconds"))


class Ticks:
    """A companion that ticks at each whole multiple of `every`.

    Of the instants over which time jumps only the last has a tick: how it stood at the others nobody could tell.
    """

    def __init__(self, store: Store, clock: Clock, every: timedelta) -> None:
        self._ticks: Aggregates[Ticked] = Aggregates(KIND, store, clock)
        self._clock = clock
        self._every = every
        self._last = self._instant()
        self._task: asyncio.Task[None] | None = None

    def _instant(self) -> datetime:
        now = self._clock.now()
        return now - (now - _EPOCH) % self._every

    async def tick(self) -> None:
        """Say that time has passed, where an instant to say so has. Raises StoreError."""
        instant = self._instant()
        if instant <= self._last:
            return
        id = tick_id(instant)
        await self._ticks.answer(id, id, lambda state, _: [TrailTicked()] if state is None else [])
        self._last = max(self._last, instant)

    async def start(self) -> None:
        """Begin to tick."""
        self._last = self._instant()
        self._task = asyncio.create_task(self._tick_forever())

    async def _tick_forever(self) -> None:
        while True:
            await self._clock.wait_until(self._last + self._every)
            try:
                await self.tick()
            except StoreError as error:
                log.warning("trail.no_tick", error=str(error))
                await self._clock.wait_until(self._clock.now() + _AFTER_FAILURE)

    async def stop(self) -> None:
        """Tick no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def idle(self) -> None:
        """Tick where it is time: a simulated clock may just have moved."""
        await self.tick()

    def ready(self) -> str | None:
        """Nobody waits for a tick."""
        return None
