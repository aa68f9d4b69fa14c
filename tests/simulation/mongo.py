"""A model of MongoDB, beneath the real store: one replica set, and the driver that the store sees of it.

A write changes one document as an atom, on the primary, and is answered once the majority has it. Until then it is
not read (every read is of what the majority has), and a failover takes it back. Answers are lost, some of a batch is
written and the rest is not, and at times there is no primary for longer than the driver waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context, ContextVar
from dataclasses import dataclass
from typing import Any

from pymongo.errors import ServerSelectionTimeoutError

from shared.clock import Clock
from tests.simulation.bson import Bson
from tests.simulation.faults import Faults

PATIENCE = 10.0
SERVER: ContextVar[Server] = ContextVar("mongo")

Line = Callable[[str], Awaitable[bool]]
"""What lies between the server and a process: whether the answer about a collection is lost on it."""
Collections = dict[str, dict[Any, Bson]]
_NOTHING = "nothing"
_UNTOLD = frozenset({"members", "held_order", _NOTHING})
"""Collections whose changes are no sign that anything is still under way."""


@dataclass
class _Written:
    """One entry of the primary's oplog that the majority does not have yet."""

    collection: str
    id: Any
    before: Bson | None
    after: Bson | None
    done: asyncio.Future[bool]


class Server:
    """The replica set."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self.faults = faults
        self.clock = clock
        self.primary: Collections = {}
        self.majority: Collections = {}
        self.changes = 0
        self.lines: dict[str, Line] = {}
        """By the address of whoever is connected over it."""
        self._behind: list[_Written] = []
        self._there_at = 0.0
        self._replicating = False

    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def there(self) -> None:
        """It is there, whatever was before."""
        self._there_at = 0.0

    async def reached(self) -> None:
        """Return once a request has come to a primary. Raises where there is none for as long as the driver waits."""
        await self.faults.takes("store")
        if self.faults.happens("away", "store", factor=0.05):
            self._there_at = self._loop().time() + self.faults.random.choice((2.0, 8.0, 25.0))
        if self.faults.happens("failover", "store", factor=0.2):
            self.fail_over()
        until = self._loop().time() + PATIENCE
        while (left := self._there_at - self._loop().time()) > 0:
            if self._loop().time() >= until:
                raise ServerSelectionTimeoutError("no primary")
            await asyncio.sleep(min(left, 1.0))

    def fail_over(self) -> None:
        """Another one is primary: what the majority did not have is taken back."""
        self.faults.say(f"FAILOVER takes back {len(self._behind)} writes")
        for one in reversed(self._behind):
            _put(self.primary, one.collection, one.id, one.before)
            if not one.done.done():
                one.done.set_result(False)
        self._behind.clear()
        self._there_at = self._loop().time() + self.faults.random.uniform(0.5, 4.0)

    def write(self, collection: str, id: Any, after: Bson | None) -> asyncio.Future[bool]:
        """Change a document on the primary; answers whether the majority came to have it."""
        kept = self.primary.setdefault(collection, {})
        one = _Written(collection, id, kept.get(id), after, self._loop().create_future())
        _put(self.primary, collection, id, after)
        self._behind.append(one)
        if collection not in _UNTOLD:
            self.changes += 1
        self._replicate()
        return one.done

    def _replicate(self) -> None:
        """The majority has it a little later: what the server does outlives whoever asked."""
        if self._behind and not self._replicating:
            self._replicating = True
            seconds = self.faults.random.uniform(0.0005, 0.006)
            if self.faults.happens("slow", "replication"):
                seconds += self.faults.random.choice((0.05, 1.0))
            self._loop().call_later(seconds, self._replicated, len(self._behind), context=Context())

    def _replicated(self, count: int) -> None:
        self._replicating = False
        some, self._behind = self._behind[:count], self._behind[count:]
        for one in some:
            _put(self.majority, one.collection, one.id, one.after)
            if not one.done.done():
                one.done.set_result(True)
        self._replicate()

    def nothing(self) -> list[asyncio.Future[bool]]:
        """A write that changed nothing waits for the majority, too, to have all that it saw."""
        return [self.write(_NOTHING, 0, None)]

    def documents(self, collection: str) -> Mapping[Any, Bson]:
        """What the majority has."""
        return self.majority.get(collection, {})


def _put(where: Collections, collection: str, id: Any, document: Bson | None) -> None:
    kept = where.setdefault(collection, {})
    if document is None:
        kept.pop(id, None)
    else:
        kept[id] = document
