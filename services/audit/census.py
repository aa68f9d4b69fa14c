"""How many cases are open, and how old what is owed in them is: counted once a minute, for those who watch."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import asdict
from pathlib import Path

import structlog

from services.audit.figures import ages
from shared import metrics

log = structlog.get_logger()

EVERY = 60.0
"""Seconds. Of a million open cases a count takes some tens of milliseconds, in a thread of its own."""


class Census:
    """Counts in one index, and sets the metric."""

    def __init__(self, index: Path) -> None:
        self._index = index
        self._counting: asyncio.Task[None] | None = None

    async def count(self) -> None:
        """Count once. Raises sqlite3.Error."""
        for state, cases in asdict(await asyncio.to_thread(ages, self._index)).items():
            metrics.CASES_OPEN.labels(state).set(cases)

    async def _count_forever(self) -> None:
        while True:
            try:
                await self.count()
            except sqlite3.Error as error:
                log.warning("trail.cases_not_counted", error=str(error))
            await asyncio.sleep(EVERY)

    async def start(self) -> None:
        """Begin to count."""
        self._counting = asyncio.create_task(self._count_forever())

    async def stop(self) -> None:
        """Count no more."""
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.gather(self._counting, return_exceptions=True)

    async def idle(self) -> None:
        """There is nothing to finish."""

    def ready(self) -> str | None:
        """Nobody waits for a count."""
        return None
