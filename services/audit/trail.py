"""The trail: every event becomes an entry, in the order it was committed, and every second a checkpoint says so.

Order of durability (DESIGN.md section 7): tiles → index (size, root, position) → signature → checkpoint. One thread does it all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from services.audit.index import Index, Indexed
from services.audit.log import LogReader, LogWriter, Signer, TreeState, from_directory
from shared import metrics
from shared.events import Record
from shared.events.cases import CaseOpened
from shared.events.deliveries import DeliveryQueued
from shared.events.messages import MessageSettled

log = structlog.get_logger()

INTEGRATE_FROM = 256
"""With fewer entries waiting, the next integration waits for the interval's end."""
INTEGRATE_EVERY = 0.25
PUBLISH_EVERY = 1.0


class Trail:
    """The log of one installation, its index, and what is served of it."""

    def __init__(self, directory: Path, signer: Signer) -> None:
        self.directory = directory / "log"
        self.signer = signer
        self.index = Index(directory / "index.db")
        self._writer = LogWriter(self.directory, self.index.state)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="trail")
        self._publishing: asyncio.Task[None] | None = None
        self._published = asyncio.Condition()
        metrics.TRAIL_SIZE.set_function(lambda: self.published.size)

    @property
    def published(self) -> TreeState:
        """What the last checkpoint stands for."""
        return self._writer.published

    def position(self) -> int:
        """How far the events are in the log."""
        return self.index.position

    async def take(self, batch: Sequence[tuple[int, Record]]) -> None:
        """Make entries of events."""
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        entries = [indexed(record) for _, record in batch]
        values = [record.value for _, record in batch]
        await loop.run_in_executor(self._thread, self._integrate, values, batch[-1][0], entries)
        if len(batch) < INTEGRATE_FROM:
            await asyncio.sleep(max(0.0, INTEGRATE_EVERY - (time.monotonic() - started)))

    def _integrate(self, values: list[bytes], position: int, entries: list[Indexed]) -> None:
        state = self._writer.integrate(values)
        self.index.commit(state, position, entries)

    def _publish(self) -> bool:
        if self._writer.state == self._writer.published:
            return False
        self._writer.publish(self._writer.state, self.signer)
        return True

    async def publish(self) -> None:
        """Sign what is integrated, where that is more than was signed."""
        loop = asyncio.get_running_loop()
        if await loop.run_in_executor(self._thread, self._publish):
            async with self._published:
                self._published.notify_all()

    async def covered(self, size: int) -> None:
        """Return once a checkpoint covers the first `size` entries."""
        async with self._published:
            await self._published.wait_for(lambda: self.published.size >= size)

    async def start(self) -> None:
        self._publishing = asyncio.create_task(self._publish_forever())

    async def _publish_forever(self) -> None:
        while True:
            try:
                await self.publish()
            except OSError:
                log.exception("trail.not_published")
            await asyncio.sleep(PUBLISH_EVERY)

    async def stop(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)

    async def idle(self) -> None:
        await self.publish()

    def ready(self) -> str | None:
        return None

    async def close(self) -> None:
        """Sign what is left and let the directory go; after the bus has stopped."""
        await self.publish()
        self._thread.shutdown()
        self._writer.close()
        self.index.close()

    def reader(self) -> LogReader:
        """A reader of the log as it stands, for one thread."""
        return LogReader(from_directory(self.directory))


def indexed(record: Record) -> Indexed:
    """What the index keeps of an event: which aggregate it is of, and which case that belongs to."""
    if record.type not in _LINKING:
        return Indexed(record.subject)
    match record.data:
        case CaseOpened(ref=ref):
            return Indexed(record.subject, ref=ref)
        case DeliveryQueued(case=matter) | MessageSettled(case=matter):
            return Indexed(record.subject, matter=matter)
    return Indexed(record.subject)


_LINKING = {CaseOpened.TYPE, DeliveryQueued.TYPE, MessageSettled.TYPE}
