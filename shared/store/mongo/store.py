"""The cluster's store: MongoDB, one document an aggregate, written and read with majority.

A document holds its state, the events that were not yet published, and the mark up to which they were; published ones
stand in `events`. A save pushes events under the version and never touches the mark; only `published` does.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bson import ObjectId
from pymongo import AsyncMongoClient, IndexModel
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConnectionFailure, DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.results import UpdateResult

from shared.events import Record
from shared.store import Collection, Conflict, Document, Step, StoreError, Where
from shared.store.instants import instant, milliseconds
from shared.store.mongo.errors import said
from shared.store.mongo.held import MongoHeldBack

T = TypeVar("T")
Bson = dict[str, Any]

_TRIES = 3
_DUPLICATE_KEY = 11000
_OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "in": "$in"}


class MongoStore:
    """A service's store in a database of its own. `open` in a running loop, `close` before it ends.

    `patience` is how many seconds a call waits for a server before it says that there is none.
    """

    def __init__(
        self, url: str, database: str, collections: Iterable[Collection], *, patience: float = 10
    ) -> None:
        self._url = url
        self._name = database
        self._collections = list(collections)
        self._patience = patience
        self._hearers: list[Callable[[Step], None]] = []

    async def open(self) -> None:
        """Connect, and create the indexes that are not there. Raises StoreError where there is no store."""
        self._client = AsyncMongoClient[Bson](
            self._url,
            w="majority",
            journal=True,
            serverSelectionTimeoutMS=int(self._patience * 1000),
            timeoutMS=int(self._patience * 1000),
        )
        # What a failover could take back must not be decided on: every read is of what the majority has.
        self._database = self._client.get_database(self._name, read_concern=ReadConcern("majority"))
        self._events = self._database["events"]
        self._claims = self._database["claims"]
        self.held_back = MongoHeldBack(self._database)
        async with said():
            await self._events.create_indexes([IndexModel([("subject", 1), ("sequence", 1)], unique=True)])
            for collection in self._collections:
                await self._documents(collection).create_indexes(_indexes(collection))
            await self.held_back.create()

    async def close(self) -> None:
        """End the connections."""
        await self._client.close()

    def _documents(self, collection: Collection) -> AsyncCollection[Bson]:
        return self._database[f"doc_{collection.name}"]

    async def load(self, collection: Collection, id: str) -> Document | None:
        async with said():
            found = await self._documents(collection).find_one({"_id": id}, _STATE)
        return None if found is None else _document(found)

    async def commit(self, step: Step) -> None:
        if step.contents:  # rather than lose it
            raise StoreError(f"{step.id}: there is no place for content beside this store yet")
        mark = ObjectId()
        written = await self._until_known(lambda: self._save(step, mark), lambda: self._stands(step, mark))
        if not written:
            raise Conflict(f"{step.id} is not at version {step.expected}")
        if step.records:
            for hear in self._hearers:
                hear(step)

    async def _until_known(
        self, save: Callable[[], Awaitable[bool]], stands: Callable[[], Awaitable[bool]]
    ) -> bool:
        """Whether `save` took effect. A save whose answer was lost is tried again, and recognised by its mark."""
        async with said():
            for left in reversed(range(_TRIES)):
                try:
                    return await save() or (left < _TRIES - 1 and await stands())
                except ConnectionFailure:
                    if not left:
                        raise
        raise AssertionError

    async def _save(self, step: Step, mark: ObjectId) -> bool:
        state: Bson = {"version": step.expected + len(step.records), "body": step.body, "commit": mark}
        fields = {name: step.fields.get(name) for name in step.collection.fields}
        state["f"] = {name: value for name, value in fields.items() if value is not None}
        if step.due is not None:
            state["due"] = milliseconds(step.due)
        events = [_unpublished(record) for record in step.records]
        documents = self._documents(step.collection)
        if step.expected:
            change: Bson = {"$set": state, "$push": {"unpublished": {"$each": events}}}
            if step.due is None:
                change["$unset"] = {"due": ""}
            written = await documents.update_one({"_id": step.id, "version": step.expected}, change)
            return written.matched_count == 1
        try:
            await documents.insert_one({"_id": step.id, **state, "unpublished": events})
        except DuplicateKeyError:
            return False
        return True

    async def _stands(self, step: Step, mark: ObjectId) -> bool:
        """Whether an earlier try was kept. A write that changes nothing waits for the majority as any other does."""
        ours = {"_id": step.id, "commit": mark}
        written: UpdateResult = await self._documents(step.collection).update_one(
            ours, {"$set": {"commit": mark}}
        )
        if written.matched_count:
            return True
        # Another may have saved on top of it since; the first event's bytes are of this step alone.
        first = {record.value for record in step.records[:1]}
        return any(record.value in first for record in await self.history(step.id))

    async def claim(self, claims: Mapping[str, str]) -> dict[str, str]:
        async with said():
            standing = await asyncio.gather(*(self._claim(key, value) for key, value in claims.items()))
        return dict(zip(claims, standing, strict=True))

    async def _claim(self, key: str, value: str) -> str:
        """Insert or find in one write: where it finds, it still waits until the majority has what it found."""
        for left in reversed(range(_TRIES)):
            try:
                found = await self._claims.find_one_and_update(
                    {"_id": key}, {"$setOnInsert": {"value": value}}, upsert=True, return_document=True
                )
                assert found is not None
                return str(found["value"])
            except (DuplicateKeyError, ConnectionFailure):  # two inserted at once; or the answer was lost
                if not left:
                    raise
        raise AssertionError

    async def claimed(self, key: str) -> str | None:
        async with said():
            found = await self._claims.find_one({"_id": key})
        return None if found is None else str(found["value"])

    async def due(self, collection: Collection, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        asked = {"due": {"$lte": int(until.timestamp() * 1000)}}
        async with said():
            found = self._documents(collection).find(asked, {"due": 1}).sort("due", 1).limit(limit)
            return [(one["_id"], instant(one["due"])) async for one in found]

    async def next_due(self, collection: Collection) -> datetime | None:
        asked = {"due": {"$exists": True}}
        async with said():
            found = await self._documents(collection).find_one(asked, {"due": 1}, sort=[("due", 1)])
        return None if found is None else instant(found["due"])

    async def find(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str,
        descending: bool = False,
        after: tuple[str | int, str] | None = None,
        limit: int = 50,
    ) -> list[tuple[Document, str | int]]:
        field, direction, past = f"f.{order}", *((-1, "$lt") if descending else (1, "$gt"))
        conditions = [*_conditions(where), {field: {"$exists": True}}]
        if after is not None:
            value, id = after
            conditions.append({f"{field}": {f"{past}e": value}})
            conditions.append({"$or": [{field: {past: value}}, {field: value, "_id": {past: id}}]})
        async with said():
            found = self._documents(collection).find({"$and": conditions}, {**_STATE, field: 1})
            found = found.sort([(field, direction), ("_id", direction)]).limit(limit)
            return [(_document(one), one["f"][order]) async for one in found]

    async def count(self, collection: Collection, where: Sequence[Where] = (), *, cap: int = 10_000) -> int:
        conditions = _conditions(where)
        async with said():
            return await self._documents(collection).count_documents(
                {"$and": conditions} if conditions else {}, limit=cap
            )

    async def history(self, id: str) -> list[Record]:
        events: dict[int, Record] = {}
        async with said():
            for (
                collection
            ) in self._collections:  # before `events`: what moves there meanwhile is read twice, not never
                found = await self._documents(collection).find_one({"_id": id}, {"unpublished": 1})
                events.update((one["sequence"], _record(one)) for one in (found or {}).get("unpublished", ()))
            async for one in self._events.find({"subject": id}):
                events[one["sequence"]] = _record(one)
        return [events[sequence] for sequence in sorted(events)]

    async def free_bytes(self) -> int:
        """What the database's disk has free. A server that does not say so is left to refuse by itself."""
        async with said():
            stats = await self._database.command("dbStats", freeStorage=0)
        if "fsTotalSize" not in stats:
            return sys.maxsize
        return int(stats["fsTotalSize"]) - int(stats["fsUsedSize"])

    def on_commit(self, hear: Callable[[Step], None]) -> None:
        self._hearers.append(hear)

    async def pending(self, collection: Collection, id: str) -> list[Record]:
        async with said():
            found = (
                await self._documents(collection).find_one({"_id": id}, {"unpublished": 1, "published": 1})
                or {}
            )
        return [
            _record(one)
            for one in found.get("unpublished", ())
            if one["sequence"] > found.get("published", 0)
        ]

    async def published(self, collection: Collection, id: str, sequence: int) -> None:
        documents = self._documents(collection)
        async with said():
            found = await documents.find_one({"_id": id}, {"unpublished": 1}) or {}
            moved = [one for one in found.get("unpublished", ()) if one["sequence"] <= sequence]
            await self._keep([{**one, "_id": f"{id}/{one['sequence']}", "subject": id} for one in moved])
            gone = {"sequence": {"$in": [one["sequence"] for one in moved]}}  # what is kept, and nothing else
            await documents.update_one(
                {"_id": id, "version": {"$gte": sequence}},
                {"$max": {"published": sequence}, "$pull": {"unpublished": gone}},
            )

    async def _keep(self, events: list[Bson]) -> None:
        if not events:
            return
        try:
            await self._events.insert_many(events, ordered=False)
        except BulkWriteError as error:  # one that is there already was moved before, or by another
            others = [one for one in error.details["writeErrors"] if one["code"] != _DUPLICATE_KEY]
            if others or error.details["writeConcernErrors"]:
                raise

    async def left_behind(self, until: datetime, limit: int) -> list[tuple[Collection, str]]:
        asked = {"unpublished.time": {"$lte": milliseconds(until)}}
        waiting: list[tuple[int, str, Collection]] = []
        async with said():
            for collection in self._collections:
                found = self._documents(collection).find(asked, {"unpublished.time": 1})
                async for one in found.sort("unpublished.time", 1).limit(limit):
                    waiting.append((one["unpublished"][0]["time"], one["_id"], collection))  # noqa: PERF401
        waiting.sort(key=lambda one: one[:2])
        return [(collection, id) for _, id, collection in waiting[:limit]]


