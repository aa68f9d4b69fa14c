"""Whether the cluster's store answers, and how far this machine's clock is from the store's."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import structlog

from shared import metrics
from shared.clock import APART, Clock
from shared.store import Unavailable
from shared.store.registers import Registers

log = structlog.get_logger()

ASK_SECONDS = 1.0
AWAY_SECONDS = 5.0
"""The store may fail over; away is what has not answered for so long."""
MOST_OFF = APART / 2
"""Each machine within this of the store's clock, any two are within `APART` of each other."""


class Pulse:
    """Asks the store for its time, again and again."""

    def __init__(self, registers: Registers, clock: Clock) -> None:
        self._registers = registers
        self._clock = clock
        self._answered = time.monotonic()
        self._why = "it has not answered yet"
        self._off = timedelta()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def ask(self) -> None:
        """Ask once. Raises Unavailable."""
        before = self._clock.now()
        at = await self._registers.time()
        after = self._clock.now()
        # The store read its clock at some point between: only what lies outside is known to be wrong.
        self._off = min(at - before, timedelta()) or max(at - after, timedelta())
        self._answered = time.monotonic()
        metrics.CLOCK_OFF.set(self._off.total_seconds())

    def not_ready(self) -> list[str]:
        """Why nothing should be asked of this process, empty where it is well."""
        reasons = []
        if (silent := time.monotonic() - self._answered) > AWAY_SECONDS:
            reasons.append(f"the store has not answered for {silent:.0f} s: {self._why}")
        if abs(self._off) > MOST_OFF:
            direction = "behind" if self._off > timedelta() else "ahead of"
            reasons.append(
                f"this machine's clock is {abs(self._off.total_seconds()):.1f} s {direction} the store's, and may be"
                f" {MOST_OFF.total_seconds():.0f} s off: see to its time synchronisation"
            )
        return reasons

    async def _run(self) -> None:
        while True:
            try:
                await self.ask()
            except Unavailable as error:
                self._why = str(error)
                log.warning("pulse.store_away", error=self._why)
            await asyncio.sleep(ASK_SECONDS)
