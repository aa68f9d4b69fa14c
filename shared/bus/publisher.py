"""Sending what was saved: everything of an aggregate from its mark on, in order, and then the mark (the prefix rule).

Whoever commits never waits for it. What a crash left behind is found by a sweep.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from shared import metrics
from shared.bus.tasks import end
from shared.clock import Clock
from shared.events import Record
from shared.store import Collection, Step, Unavailable, Unpublished

log = structlog.get_logger()

SIDE_BY_SIDE = 1024
"""Aggregates that are being sent at the same time."""
MOST_WAITING = 20_000
"""Aggregates remembered to be sent; what is saved beyond that while nothing can be sent, the sweep finds."""
_REMEMBERED = 50_000
SWEEP_EVERY = 5.0
LEFT_AFTER = timedelta(seconds=10)
"""How long events may wait before somebody else than who saved them sends them."""
SWEPT_AT_ONCE = 1000
AGAIN_SECONDS = 0.5

Name = tuple[str, str]


class NotSent(Exception):
    """Nobody knows whether all of it was kept. What followed the first that failed was not sent."""


class Sender(Protocol):
    """The way events take from here."""

    async def send(self, records: Sequence[Record]) -> None:
        """Return once all of one aggregate's records are durable, in this order. Raises NotSent."""
        ...


@dataclass
class _Waiting:
    collection: Collection
    records: list[Record] | None
    """Everything from the mark on; None where the store must be asked."""


class Publisher:
    """Sends what a store holds unpublished, many aggregates side by side."""

    def __init__(self, store: Unpublished, sender: Sender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock
        self._waiting: dict[Name, _Waiting] = {}
        self._sending: dict[Name, asyncio.Task[None]] = {}
        self._heard: OrderedDict[Name, int] = OrderedDict()
        """Up to which event of an aggregate everything was sent, or waits here to be."""
        self._room = asyncio.Semaphore(SIDE_BY_SIDE)
        self._sweeping: asyncio.Task[None] | None = None
        store.on_commit(self._hear)

    async def start(self) -> None:
        """Begin with what was left behind."""
        metrics.UNPUBLISHED.set_function(self.unpublished)
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self, seconds: float = 10.0) -> None:
        """Finish what is being sent; what takes longer is sent by another, or at the next start."""
        await end([self._sweeping])
        if self._sending:
            await asyncio.wait(set(self._sending.values()), timeout=seconds)
        await end(self._sending.values())

    async def idle(self) -> None:
        """Return once everything is sent that was saved here."""
        while self._sending:
            await asyncio.wait(set(self._sending.values()))

    def unpublished(self) -> int:
        """How many aggregates are known to have events that were not yet sent."""
        return len(self._waiting.keys() | self._sending.keys())

    def _hear(self, step: Step) -> None:
        name = (step.collection.name, step.id)
        if name not in self._sending and len(self._waiting) >= MOST_WAITING:
            self._heard.pop(name, None)
            return
        # What stands before this step is not known where another process saved it.
        follows = self._heard.get(name, 0) == step.expected
        waiting = self._waiting.setdefault(name, _Waiting(step.collection, []))
        if waiting.records is not None:
            waiting.records = [*waiting.records, *step.records] if follows else None
        self._heard[name] = step.records[-1].sequence
        self._heard.move_to_end(name)
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        self._begin(name)

    def _begin(self, name: Name) -> None:
        if name not in self._sending:
            self._sending[name] = asyncio.create_task(self._publish(name))

    async def _publish(self, name: Name) -> None:
        try:
            while name in self._waiting:
                async with self._room:
                    await self._send(name, self._waiting.pop(name))
        finally:
            del self._sending[name]

    async def _send(self, name: Name, waiting: _Waiting) -> None:
        collection, (_, id) = waiting.collection, name
        try:
            records = waiting.records
            if records is None:
                records = await self._store.pending(collection, id)
            if records:
                await self._sender.send(records)
                self._forget(name, records[-1].sequence)
                await self._store.published(collection, id, records[-1].sequence)
        except (NotSent, Unavailable) as error:
            log.info("bus.sent_again", aggregate=id, error=str(error))
            self._heard.pop(name, None)
            self._waiting[name] = _Waiting(collection, None)
            await asyncio.sleep(AGAIN_SECONDS * (0.5 + random.random()))  # noqa: S311
        except Exception:
            log.exception("bus.not_sent", aggregate=id)
            self._heard.pop(name, None)
            self._waiting.pop(name, None)  # nothing later may go before it; the sweep comes by again

    def _forget(self, name: Name, sent: int) -> None:
        """What was heard while the store was asked may have been in its answer."""
        waiting = self._waiting.get(name)
        if waiting is not None and waiting.records is not None:
            waiting.records = [record for record in waiting.records if record.sequence > sent]

    async def _sweep(self) -> None:
        while True:
            try:
                await self._look()
            except Unavailable as error:
                log.warning("bus.not_swept", error=str(error))
            except Exception:
                log.exception("bus.not_swept")
            await asyncio.sleep(SWEEP_EVERY * (0.5 + random.random()))  # noqa: S311

    async def _look(self) -> None:
        """Take up what nobody has sent for a while."""
        left = await self._store.left_behind(self._clock.now() - LEFT_AFTER, SWEPT_AT_ONCE)
        metrics.LEFT_BEHIND.set(len(left))
        for collection, id in left:
            name = (collection.name, id)
            if name not in self._sending:
                self._waiting[name] = _Waiting(collection, None)
                self._begin(name)
