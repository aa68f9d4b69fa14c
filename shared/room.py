"""Refusing before the disk is full, while there is still room to finish what was accepted."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from shared import metrics
from shared.clock import Clock
from shared.store import Store, Unavailable

_LOOK_EVERY = timedelta(milliseconds=500)


class Full(Unavailable):
    """Less room is left than must stay free. The sender is told to come again."""


class Room:
    """How much the store can still hold, looked at twice a second at most."""

    def __init__(self, store: Store, min_free: int, clock: Clock) -> None:
        self._store = store
        self._min_free = min_free
        self._clock = clock
        self._free = 0
        self._looked_at: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    async def require(self) -> None:
        """Raises Full where nothing more should be accepted."""
        if self._looking is None and self._stale():
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None:
            await asyncio.shield(self._looking)  # whoever asks may go away: others wait for it too
        if self._free < self._min_free:
            raise Full(
                f"{self._free // 2**20} MiB are free and {self._min_free // 2**20} MiB must stay free"
                " (THROUGHLINE_MIN_FREE): make room on the disk of the data directory"
            )

    def _stale(self) -> bool:
        return self._looked_at is None or self._clock.now() - self._looked_at >= _LOOK_EVERY

    async def _look(self) -> None:
        try:
            self._free = await self._store.free_bytes()
            self._looked_at = self._clock.now()
            metrics.FREE_BYTES.set(self._free)
        finally:
            self._looking = None
