"""A model of MongoDB, beneath the real store: one replica set, and the driver that the store sees of it.

A write changes one document as an atom, on the primary, and is answered once the majority has it. Until then it is
not read (every read is of what the majority has), and a failover takes it back. Answers are lost, some of a batch is
written and the rest is not, and at times there is no primary for longer than the driver waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Self

from pymongo import InsertOne
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, ServerSelectionTimeoutError

from shared.clock import Clock
from tests.simulation import bson
from tests.simulation.bson import Bson
from tests.simulation.faults import Faults

DUPLICATE = 11000
PATIENCE = 10.0
_SLOWLY = 0.3
"""How many of the answers to reads take any time on their way back."""
SERVER: ContextVar[Server] = ContextVar("mongo")

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


@dataclass
class Result:
    """What the driver says of a write."""

    matched_count: int = 0
    upserted_ids: dict[int, Any] | None = None
    deleted_count: int = 0


class Cursor:
    """A query, sent when it is first asked for a document."""

    def __init__(self, collection: ModelCollection, asked: Mapping[str, Any]) -> None:
        self._collection = collection
        self._asked = asked
        self._order: list[tuple[str, int]] = []
        self._limit = 0

    def sort(self, by: str | list[tuple[str, int]], direction: int = 1) -> Self:
        self._order = [(by, direction)] if isinstance(by, str) else by
        return self

    def limit(self, limit: int) -> Self:
        self._limit = limit
        return self

    async def __aiter__(self) -> AsyncIterator[Bson]:
        for one in await self._collection.read(self._asked, self._order, self._limit):
            yield one


Write = Callable[[], list[asyncio.Future[bool]]]


class ModelCollection:
    """A collection, as the driver shows it to a process."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name

    @property
    def _primary(self) -> dict[Any, Bson]:
        return self._server.primary.setdefault(self._name, {})

    async def create_indexes(self, _: Sequence[Any]) -> None:
        await self._server.reached()

    async def read(
        self, asked: Mapping[str, Any], order: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Bson]:
        """What the majority has, when the request comes to the server."""
        await self._server.reached()
        kept = self._server.documents(self._name)
        id = asked.get("_id")
        some: Sequence[Bson]
        if isinstance(id, str):
            some = [kept[id]] if id in kept else []
        elif isinstance(id, dict) and "$in" in id:
            some = [kept[one] for one in dict.fromkeys(id["$in"]) if one in kept]
        else:
            some = list(kept.values())
        found = [dict(one) for one in some if bson.matches(one, asked)]
        found = bson.in_order(found, order)
        if self._server.faults.random.random() < _SLOWLY:
            await self._server.faults.takes("store")
        return found[:limit] if limit else found

    def find(self, asked: Mapping[str, Any], _: Any = None) -> Cursor:
        return Cursor(self, asked)

    async def find_one(
        self, asked: Mapping[str, Any], _: Any = None, sort: list[tuple[str, int]] | None = None
    ) -> Bson | None:
        return next(iter(await self.read(asked, sort or (), 1)), None)

    async def count_documents(self, asked: Mapping[str, Any], limit: int = 0) -> int:
        return len(await self.read(asked, (), limit))

    async def _write(self, writes: Sequence[Write]) -> None:
        """Do some writes, each an atom, and wait for the majority. Raises AutoReconnect where nobody knows."""
        server, faults = self._server, self._server.faults
        await server.reached()
        await faults.point("before a commit")
        lost = faults.happens("lost", "store")
        stops_at = faults.random.randint(0, len(writes)) if lost else len(writes)
        waiting: list[asyncio.Future[bool]] = []
        for write in writes[:stops_at]:
            waiting += write()
        kept = [await one for one in waiting]
        if not all(kept):
            raise AutoReconnect("the primary stepped down")
        await faults.takes("store")
        await faults.point("after a commit")
        if lost:
            raise AutoReconnect("connection closed")

    def _put(self, id: Any, after: Bson | None) -> list[asyncio.Future[bool]]:
        return [self._server.write(self._name, id, after)]

    def _insert(self, document: Bson) -> list[asyncio.Future[bool]]:
        if document["_id"] in self._primary:
            raise DuplicateKeyError("E11000 duplicate key", DUPLICATE)
        return self._put(document["_id"], dict(document))

    def _first(self, asked: Mapping[str, Any]) -> Bson | None:
        id = asked.get("_id")
        some = [self._primary[id]] if id in self._primary else []
        if not isinstance(id, str):
            some = list(self._primary.values())
        return next((one for one in some if bson.matches(one, asked)), None)

    def _update(
        self, asked: Mapping[str, Any], change: Mapping[str, Any], *, upsert: bool
    ) -> tuple[Bson | None, Bson | None, list[asyncio.Future[bool]]]:
        """Before, after, and what waits for the majority. What changes nothing waits for all that went before."""
        before = self._first(asked)
        if before is None and not upsert:
            return None, None, self._server.nothing()
        start = bson.new(asked) if before is None else before
        if before is None and start["_id"] in self._primary:
            raise DuplicateKeyError("E11000 duplicate key", DUPLICATE)
        after = bson.changed(start, change, inserted=before is None)
        return before, after, self._put(after["_id"], after)

    async def insert_one(self, document: Bson) -> None:
        try:
            await self.bulk_write([InsertOne(document)], ordered=False)
        except BulkWriteError as error:
            raise DuplicateKeyError("E11000 duplicate key", DUPLICATE) from error

    async def insert_many(self, documents: Sequence[Bson], ordered: bool = True) -> None:
        await self.bulk_write([InsertOne(one) for one in documents], ordered=ordered)

    async def update_one(
        self, asked: Mapping[str, Any], change: Mapping[str, Any], upsert: bool = False
    ) -> Result:
        result = Result()

        def write() -> list[asyncio.Future[bool]]:
            before, _, waiting = self._update(asked, change, upsert=upsert)
            result.matched_count = int(before is not None)
            return waiting

        await self._write([write])
        return result

    async def update_many(self, asked: Mapping[str, Any], change: Mapping[str, Any]) -> Result:
        some = [one["_id"] for one in self._primary.values() if bson.matches(one, asked)]
        await self._write([lambda id=id: self._update({"_id": id}, change, upsert=False)[2] for id in some])  # type: ignore[misc]
        return Result(len(some))

    async def find_one_and_update(
        self,
        asked: Mapping[str, Any],
        change: Mapping[str, Any],
        upsert: bool = False,
        return_document: bool = False,
    ) -> Bson | None:
        assert return_document
        found: list[Bson | None] = []

        def write() -> list[asyncio.Future[bool]]:
            _, after, waiting = self._update(asked, change, upsert=upsert)
            found.append(after)
            return waiting

        await self._write([write])
        after = found[0]
        return None if after is None else dict(after)

    async def delete_one(self, asked: Mapping[str, Any]) -> Result:
        result = Result()

        def write() -> list[asyncio.Future[bool]]:
            before = self._first(asked)
            result.deleted_count = int(before is not None)
            return [] if before is None else self._put(before["_id"], None)

        await self._write([write])
        return result

    async def delete_many(self, asked: Mapping[str, Any]) -> Result:
        some = [one["_id"] for one in self._primary.values() if bson.matches(one, asked)]
        await self._write([lambda id=id: self._put(id, None) for id in some])  # type: ignore[misc]
        return Result(deleted_count=len(some))

    async def bulk_write(self, requests: Sequence[Any], ordered: bool = True) -> Result:
        assert not ordered
        result, errors = Result(upserted_ids={}), list[Bson]()

        def one(at: int, request: Any) -> list[asyncio.Future[bool]]:
            try:
                if isinstance(request, InsertOne):
                    return self._insert(request._doc)
                before, after, waiting = self._update(
                    request._filter, request._doc, upsert=bool(request._upsert)
                )
            except DuplicateKeyError as error:
                errors.append({"index": at, "code": DUPLICATE, "errmsg": str(error)})
                return self._server.nothing()
            result.matched_count += before is not None
            if before is None and after is not None:
                assert result.upserted_ids is not None
                result.upserted_ids[at] = after["_id"]
            return waiting

        await self._write(
            [lambda at=at, request=request: one(at, request) for at, request in enumerate(requests)]  # type: ignore[misc]
        )
        if errors:
            raise BulkWriteError(
                {"writeErrors": errors, "writeConcernErrors": [], "nMatched": result.matched_count}
            )
        return result


class ModelDatabase:
    """A database, as the driver shows it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __getitem__(self, name: str) -> ModelCollection:
        return ModelCollection(self._server, name)

    async def command(self, name: str, **_: Any) -> Bson:
        await self._server.reached()
        if name == "dbStats":
            full = self._server.faults.happens("full", "door")
            return {"fsTotalSize": 1 << 40, "fsUsedSize": 1 << 40 if full else 0}
        now = self._server.clock.now().astimezone(UTC).replace(tzinfo=None)
        return {"localTime": now}


class ModelConnection:
    """In the place of the driver: its client, which has one database."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._server = SERVER.get()
        self.client = self

    def get_database(self, *_: Any, **__: Any) -> ModelDatabase:
        return ModelDatabase(self._server)

    def files(self, *_: Any) -> None:
        """Large files are left out."""

    async def close(self) -> None:
        """Nothing is held open."""
