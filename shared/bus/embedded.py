"""The embedded bus: the event table with one cursor a group, fed from a tail kept in memory after the fsync."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from shared import metrics
from shared.bus import Held, HeldKey, Subscription, Tap
from shared.clock import Clock
from shared.events import Record
from shared.store import Unavailable
from shared.store.sqlite import SqliteStore

log = structlog.get_logger()

TAIL = 16_384
"""Events kept in memory; a group further behind reads the table."""
WINDOW = 512
"""Events of one group answered at the same time."""
PAGE = 1024
CURSOR_EVERY = 0.2
"""Seconds between two records of how far a group is; what lies between is answered again after a crash."""
RETRIES = 3
RETRY_SECONDS = 0.1
AWAY_SECONDS = 1.0
MOST_REASON = 500
"""Characters kept of why an event is held back."""

Placed = tuple[int, Record]


class Tail:
    """The newest events, in memory; older ones from the table."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._kept: deque[Placed] = deque(maxlen=TAIL)
        self._changed = asyncio.Event()
        store.on_commit(self._hear)

    @property
    def position(self) -> int:
        return self._store.position

    def _hear(self, placed: Sequence[Placed]) -> None:
        self._kept.extend(placed)
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, position: int, limit: int) -> list[Placed]:
        """The next events past a position, as soon as there is one."""
        while True:
            changed = self._changed
            if self._kept and self._kept[0][0] <= position + 1:
                first = position + 1 - self._kept[0][0]
                if first < len(self._kept):
                    return [self._kept[index] for index in range(first, min(first + limit, len(self._kept)))]
            elif found := self._store.events_after(position, limit):
                return found
            await changed.wait()


class Group:
    """One group's way through the events: in order for each key, side by side otherwise."""

    def __init__(
        self, name: str, subscriptions: Sequence[Subscription], tail: Tail, store: SqliteStore, clock: Clock
    ) -> None:
        self.name = name
        self._by_type = {
            (topic, kind): one.handle for one in subscriptions for topic in one.topics for kind in one.types
        }
        self._tail = tail
        self._store = store
        self._clock = clock
        self._taken = self._written = store.cursor(name)
        self._open: dict[int, datetime] = {}
        self._chains: dict[str, asyncio.Task[Any]] = {}
        self._held = {key for key, *_ in store.held_keys(name)}
        self._room = asyncio.Semaphore(WINDOW)
        self._quiet = asyncio.Event()

    @property
    def answered(self) -> int:
        """Everything up to this position is answered."""
        return min(self._open) - 1 if self._open else self._taken

    def oldest_seconds(self) -> float:
        """Age of the oldest event not yet answered."""
        if not self._open:
            return 0.0
        return max(0.0, (self._clock.now() - self._open[min(self._open)]).total_seconds())

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for position, record in await self._tail.after(self._taken, PAGE):
                handle = self._by_type.get((record.topic, record.type))
                if handle is None:
                    self._taken = position
                    continue
                await self._room.acquire()
                self._taken = position
                self._open[position] = record.time
                before = self._chains.get(record.key)
                task = loop.create_task(self._answer(position, record, before))
                self._chains[record.key] = task

    async def _answer(self, position: int, record: Record, before: asyncio.Task[Any] | None) -> None:
        try:
            if before is not None and not before.done():
                await asyncio.wait([before])
            if record.key in self._held:
                await self._hold(position, record, "behind a held event")
            else:
                await self._try(position, record)
        finally:
            del self._open[position]
            if self._chains.get(record.key) is asyncio.current_task():
                del self._chains[record.key]
            self._room.release()
            self._quiet.set()

    async def _try(self, position: int, record: Record) -> None:
        handle = self._by_type[record.topic, record.type]
        attempt = 0
        while True:
            try:
                await handle(record)
            except Unavailable as error:
                log.warning("bus.store_away", group=self.name, event=record.id, error=str(error))
                await asyncio.sleep(AWAY_SECONDS)
            except Exception as error:
                attempt += 1
                if attempt <= RETRIES:
                    await asyncio.sleep(RETRY_SECONDS * attempt)
                    continue
                log.exception("bus.held_back", group=self.name, event_id=record.id, type=record.type)
                self._held.add(record.key)
                await self._hold(position, record, _reason(error))
                return
            else:
                metrics.EVENTS.labels(self.name).inc()
                return

    async def _hold(self, position: int, record: Record, reason: str) -> None:
        metrics.HELD.labels(self.name).inc()
        while True:
            try:
                await self._store.hold(self.name, record.key, position, reason)
            except Unavailable:
                await asyncio.sleep(AWAY_SECONDS)
            else:
                return

    async def replay(self, key: str) -> int:
        """Answer what is held back of a key. It takes its turn among the key's events: what is under way goes before
        it, what comes meanwhile after it."""
        task = asyncio.create_task(self._again(key, self._chains.get(key)))
        self._chains[key] = task
        return await asyncio.shield(task)  # whoever asked may go away; the turn is finished

    async def _again(self, key: str, before: asyncio.Task[Any] | None) -> int:
        through = 0
        try:
            if before is not None and not before.done():
                await asyncio.wait([before])
            for position, _, record in self._store.held(self.name, key):
                if (failed := await self._failure(record)) is not None:
                    log.warning("bus.still_held", group=self.name, event_id=record.id, error=failed)
                    await self._store.hold(self.name, key, position, failed, anew=True)
                    return through
                await self._store.release(self.name, key, position)
                through += 1
            self._held.discard(key)
            return through
        finally:
            if self._chains.get(key) is asyncio.current_task():
                del self._chains[key]

    async def _failure(self, record: Record) -> str | None:
        """Try once; answers why it failed. What the group no longer hears of needs no answer."""
        handle = self._by_type.get((record.topic, record.type))
        try:
            if handle is not None:
                await handle(record)
        except Unavailable:
            raise
        except Exception as error:
            return _reason(error)
        return None

    def held_keys(self) -> list[HeldKey]:
        """What it holds back, the longest first."""
        return [
            HeldKey(self.name, key, events, Held(record, reason))
            for key, events, reason, record in self._store.held_keys(self.name)
        ]

    def held(self, key: str) -> list[Held]:
        """The events of a key that it holds back, in order."""
        return [Held(record, reason) for _, reason, record in self._store.held(self.name, key)]

    def holding(self) -> int:
        """How many keys it holds back."""
        return len(self._held)

    async def remember(self) -> None:
        """Write down how far it is, where that has changed."""
        if (answered := self.answered) != self._written:
            await self._store.move_cursor(self.name, answered)
            self._written = answered

    async def idle(self) -> bool:
        """Wait for what is under way; answers whether it had nothing to wait for."""
        if self.answered >= self._tail.position:
            return True
        self._quiet.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), 0.05)
        return False


