"""Following the log with the projection: behind the append, never inside it.

What was just appended is handed over as it is; what came before, or too much at once, is read from the log.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from threading import Lock

import structlog

from services.audit.log import LogReader, leaf_hash
from services.audit.projected import Projection
from shared import metrics
from shared.bus import Foreign, Taken
from shared.events import Record

log = structlog.get_logger()

AT_ONCE = 4096
"""Entries to a commit at most."""
MOST_KEPT = 64
"""Batches that are kept for the projection; what is more it reads from the log."""
GATHER = 1.0
"""Seconds from one commit to the next while entries come fast: one of thousands costs half as much an entry."""
_FAST = 256
"""Entries of a commit from which on they come fast."""
AGAIN_AFTER = 1.0
"""Seconds after a failure."""
_MARK_EVERY = 0.1
_MOST_MARKS = 1024


class Projector:
    """Has the projection follow one log, in a thread of its own.

    `committed` is how many entries the log has; `reader` reads them, for one thread.
    """

    def __init__(
        self, path: Path, zone: tzinfo, reader: Callable[[], LogReader], committed: Callable[[], int]
    ) -> None:
        self._projection = Projection(path, zone)
        self.path = path
        self._reader = reader
        self._committed = committed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="projection")
        self._tail: deque[tuple[int, Sequence[Taken]]] = deque()
        """What was appended last, each batch with the place of its first entry."""
        self._marks: deque[tuple[int, float]] = deque()
        """When the log had grown to which sizes that the projection has not yet come to."""
        self._marking = Lock()
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._closed = False
        self._following: asyncio.Task[None] | None = None
        self._checked = False
        metrics.PROJECTION_BEHIND.set_function(self.behind_entries)
        metrics.PROJECTION_LAG.set_function(self.behind_seconds)

    @property
    def size(self) -> int:
        """How many entries are projected."""
        return self._projection.cursor.size

    def behind_entries(self) -> int:
        """How many entries the log has that are not projected."""
        return max(0, self._committed() - self.size)

    def behind_seconds(self) -> float:
        """How long the oldest entry that is not projected has been in the log, or, of those from before the start,
        since the start."""
        with self._marking:
            while self._marks and self._marks[0][0] <= self.size:
                self._marks.popleft()
            return time.monotonic() - self._marks[0][1] if self._marks else 0.0

    def hear(self, first: int, taken: Sequence[Taken]) -> None:
        """These are appended, the first of them at that place. From the audit's thread."""
        self._mark(first + len(taken))
        if taken and len(self._tail) < MOST_KEPT:
            self._tail.append((first, taken))

    def _mark(self, size: int) -> None:
        now = time.monotonic()
        with self._marking:
            if self._marks and now - self._marks[-1][1] < _MARK_EVERY:
                self._marks[-1] = (size, self._marks[-1][1])
                return
            if len(self._marks) == _MOST_MARKS:
                self._marks = deque(list(self._marks)[::2])
            self._marks.append((size, now))

    def wake(self) -> None:
        """Something was appended. From the event loop."""
        self._news.set()

    async def start(self) -> None:
        """Begin to follow."""
        if self.behind_entries():
            log.info("trail.projection_catches_up", entries=self.behind_entries())
            self._mark(self._committed())
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            before, next_at = self.size, loop.time() + GATHER
            try:
                await self._project()
            except (OSError, ValueError, sqlite3.Error) as error:
                log.warning("trail.not_projected", at=self.size, error=str(error))
                await asyncio.sleep(AGAIN_AFTER)
                continue
            if not self.behind_entries():
                await self._news.wait()
            if self.size - before >= _FAST and self.behind_entries() < AT_ONCE:
                await asyncio.sleep(next_at - loop.time())

    async def idle(self) -> None:
        """Return once all is projected. Raises sqlite3.Error, OSError, and ValueError where the log is damaged."""
        while not self._checked or self.behind_entries():
            await self._project()

    async def _project(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._advance)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def reached(self, size: int) -> None:
        """Return once the first `size` entries are projected, or it is closed."""
        while self.size < size and not self._closed:
            await self._moved.wait()

    async def close(self) -> None:
        """Follow no more; what is left follows after the next start."""
        self._closed = True
        self._moved.set()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        self._thread.shutdown()
        self._projection.close()

    def _advance(self) -> None:
        """Project what comes next, as much as one commit takes."""
        size = self._committed()
        try:
            if not self._checked:
                self._check(size)
            some = self._handed_over(self.size) or self._read(self.size, size)
        except FileNotFoundError:
            if size == self._committed():
                raise
            return  # a fuller tile has just taken the place of the one that was looked for
        if some:
            records = [one if isinstance(one, Record) else None for one in some]
            self._projection.commit(records, leaf_hash(some[-1].value))

    def _check(self, committed: int) -> None:
        """Begin anew where this is no projection of this log: of another one, or of one that was set back."""
        size, last = self._projection.cursor
        if size > committed or (size and leaf_hash(self._reader().entry(size - 1, committed)) != last):
            log.warning("trail.projection_is_of_another_log", size=size, entries=committed)
            self._projection.clear()
        self._checked = True

    def _handed_over(self, at: int) -> list[Taken]:
        """What follows, as far as it was kept."""
        some: list[Taken] = []
        while self._tail and len(some) < AT_ONCE:
            first, taken = self._tail[0]
            if first > at + len(some):
                break
            self._tail.popleft()
            some += taken[at + len(some) - first :]
        return some

    def _read(self, at: int, size: int) -> list[Taken]:
        """What follows, from the log."""
        entries = self._reader().entries(at, size, size)
        return [Record.of(entry) or Foreign("", entry) for entry in islice(entries, AT_ONCE)]
