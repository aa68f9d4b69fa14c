"""The sweep of content that no step came for, again and again beside a service."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from shared.clock import Clock
from shared.content import ContentStore
from shared.store import StoreError

log = structlog.get_logger()

KEPT_FOR = timedelta(days=1)
"""So much longer than any step takes that one which has not come by then never will."""
EVERY = timedelta(hours=1)


class Sweeping:
    """A companion. Where several processes sweep, each finds what the others left."""

    def __init__(self, content: ContentStore, clock: Clock) -> None:
        self._content = content
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._quiet = asyncio.Event()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._quiet.set()

    async def idle(self) -> None:
        await self._quiet.wait()

    def ready(self) -> str | None:
        return None

    async def _run(self) -> None:
        while True:
            self._quiet.clear()
            now = self._clock.now()
            try:
                if swept := await self._content.sweep(now - KEPT_FOR):
                    log.info("content.swept", count=swept)
            except (StoreError, OSError) as error:
                log.warning("content.not_swept", error=str(error))
            self._quiet.set()
            await self._clock.wait_until(now + EVERY)
