"""The follower: reads what is signed of the log and projected, computes facts, asks the checks, raises findings.

It has a cursor of its own and is never waited for by an append. While entries come fast it takes a tenth of its time
at most and falls behind; it catches up when it is quiet.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from services.audit.checks.check import Noted, noted_at
from services.audit.checks.running import Tuned
from services.audit.following.entries import Entries
from services.audit.following.looking import Looking, Seen
from services.audit.following.memory import FILE, Memory
from services.audit.following.raising import Raising
from services.audit.log import LogError, leaf_hash
from services.audit.lookup import Lookup
from services.audit.supervision.finding import finding_id
from services.audit.trail import Trail
from shared import metrics
from shared.clock import Clock
from shared.store import Store, StoreError

log = structlog.get_logger()

AT_ONCE = 256
"""Entries of a batch while it catches up."""
AT_ONCE_BESIDE = 64
"""While entries come fast: some ten milliseconds' work."""
FAST = 100.0
"""Entries a second from which on they come fast."""
REST = 9.0
"""How many times as long as it worked it then rests."""
REST_CATCHING_UP = 0.5
MOST_WORKED = 0.2
"""Seconds of work after which it rests no longer for more."""
GATHER = 0.25
"""Seconds that it waits for more entries once it has seen all."""
AFTER_FAILURE = 2.0

_FAILURES = (OSError, sqlite3.Error, LogError, StoreError)


class Facts(Protocol):
    """Who computes facts from the content that entries refer to."""

    async def read(self, batch: Sequence[Noted]) -> None:
        """Compute and emit what there is to say of these entries, once. Raises StoreError, sqlite3.Error."""
        ...

    def forget(self) -> None:
        """What was derived so far is of another log: derive it anew."""
        ...

    def close(self) -> None:
        """Close what is kept."""
        ...


class Follower:
    """A companion. One follows a log."""

    def __init__(
        self, trail: Trail, store: Store, clock: Clock, checks: Sequence[Tuned], facts: Facts | None = None
    ) -> None:
        self._trail = trail
        self._memory = Memory(trail.directory.parent / FILE)
        self._entries = Entries(trail.reader())
        self._lookup = Lookup.open(trail.projector.path)
        self._looking = Looking(self._memory, self._entries, self._lookup, checks)
        self._raising = Raising(store, clock)
        self._facts = facts
        self._one = asyncio.Lock()
        self._known = False
        """Whether the log is known to be the one that was followed before."""
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._waiting: asyncio.Future[None] | None = None
        metrics.FOLLOWED_BEHIND.set_function(lambda: max(0, trail.published.size - self._memory.cursor))

    @property
    def cursor(self) -> int:
        """How many entries were followed."""
        return self._memory.cursor

    async def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow_forever())

    async def stop(self) -> None:
        """Finish the batch that is under way."""
        self._stop.set()
        if self._waiting is not None:
            self._waiting.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def idle(self) -> None:
        """Return once everything that is signed and projected was followed. Raises what keeps it from doing so."""
        while await self.follow(AT_ONCE):
            pass

    def ready(self) -> str | None:
        """Nobody waits for it: how far it is behind is a metric."""
        return None

    def close(self) -> None:
        """Close what it keeps; once it has stopped."""
        self._memory.close()
        self._lookup.close()
        if self._facts is not None:
            self._facts.close()

    async def _follow_forever(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            size, started = self._trail.published.size, loop.time()
            try:
                more = await self.follow(AT_ONCE_BESIDE)
            except _FAILURES as error:
                log.warning("checks.not_followed", error=str(error))
                await self._rest(AFTER_FAILURE)
                continue
            except Exception:
                log.exception("checks.not_followed")
                await self._rest(AFTER_FAILURE)
                continue
            # A process that stood still for a minute has not worked that long.
            worked = min(loop.time() - started, MOST_WORKED)
            if more:
                await self._rest(worked * REST_CATCHING_UP)
                fast = (self._trail.published.size - size) > FAST * (loop.time() - started)
                if fast:
                    await self._rest(worked * (REST - REST_CATCHING_UP))
            else:
                await self._rest(GATHER)
                await self._more_to_come()

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _more_to_come(self) -> None:
        """Return once there is an entry more than were followed, or it is to stop."""
        if not self._stop.is_set():
            self._waiting = asyncio.ensure_future(self._trail.shown(self._memory.cursor + 1))
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def follow(self, most: int) -> bool:
        """Follow so many entries at most; answers whether there are more. Raises what keeps it from doing so.

        Facts stand before checks are asked, findings before it is remembered that they were seen: whatever of it a
        crash leaves out is done again, and has the same ids.
        """
        async with self._one:
            size, found = self._trail.published.size, self._found_up_to()
            if not self._known:
                await asyncio.to_thread(self._know, size)
            if found < self._memory.cursor:
                return False  # the projection is being made anew
            if not await asyncio.to_thread(self._looking.prepare, size):
                return True
            batch, stop, last = await asyncio.to_thread(
                self._read, min(found, self._memory.cursor + most), size
            )
            if self._facts is not None:
                await self._facts.read(batch)
            try:
                seen = await asyncio.to_thread(self._looking.look, batch, stop, last, size)
                await self._raise(seen)
                await asyncio.to_thread(self._memory.commit, seen.moved)
            except BaseException:
                self._looking.lose()
                raise
            return self._memory.cursor < self._found_up_to() or self._waits()

    def _found_up_to(self) -> int:
        """How many entries are signed, and found by whose they are."""
        return min(self._trail.published.size, self._trail.projector.size)

    def _waits(self) -> bool:
        latest = self._memory.latest
        return latest is not None and bool(self._memory.due(latest, 1))

    def _know(self, size: int) -> None:
        """Begin anew where the log is not the one that was followed: another generation, say."""
        cursor, last = self._memory.cursor, b""
        if cursor:
            if cursor <= size:
                last = next(entry for _, entry in self._entries.between(cursor - 1, cursor, size))
            if leaf_hash(last) != self._memory.last:
                log.warning("checks.followed_another_log", cursor=cursor, size=size)
                self._memory.forget()
                self._looking.lose()
                if self._facts is not None:
                    self._facts.forget()
        self._known = True

    def _read(self, stop: int, size: int) -> tuple[list[Noted], int, bytes]:
        batch: list[Noted] = []
        last = self._memory.last
        entry = b""
        for index, entry in self._entries.between(self._memory.cursor, stop, size):
            if (noted := noted_at(index, entry)) is not None:
                self._entries.keep(noted)
                batch.append(noted)
        if entry:
            last = leaf_hash(entry)
        return batch, max(stop, self._memory.cursor), last

    async def _raise(self, seen: Seen) -> None:
        ids = {
            finding_id(tuned.check.name, doubt.key): (tuned, doubt) for tuned, doubt in reversed(seen.doubts)
        }
        if not ids:
            return
        known = await asyncio.to_thread(self._memory.raised, list(ids))
        new = [one for id, one in reversed(ids.items()) if id not in known]
        await asyncio.gather(*(self._raising.raise_(*one, seen.moved.cursor) for one in new))
        seen.moved.raised += [id for id in reversed(ids) if id not in known]
