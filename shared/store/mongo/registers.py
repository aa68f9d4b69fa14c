"""The cluster's registers: one document each, changed by one write each, with majority."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, DuplicateKeyError

from shared.store.mongo.errors import said

_TRIES = 3
_AGAIN_SECONDS = 0.2


class MongoRegisters:
    """Beside a store, in its database."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._database = database
        self._values = database["registers"]
        self._members = database["members"]

    async def swap(self, name: str, expected: str | None, value: str) -> str:
        async with said():
            for left in reversed(range(_TRIES)):
                try:
                    return await self._swap(name, expected, value)
                except ConnectionFailure:  # the answer was lost: what stands says whether it was done
                    if not left:
                        raise
                    await asyncio.sleep(_AGAIN_SECONDS)
        raise AssertionError

    async def _swap(self, name: str, expected: str | None, value: str) -> str:
        if expected is None:
            try:
                await self._values.insert_one({"_id": name, "value": value})
            except DuplicateKeyError:
                return await self._standing(name)
            return value
        found = await self._values.find_one_and_update(
            {"_id": name, "value": expected}, {"$set": {"value": value}}, return_document=True
        )
        return await self._standing(name) if found is None else str(found["value"])

    async def _standing(self, name: str) -> str:
        """A write that changes nothing, for it waits for the majority as a read need not."""
        found = await self._values.find_one_and_update(
            {"_id": name}, {"$set": {"asked": 1}}, return_document=True
        )
        return "" if found is None else str(found["value"])

    async def beat(self, group: str, member: str) -> dict[str, int]:
        async with said():
            found = await self._members.find_one_and_update(
                {"_id": group}, {"$inc": {f"beats.{member}": 1}}, upsert=True, return_document=True
            )
        return {} if found is None else dict(found["beats"])

    async def leave(self, group: str, member: str) -> None:
        async with said():
            await self._members.update_one({"_id": group}, {"$unset": {f"beats.{member}": ""}})

    async def time(self) -> datetime:
        async with said():
            told = await self._database.command("isMaster")  # `hello` is not known by the stand-in
        at: datetime = told["localTime"]
        return at.replace(tzinfo=UTC)
