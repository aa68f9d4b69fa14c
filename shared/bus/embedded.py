"""The embedded bus: the event table with one cursor a group, fed from a tail kept in memory after the fsync."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial

import structlog

from shared import metrics
from shared.bus import Inlet, Subscription, Tap
from shared.bus.answering import Answering
from shared.bus.groups import Groups
from shared.bus.progress import Progress
from shared.bus.standstill import Stand, Standstill
from shared.clock import Clock
from shared.events import Record
from shared.store import Unavailable
from shared.store.sqlite import SqliteStore

log = structlog.get_logger()

TAIL = 16_384
"""Events kept in memory; a group further behind reads the table."""
PAGE = 1024
CURSOR_EVERY = 0.2
"""Seconds between two records of how far a group is; what lies between is answered again after a crash."""
LOOK_EVERY = 5.0
"""Seconds between two looks at whether what waits gets less."""
AWAY_SECONDS = 1.0
FINISH_SECONDS = 10.0
"""How long what is under way may take to end; what takes longer is answered again at the next start."""
STREAM = "events"

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
    """One group's way through the events."""

    def __init__(
        self, name: str, subscriptions: Sequence[Subscription], tail: Tail, store: SqliteStore, clock: Clock
    ) -> None:
        self.name = name
        self.answering = Answering(name, subscriptions, store.held_back)
        self.standstill = Standstill(clock)
        self._tail = tail
        self._store = store
        self._clock = clock
        self._written = store.cursor(name)
        self._progress = Progress(self._written + 1)

    @property
    def answered(self) -> int:
        """Everything up to this position is answered."""
        return self._progress.answered - 1

    def oldest_seconds(self) -> float:
        """Age of the oldest event not yet answered."""
        oldest = self._progress.oldest()
        return 0.0 if oldest is None else max(0.0, (self._clock.now() - oldest).total_seconds())

    async def run(self) -> None:
        progress, answering = self._progress, self.answering
        while True:
            for position, record in await self._tail.after(progress.next - 1, PAGE):
                if not answering.hears(record):
                    progress.passed(position)
                    continue
                await answering.room()
                progress.take(position, record.time, record.topic)
                answering.take(record, partial(progress.done, position))

    def look(self) -> None:
        """See whether it gets on."""
        stream = self._progress.waits_for() or STREAM
        self.standstill.saw([Stand(stream, self.answered, self._tail.position - self.answered)])

    async def remember(self) -> None:
        """Write down how far it is, where that has changed."""
        if (answered := self.answered) != self._written:
            await self._store.move_cursor(self.name, answered)
            self._written = answered

    async def idle(self) -> bool:
        """Wait for what is under way; answers whether it had nothing to wait for."""
        if self.answered >= self._tail.position:
            return True
        await self.answering.moved(0.05)
        return False


class _Tapped:
    def __init__(self, name: str, tap: Tap, tail: Tail, clock: Clock) -> None:
        self.name, self._tap, self._tail = name, tap, tail
        self.standstill = Standstill(clock)

    def _taken(self) -> int:
        return self._tap.positions().get(STREAM, 1) - 1

    async def run(self) -> None:
        while True:
            batch = await self._tail.after(self._taken(), 4 * PAGE)
            try:
                await self._tap.take([record for _, record in batch], {STREAM: batch[-1][0] + 1})
            except Exception:
                log.exception("bus.tap_failed", group=self.name, position=self._taken())
                await asyncio.sleep(AWAY_SECONDS)

    def behind(self) -> int:
        return self._tail.position - self._taken()

    def look(self) -> None:
        """See whether it gets on."""
        self.standstill.saw([Stand(STREAM, self._taken(), self.behind())])

    def idle(self) -> bool:
        """Whether everything is taken; what is not is asked for."""
        if self.behind() <= 0:
            return True
        self._tap.hurry()
        return False


class EmbeddedBus(Groups[Group]):
    """All groups of one process."""

    def __init__(self, store: SqliteStore, clock: Clock) -> None:
        super().__init__()
        self._store = store
        self._clock = clock
        self._tail = Tail(store)
        self._taps: list[_Tapped] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def position(self) -> int:
        """The position of the newest event."""
        return self._tail.position

    def subscribe(self, group: str, subscriptions: Sequence[Subscription]) -> None:
        self.groups.append(Group(group, subscriptions, self._tail, self._store, self._clock))

    def tap(self, group: str, tap: Tap) -> None:
        self._taps.append(_Tapped(group, tap, self._tail, self._clock))

    def let_in(self, group: str, inlet: Inlet) -> None:
        """Nobody else can post to it: whoever has something to say comes to the door."""

    async def start(self) -> None:
        for group in self.groups:
            await group.answering.read_held()
        runs = [*(group.run() for group in self.groups), *(tap.run() for tap in self._taps)]
        runs += [self._remember(), self._look_often()]
        self._tasks = [asyncio.create_task(run) for run in runs]
        for group in self.groups:
            metrics.OLDEST.labels(group.name).set_function(group.oldest_seconds)
            metrics.HELD_KEYS.labels(group.name).set_function(group.answering.holding)
        for one in self._parts:
            metrics.STILL.labels(one.name).set_function(one.standstill.seconds)
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

    @property
    def _parts(self) -> list[Group | _Tapped]:
        return [*self.groups, *self._taps]

    async def _look_often(self) -> None:
        while True:
            for one in self._parts:
                one.look()
            await asyncio.sleep(LOOK_EVERY)

    def not_ready(self) -> list[str]:
        """Which groups don't get on, and why."""
        return [f"{one.name}: {reason}" for one in self._parts if (reason := one.standstill.reason())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for group in self.groups:
            await group.answering.finish(FINISH_SECONDS)
            await group.remember()

    async def idle(self) -> None:
        while True:
            waits = [not await group.idle() for group in self.groups]
            waits += [not tap.idle() for tap in self._taps]
            if not any(waits):
                return
            await asyncio.sleep(0.001)