_STATE = {"version": 1, "body": 1, "due": 1}


def _document(found: Bson) -> Document:
    due = found.get("due")
    return Document(found["_id"], found["version"], found["body"], None if due is None else instant(due))


def _unpublished(record: Record) -> Bson:
    return {
        "sequence": record.sequence,
        "time": milliseconds(record.time),
        "topic": record.topic,
        "value": record.value,
    }


def _record(found: Bson) -> Record:
    return Record.read(found["topic"], found["value"])


def _indexes(collection: Collection) -> list[IndexModel]:
    """What does not wait, and what has no value for an index's first field, takes no room in it."""
    some: list[tuple[str, ...]] = [("due",), ("unpublished.time",)]
    some += [(*(f"f.{name}" for name in fields), "_id") for fields in collection.indexes]
    return [
        IndexModel([(key, 1) for key in keys], partialFilterExpression={keys[0]: {"$exists": True}})
        for keys in some
    ]


def _conditions(where: Sequence[Where]) -> list[Bson]:
    return [_condition(one) for one in where]


def _condition(one: Where) -> Bson:
    if one.is_ in ("null", "not null"):
        return {f"f.{one.field}": {"$exists": one.is_ == "not null"}}
    value = list(one.value) if one.is_ == "in" and isinstance(one.value, Sequence) else one.value
    return {f"f.{one.field}": {_OPERATORS[one.is_]: value}}
