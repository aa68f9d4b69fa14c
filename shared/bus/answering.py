"""Answering a group's events: a key's one after the other, keys side by side; what can't be answered is held back.

Where events come from, and how it is kept how far a group is, is the adapter's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import structlog

from shared import metrics
from shared.bus import Held, HeldKey, Subscription
from shared.bus.tasks import end
from shared.events import Record
from shared.store import HeldBack, StoreError, Unavailable

log = structlog.get_logger()

WINDOW = 512
"""Events of one group answered at the same time."""
RETRIES = 3
RETRY_SECONDS = 0.1
AWAY_SECONDS = 1.0
MOST_REASON = 500
"""Characters kept of why an event is held back."""
BEHIND = "behind a held event"

T = TypeVar("T")
Noted = Callable[[Record, Exception], Awaitable[None]]


async def _not_noted(_: Record, __: Exception) -> None:
    """Nobody else is told of what is held back."""


class Answering:
    """One group's events as they are answered.

    `take` hands one over, once there is room; `done` is called when it is answered or durably held back, and never for
    one that was given up. `noted` is told of each event that turned out to be poison, before its `done`.
    """

    def __init__(
        self, name: str, subscriptions: Sequence[Subscription], held_back: HeldBack, noted: Noted = _not_noted
    ) -> None:
        self.name = name
        self.topics = tuple(dict.fromkeys(topic for one in subscriptions for topic in one.topics))
        self._by_type = {
            (topic, kind): one.handle for one in subscriptions for topic in one.topics for kind in one.types
        }
        self._heeds = {
            (topic, kind): one.heeds
            for one in subscriptions
            if one.heeds is not None
            for topic in one.topics
            for kind in one.types
        }
        self._held_back = held_back
        self._noted = noted
        self._held: set[str] = set()
        self._answered = metrics.EVENTS.labels(name)
        self._number = 0
        self._under_way: dict[int, asyncio.Task[Any]] = {}
        self._chains: dict[str, int] = {}
        """The last of a key's that is under way."""
        self._moved = asyncio.Event()

    def hears(self, record: Record) -> bool:
        """Whether the group answers an event; it passes what it has no word for, and what it need not heed."""
        what = (record.topic, record.type)
        if (heeds := self._heeds.get(what)) is not None:
            return heeds(record)
        return what in self._by_type

    async def read_held(self) -> None:
        """Learn what the group holds back, whoever held it. Raises Unavailable."""
        self._held |= {key for key, *_ in await self._held_back.held_keys(self.name)}

    @property
    def full(self) -> bool:
        """Whether as much is under way as may be."""
        return len(self._under_way) >= WINDOW

    async def room(self) -> None:
        """Return once there is room for one event more."""
        while self.full:
            self._moved.clear()
            await self._moved.wait()

    def take(self, record: Record, done: Callable[[], None]) -> None:
        """Answer an event, behind those of its key that were taken before; `room` was waited for."""
        self.in_turn(record.key, partial(self._answer, record, done))

    def in_turn(self, key: str, work: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        """Do some work of a key's once what was taken of it before has ended."""
        self._number += 1
        before = self._under_way.get(self._chains.get(key, 0))
        task = asyncio.create_task(self._turn(key, self._number, before, work))
        self._chains[key] = self._number
        self._under_way[self._number] = task
        return task

    async def _turn(
        self, key: str, number: int, before: asyncio.Task[Any] | None, work: Callable[[], Awaitable[T]]
    ) -> T:
        try:
            if before is not None:
                await asyncio.wait([before])
            return await work()
        except Exception:
            log.exception("bus.not_answered", group=self.name, key=key)  # it stays open
            raise
        finally:
            self._under_way.pop(number, None)
            if self._chains.get(key) == number:
                del self._chains[key]
            self._moved.set()

    async def _answer(self, record: Record, done: Callable[[], None]) -> None:
        if record.key in self._held:
            await self._behind(record)
        else:
            await self._try(record)
        done()

    async def _behind(self, record: Record) -> None:
        """Hold it back behind what is held of its key. Where that was replayed meanwhile, elsewhere, it is next."""
        await self._hold(record, BEHIND)
        while True:
            try:
                held = await self._held_back.held(self.name, record.key)
                if not held:
                    self._held.discard(record.key)
                elif held[0][0].id == record.id:
                    await self._through(record.key)
            except StoreError as error:
                await self._later(record, error)
            else:
                return

    async def _try(self, record: Record) -> None:
        handle = self._by_type[record.topic, record.type]
        attempt = 0
        while True:
            try:
                await handle(record)
            except Unavailable as error:
                await self._later(record, error)
            except Exception as error:
                attempt += 1
                if attempt <= RETRIES:
                    await asyncio.sleep(RETRY_SECONDS * attempt)
                    continue
                log.exception("bus.held_back", group=self.name, event_id=record.id, type=record.type)
                self._held.add(record.key)
                await self._hold(record, _reason(error))
                await self._noted(record, error)
                return
            else:
                self._answered.inc()
                return

    async def _hold(self, record: Record, reason: str) -> None:
        metrics.HELD.labels(self.name).inc()
        while True:
            try:
                await self._held_back.hold(self.name, record, reason)
            except StoreError as error:
                await self._later(record, error)
            else:
                return

    async def _later(self, record: Record, error: StoreError) -> None:
        """What the store can't take now is tried again, however long that takes: the event stays open."""
        log.warning("bus.store_away", group=self.name, event_id=record.id, error=str(error))
        await asyncio.sleep(AWAY_SECONDS)

    async def replay(self, key: str) -> int:
        """Answer what is held back of a key. It takes its turn among the key's events: what is under way goes before
        it, what comes meanwhile after it."""
        task = self.in_turn(key, partial(self._through, key))
        return await asyncio.shield(task)  # whoever asked may go away; the turn is finished

    async def _through(self, key: str) -> int:
        """Answer what is held of a key as far as that goes; answers how many that were."""
        through = 0
        while held := await self._held_back.held(self.name, key):  # others may add to it meanwhile
            for record, _ in held:
                if (failed := await self._failure(record)) is not None:
                    log.warning("bus.still_held", group=self.name, event_id=record.id, error=failed)
                    await self._held_back.hold(self.name, record, failed, anew=True)
                    return through
                await self._held_back.release(self.name, key, record.id)
                through += 1
        self._held.discard(key)
        return through

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

    async def held_keys(self) -> list[HeldKey]:
        """What the group holds back, the longest first."""
        return [
            HeldKey(self.name, key, events, Held(record, reason))
            for key, events, reason, record in await self._held_back.held_keys(self.name)
        ]

    async def held(self, key: str) -> list[Held]:
        """The events of a key that it holds back, in order."""
        return [Held(record, reason) for record, reason in await self._held_back.held(self.name, key)]

    def holding(self) -> int:
        """How many keys are known to be held back."""
        return len(self._held)

    async def finish(self, seconds: float) -> None:
        """Let what is under way come to its end; give up what has not after `seconds`: it will be answered again."""
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=seconds)
        await end(self._under_way.values())
        for number in [number for number, task in self._under_way.items() if task.done()]:
            del self._under_way[number]  # cancelled before it had begun

    async def moved(self, seconds: float) -> None:
        """Return when something under way came to its end, or after `seconds`."""
        self._moved.clear()
        try:
            await asyncio.wait_for(self._moved.wait(), seconds)
        except TimeoutError:
            return


def _reason(error: Exception) -> str:
    """Why an event was not answered, for those who look after the installation."""
    return f"{type(error).__name__}: {error}"[:MOST_REASON]
