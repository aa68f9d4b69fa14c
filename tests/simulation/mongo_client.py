"""PyMongo's names that the store calls, on the model of MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Self

from bson import ObjectId
from gridfs import NoFile
from pymongo import InsertOne
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError

from tests.simulation import bson
from tests.simulation.bson import Bson
from tests.simulation.mongo import SERVER, Line, Server

DUPLICATE = 11000
CHUNK = 255 * 1024
_SLOWLY = 0.3
"""How many of the answers to reads take any time on their way back."""


@dataclass
class Result:
    """What the driver says of a write."""

    matched_count: int = 0
    upserted_ids: dict[int, Any] | None = None
    deleted_count: int = 0


class Cursor:
    """A query, sent when it is first asked for a document."""

    def __init__(
        self, collection: ModelCollection, asked: Mapping[str, Any], fields: Mapping[str, int] | None
    ) -> None:
        self._collection = collection
        self._asked = asked
        self._fields = fields
        self._order: list[tuple[str, int]] = []
        self._limit = 0

    def sort(self, by: str | list[tuple[str, int]], direction: int = 1) -> Self:
        self._order = [(by, direction)] if isinstance(by, str) else by
        return self

    def limit(self, limit: int) -> Self:
        self._limit = limit
        return self

    async def __aiter__(self) -> AsyncIterator[Bson]:
        for one in await self._collection.read(self._asked, self._order, self._limit, self._fields):
            yield one


Write = Callable[[], list[asyncio.Future[bool]]]


class ModelCollection:
    """A collection, as the driver shows it to a process."""

    def __init__(self, server: Server, name: str, line: Line | None) -> None:
        self._server = server
        self._name = name
        self._line = line

    @property
    def _primary(self) -> dict[Any, Bson]:
        return self._server.primary.setdefault(self._name, {})

    async def create_indexes(self, _: Sequence[Any]) -> None:
        await self._server.reached()

    async def _answered(self) -> None:
        """The answer comes back. Raises AutoReconnect where it is lost on the line."""
        if self._line is not None and await self._line(self._name):
            raise AutoReconnect("connection closed")

    async def read(
        self,
        asked: Mapping[str, Any],
        order: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        fields: Mapping[str, int] | None = None,
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
        found = [one for one in some if bson.matches(one, asked)]
        found = bson.in_order(found, order)
        if self._server.faults.random.random() < _SLOWLY:
            await self._server.faults.takes("store")
        await self._answered()
        return [bson.shown(one, fields) for one in (found[:limit] if limit else found)]

    def find(self, asked: Mapping[str, Any], fields: Mapping[str, int] | None = None) -> Cursor:
        return Cursor(self, asked, fields)

    async def find_one(
        self,
        asked: Mapping[str, Any],
        fields: Mapping[str, int] | None = None,
        sort: list[tuple[str, int]] | None = None,
    ) -> Bson | None:
        return next(iter(await self.read(asked, sort or (), 1, fields)), None)

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
        await self._answered()

    def _put(self, id: Any, after: Bson | None) -> list[asyncio.Future[bool]]:
        return [self._server.write(self._name, id, after)]

    def _insert(self, document: Bson) -> list[asyncio.Future[bool]]:
        document.setdefault("_id", ObjectId())
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
        result = Result()

        def write() -> list[asyncio.Future[bool]]:
            some = [one for one in self._primary.values() if bson.matches(one, asked)]
            result.matched_count = len(some)
            waiting = [self._put(one["_id"], bson.changed(one, change, inserted=False)) for one in some]
            return sum(waiting, self._server.nothing())

        await self._write([write])
        return result

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
            return self._server.nothing() if before is None else self._put(before["_id"], None)

        await self._write([write])
        return result

    async def delete_many(self, asked: Mapping[str, Any]) -> Result:
        result = Result()

        def write() -> list[asyncio.Future[bool]]:
            some = [one["_id"] for one in self._primary.values() if bson.matches(one, asked)]
            result.deleted_count = len(some)
            return sum((self._put(id, None) for id in some), self._server.nothing())

        await self._write([write])
        return result

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


class ModelBucket:
    """GridFS: a file's chunks, and then its name, in two collections."""

    def __init__(self, database: ModelDatabase, name: str) -> None:
        self._files = database[f"{name}.files"]
        self._chunks = database[f"{name}.chunks"]

    async def upload_from_stream_with_id(self, id: str, filename: str, source: bytes) -> None:
        for number, at in enumerate(range(0, len(source), CHUNK)):
            await self._chunks.insert_one({"files_id": id, "n": number, "data": source[at : at + CHUNK]})
        await self._files.insert_one({"_id": id, "filename": filename, "length": len(source)})

    async def open_download_stream(self, id: str) -> ModelFile:
        if await self._files.find_one({"_id": id}) is None:
            raise NoFile(f"no file in gridfs with _id {id!r}")
        return ModelFile(self._chunks, id)


class ModelFile:
    """A file that was found."""

    def __init__(self, chunks: ModelCollection, id: str) -> None:
        self._chunks = chunks
        self._id = id

    async def read(self) -> bytes:
        found = self._chunks.find({"files_id": self._id}).sort("n")
        return b"".join([one["data"] async for one in found])


class ModelDatabase:
    """A database, as the driver shows it."""

    def __init__(self, server: Server, line: Line | None) -> None:
        self._server = server
        self._line = line

    def __getitem__(self, name: str) -> ModelCollection:
        return ModelCollection(self._server, name, self._line)

    async def command(self, name: str, **_: Any) -> Bson:
        await self._server.reached()
        if name == "dbStats":
            full = self._server.faults.happens("full", "door")
            return {"fsTotalSize": 1 << 40, "fsUsedSize": 1 << 40 if full else 0}
        now = self._server.clock.now().astimezone(UTC).replace(tzinfo=None)
        return {"localTime": now}


class ModelConnection:
    """In the place of the driver: its client, which has one database."""

    def __init__(self, url: str, *_: Any, **__: Any) -> None:
        self._server = SERVER.get()
        self._line = self._server.lines.get(url)
        self.client = self

    def get_database(self, *_: Any, **__: Any) -> ModelDatabase:
        return ModelDatabase(self._server, self._line)

    def files(self, database: ModelDatabase, name: str) -> ModelBucket:
        return ModelBucket(database, name)

    async def close(self) -> None:
        """Nothing is held open."""