def _reason(error: Exception) -> str:
    """Why an event was not answered, for those who look after the installation."""
    return f"{type(error).__name__}: {error}"[:MOST_REASON]


class _Tapped:
    def __init__(self, name: str, tap: Tap, tail: Tail) -> None:
        self.name, self._tap, self._tail = name, tap, tail

    async def run(self) -> None:
        while True:
            batch = await self._tail.after(self._tap.position(), 4 * PAGE)
            try:
                await self._tap.take(batch)
            except Exception:
                log.exception("bus.tap_failed", group=self.name, position=self._tap.position())
                await asyncio.sleep(AWAY_SECONDS)

    def behind(self) -> int:
        return self._tail.position - self._tap.position()

    def idle(self) -> bool:
        """Whether everything is taken; what is not is asked for."""
        if self.behind() <= 0:
            return True
        self._tap.hurry()
        return False


class EmbeddedBus:
    """All groups of one process."""

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tail = Tail(store)
        self.groups: list[Group] = []
        self._taps: list[_Tapped] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def position(self) -> int:
        """The position of the newest event."""
        return self._tail.position

    def subscribe(self, group: str, subscriptions: Sequence[Subscription]) -> None:
        self.groups.append(Group(group, subscriptions, self._tail, self._store, self._clock))

    def tap(self, group: str, tap: Tap) -> None:
        self._taps.append(_Tapped(group, tap, self._tail))

    def _group(self, name: str) -> Group | None:
        return next((group for group in self.groups if group.name == name), None)

    def held_keys(self) -> list[HeldKey]:
        return [held for group in self.groups for held in group.held_keys()]

    def held(self, group: str, key: str) -> list[Held]:
        found = self._group(group)
        return found.held(key) if found else []

    def held_counts(self) -> dict[str, int]:
        return {group.name: count for group in self.groups if (count := group.holding())}

    async def replay(self, group: str, key: str) -> int:
        found = self._group(group)
        return await found.replay(key) if found else 0

    async def start(self) -> None:
        runs = [*(group.run() for group in self.groups), *(tap.run() for tap in self._taps), self._remember()]
        self._tasks = [asyncio.create_task(run) for run in runs]
        for group in self.groups:
            metrics.OLDEST.labels(group.name).set_function(group.oldest_seconds)
            metrics.HELD_KEYS.labels(group.name).set_function(group.holding)
        metrics.UNANSWERED.set_function(lambda: sum(self.position - group.answered for group in self.groups))
        metrics.COMMITTED.set_function(lambda: self.position)
        for tap in self._taps:
            metrics.BEHIND.set_function(tap.behind)

    async def _remember(self) -> None:
        while True:
            await asyncio.sleep(CURSOR_EVERY)
            for group in self.groups:
                try:
                    await group.remember()
                except Unavailable as error:
                    log.warning("bus.cursor_not_written", group=group.name, error=str(error))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for group in self.groups:
            await group.remember()

    async def idle(self) -> None:
        while True:
            waits = [not await group.idle() for group in self.groups]
            waits += [not tap.idle() for tap in self._taps]
            if not any(waits):
                return
            await asyncio.sleep(0.001)
