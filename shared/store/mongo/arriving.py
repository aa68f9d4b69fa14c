"""What is moved into an empty database. Every write may be done again: it then changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bson import ObjectId
from pymongo import ReplaceOne

from shared.events import Record
from shared.store import Collection, Document, FieldValue, Sealed, Step, StoreError
from shared.store.instants import milliseconds
from shared.store.mongo.errors import said
from shared.store.mongo.forms import Bson, event_id, found_by, unpublished
from shared.store.mongo.store import MongoStore


class Arriving:
    """Writes into the database of an open store."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store
        self._database = store.database

    async def strangers(self) -> list[str]:
        """The collections in which something stands."""
        async with said():
            names = sorted(await self._database.list_collection_names())
            kept = [name for name in names if not name.startswith("system.")]
            return [name for name in kept if await self._database[name].find_one({}, {"_id": 1}) is not None]

    async def marked(self, name: str) -> bool:
        """Whether a register has a value."""
        async with said():
            return await self._database["registers"].find_one({"_id": name}) is not None

    async def documents(
        self,
        collection: Collection,
        some: Sequence[tuple[Document, Mapping[str, FieldValue]]],
        waiting: Mapping[str, Sequence[Record]],
    ) -> None:
        """Aggregates, each with those of its events that are yet to be published."""
        await self._replace(
            f"doc_{collection.name}",
            [_document(one, found_by(collection, fields), waiting.get(one.id, ())) for one, fields in some],
        )

    async def events(self, records: Sequence[Record]) -> None:
        """Events that nobody need hear any more."""
        await self._replace(
            "events",
            [
                {**unpublished(one), "_id": event_id(one.subject, one.sequence), "subject": one.subject}
                for one in records
            ],
        )

    async def claims(self, claims: Mapping[str, str]) -> None:
        """Claims. Raises StoreError where another value stands for one."""
        standing = await self._store.claim(claims)
        if others := sorted(key for key, value in claims.items() if standing[key] != value):
            raise StoreError(f"{len(others)} claims stand otherwise in the cluster, the first is {others[0]}")

    async def contents(self, collection: Collection, sealed: Sequence[Sealed]) -> None:
        """Boxes and their keys: small ones in documents, large ones in GridFS."""
        if sealed:  # without records they are nobody's loose content
            await self._store.contents.keep(Step(collection, "", 0, b"", (), contents=tuple(sealed)))

    async def keyless(self, boxes: Iterable[tuple[str, str, bytes]]) -> None:
        """(ref, owner, box) of contents whose keys were erased, or that are gone themselves."""
        await self._replace(
            "contents", [{"_id": ref, "owner": owner, "box": box} for ref, owner, box in boxes]
        )

    async def held(self, group: str, key: str, order: int, reason: str, record: Record) -> None:
        """One event that is held back, in its place among the others."""
        one = {"group": group, "key": key, "topic": record.topic, "value": record.value}
        await self._replace(
            "held", [{"_id": f"{group}/{record.id}", **one, "reason": reason, "order": order}]
        )
        async with said():
            await self._database["held_order"].update_one(
                {"_id": group}, {"$max": {"last": order}}, upsert=True
            )

    async def count(self, name: str) -> int:
        """How many documents stand in a collection."""
        async with said():
            return int(await self._database[name].count_documents({}))

    async def waiting(self, collections: Iterable[Collection]) -> int:
        """How many events are yet to be published."""
        count = 0
        async with said():
            for one in collections:
                found = self._database[f"doc_{one.name}"].find(
                    {"unpublished.time": {"$exists": True}}, {"unpublished.sequence": 1}
                )
                async for document in found:
                    count += len(document["unpublished"])
        return count

    async def _replace(self, name: str, documents: Sequence[Bson]) -> None:
        if not documents:
            return
        writes = [ReplaceOne({"_id": one["_id"]}, one, upsert=True) for one in documents]
        async with said():
            await self._database[name].bulk_write(writes, ordered=False)


def _document(one: Document, fields: Bson, waiting: Sequence[Record]) -> Bson:
    kept: Bson = {
        "_id": one.id,
        "version": one.version,
        "body": one.body,
        "commit": ObjectId(),
        "f": fields,
        "unpublished": [unpublished(record) for record in waiting],
        "published": one.version - len(waiting),
    }
    if one.due is not None:
        kept["due"] = milliseconds(one.due)
    return kept
