"""The cluster's store: MongoDB, one document an aggregate, written and read with majority.

A document holds its state, the events that were not yet published, and the mark up to which they were; published ones
stand in `events`. A save pushes events under the version and never touches the mark; only `published` does.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern

from shared.events import Record
from shared.store import Collection, Document, Step, Wanted, Where, everything
from shared.store.instants import instant, milliseconds
from shared.store.mongo.claims import Claims
from shared.store.mongo.contents import FILES, Contents
from shared.store.mongo.driver import Driver, connect
from shared.store.mongo.errors import said
from shared.store.mongo.forms import STATE, Bson, conditions, document, events_of, indexes, record
from shared.store.mongo.held import MongoHeldBack
from shared.store.mongo.loading import Loading
from shared.store.mongo.publishing import Publishing
from shared.store.mongo.registers import MongoRegisters
from shared.store.mongo.saving import Saving


class MongoStore:
    """A service's store, in the one database of its installation. `open` in a running loop, `close` before it ends.

    It writes, and sees to the publishing of, the `collections` of its service. `others` are those of other services:
    it reads them, and what `history` tells of their aggregates may not have been published yet.

    `patience` is how many seconds a call waits for a server before it says that there is none.
    """

    only_writer = False

    def __init__(
        self,
        url: str,
        database: str,
        collections: Iterable[Collection],
        *,
        others: Iterable[Collection] = (),
        patience: float = 10,
        driver: Driver = "pymongo",
    ) -> None:
        self._url = url
        self._name = database
        self._collections = list(collections)
        self._others = list(others)
        self._patience = patience
        self._driver: Driver = driver
        self._hearers: list[Callable[[Step], None]] = []

    async def open(self) -> None:
        """Connect, and create the indexes that are not there. Raises StoreError where there is no store."""
        self._connection = connect(self._url, self._driver, patience=self._patience)
        # What a failover could take back must not be decided on: every read is of what the majority has.
        self._database = self._connection.client.get_database(
            self._name, read_concern=ReadConcern("majority")
        )
        self._events = self._database["events"]
        self._claims = Claims(self._database["claims"])
        self.held_back = MongoHeldBack(self._database)
        self.registers = MongoRegisters(self._database)
        self.contents = Contents(self._database, self._connection.files(self._database, FILES))
        documents = {one.name: self._documents(one) for one in self._collections}
        everybodys = documents | {one.name: self._documents(one) for one in self._others}
        self._everybodys = list(everybodys.values())
        self._loading = {name: Loading(one) for name, one in everybodys.items()}
        self._saving = {name: Saving(one, self._events) for name, one in documents.items()}
        self._publishing = {name: Publishing(one, self._events) for name, one in documents.items()}
        async with said():
            for collection in self._collections:
                await self._documents(collection).create_indexes(indexes(collection))
            await self.held_back.create()
            await self.contents.create()

    async def close(self) -> None:
        """Finish what is under way, then end the connections."""
        under_way: list[Claims | Contents | Loading | Saving | Publishing] = [self._claims, self.contents]
        under_way += [*self._loading.values(), *self._saving.values(), *self._publishing.values()]
        for one in under_way:
            await one.done()
        await self._connection.close()

    @property
    def database(self) -> AsyncDatabase[Bson]:
        """The open database, for what moves a whole installation into it."""
        return self._database

    def _documents(self, collection: Collection) -> AsyncCollection[Bson]:
        return self._database[f"doc_{collection.name}"]

    async def load(self, collection: Collection, id: str) -> Document | None:
        return await self._loading[collection.name].load(id)

    async def commit(self, step: Step) -> None:
        if step.contents:
            await self.contents.keep(step)
        await self._saving[step.collection.name].save(step)
        if step.records:
            for hear in self._hearers:
                hear(step)

    async def claim(self, claims: Mapping[str, str]) -> dict[str, str]:
        return await self._claims.claim(claims)

    async def claimed(self, key: str) -> str | None:
        return await self._claims.claimed(key)

    async def due(
        self, collection: Collection, until: datetime, limit: int, wanted: Wanted = everything
    ) -> list[Document]:
        """Of what others of the service look after only the ids are read, in the index."""
        asked = {"due": {"$lte": int(until.timestamp() * 1000)}}
        ids: list[str] = []
        async with said():
            async for one in (
                self._documents(collection).find(asked, {"due": 1}).sort([("due", 1), ("_id", 1)])
            ):
                if wanted(one["_id"], instant(one["due"])):
                    ids.append(one["_id"])
                if len(ids) == limit:
                    break
        loaded = await asyncio.gather(*(self.load(collection, id) for id in ids))
        return [one for one in loaded if one is not None and one.due is not None and one.due <= until]

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
        asked = [*conditions(where), {field: {"$exists": True}}]
        if after is not None:
            value, id = after
            asked.append({f"{field}": {f"{past}e": value}})
            asked.append({"$or": [{field: {past: value}}, {field: value, "_id": {past: id}}]})
        async with said():
            found = self._documents(collection).find({"$and": asked}, {**STATE, field: 1})
            found = found.sort([(field, direction), ("_id", direction)]).limit(limit)
            return [(document(one), one["f"][order]) async for one in found]

    async def count(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str | None = None,
        cap: int = 10_000,
    ) -> int:
        asked = conditions([*where, Where(order, "not null")] if order else where)
        async with said():
            return await self._documents(collection).count_documents(
                {"$and": asked} if asked else {}, limit=cap
            )

    async def history(self, id: str) -> list[Record]:
        asked: Bson = {"_id": id}
        async with said():
            # Before `events`: what moves there meanwhile is read twice, not never.
            found = await asyncio.gather(
                *(one.find_one(asked, {"unpublished": 1}) for one in self._everybodys)
            )
            events = {
                one["sequence"]: record(one) for each in found if each for one in each.get("unpublished", ())
            }
            async for one in self._events.find(events_of(id)):
                events[one["sequence"]] = record(one)
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
        return await self._publishing[collection.name].pending(id)

    async def published(self, collection: Collection, id: str, sequence: int) -> None:
        await self._publishing[collection.name].published(id, sequence)

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
