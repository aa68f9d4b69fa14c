"""What is held back, in MongoDB: one document an event, in the order that a counter of its group gave it."""

from __future__ import annotations

from typing import Any

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from shared.events import Record
from shared.store.mongo.errors import said

Bson = dict[str, Any]


class MongoHeldBack:
    """The HeldBack port. The record's bytes are kept, so that nothing need be asked of the bus."""

    def __init__(self, database: AsyncDatabase[Bson]) -> None:
        self._held = database["held"]
        self._order = database["held_order"]

    async def create(self) -> None:
        """The indexes, where they are not there."""
        await self._held.create_indexes([IndexModel([("group", 1), ("key", 1), ("order", 1)])])

    async def hold(self, group: str, record: Record, reason: str, *, anew: bool = False) -> None:
        kept: Bson = {
            "group": group,
            "key": record.key,
            "topic": record.topic,
            "value": record.value,
        }
        change: Bson = {"$setOnInsert": kept}
        if anew:
            change["$set"] = {"reason": reason}
        else:
            kept["reason"] = reason
        async with said():
            kept["order"] = await self._next(group)  # drawn in vain where it is held already
            try:
                await self._held.update_one({"_id": f"{group}/{record.id}"}, change, upsert=True)
            except DuplicateKeyError:  # another held it just now: it is there
                await self._held.update_one({"_id": f"{group}/{record.id}"}, change)

    async def _next(self, group: str) -> int:
        for _ in range(2):
            try:
                drawn = await self._order.find_one_and_update(
                    {"_id": group}, {"$inc": {"last": 1}}, upsert=True, return_document=True
                )
            except DuplicateKeyError:  # two drew the group's first
                continue
            assert drawn is not None
            return int(drawn["last"])
        raise AssertionError

    async def held(self, group: str, key: str) -> list[tuple[Record, str]]:
        async with said():
            found = self._held.find({"group": group, "key": key}).sort("order", 1)
            return [(_record(one), one["reason"]) async for one in found]

    async def release(self, group: str, key: str, record_id: str) -> None:
        async with said():
            await self._held.delete_one({"_id": f"{group}/{record_id}", "key": key})

    async def held_keys(self, group: str) -> list[tuple[str, int, str, Record]]:
        firsts: dict[str, Bson] = {}
        counts: dict[str, int] = {}
        async with said():
            async for one in self._held.find({"group": group}, {"value": 0}).sort("order", 1):
                firsts.setdefault(one["key"], one)
                counts[one["key"]] = counts.get(one["key"], 0) + 1
            ids = [one["_id"] for one in firsts.values()]
            values = {
                one["_id"]: one["value"] async for one in self._held.find({"_id": {"$in": ids}}, {"value": 1})
            }
        return [
            (key, counts[key], one["reason"], Record.read(one["topic"], values[one["_id"]]))
            for key, one in firsts.items()
            if one["_id"] in values  # else it was released meanwhile
        ]


def _record(found: Bson) -> Record:
    return Record.read(found["topic"], found["value"])
