"""Claims: one document a key, written also where it is only found (decision 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConnectionFailure

from shared.store import Unavailable
from shared.store.gathering import Gathering
from shared.store.mongo.errors import DUPLICATE_KEY, TRIES, said
from shared.store.mongo.forms import Bson


class Claims:
    """Inserts each key once."""

    def __init__(self, claims: AsyncCollection[Bson]) -> None:
        self._claims = claims
        self._asked: Gathering[Mapping[str, str], dict[str, str]] = Gathering(self._claim)

    async def claim(self, claims: Mapping[str, str]) -> dict[str, str]:
        """The value that stands for each key."""
        return await self._asked.ask(claims)

    async def claimed(self, key: str) -> str | None:
        """The value that stands for a key."""
        async with said():
            found = await self._claims.find_one({"_id": key})
        return None if found is None else str(found["value"])

    async def done(self) -> None:
        """Return once nothing is under way."""
        await self._asked.done()

    async def _claim(self, asked: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        wanted: dict[str, str] = {}
        for claims in asked:
            for key, value in claims.items():
                wanted.setdefault(key, value)
        async with said():
            standing = await self._standing(wanted)
        return [{key: standing[key] for key in claims} for claims in asked]

    async def _standing(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Insert or find in one write: where it finds, it still waits until the majority has what it found."""
        keys = list(wanted)
        for left in reversed(range(TRIES)):
            try:
                written = await self._claims.bulk_write(
                    [
                        UpdateOne({"_id": key}, {"$setOnInsert": {"value": wanted[key]}}, upsert=True)
                        for key in keys
                    ],
                    ordered=False,
                )
            except ConnectionFailure:  # the answer was lost
                if not left:
                    raise
                continue
            except BulkWriteError as error:
                if not left or any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
                    raise
                continue  # two inserted at once
            standing = {keys[at]: wanted[keys[at]] for at in written.upserted_ids or {}}
            others = [key for key in keys if key not in standing]
            if others:
                found = self._claims.find({"_id": {"$in": others}})
                standing |= {one["_id"]: str(one["value"]) async for one in found}
            if len(standing) == len(keys):
                return standing
        raise Unavailable("MongoDB does not show what it has just acknowledged")
