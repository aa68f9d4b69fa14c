"""Sealed content: small boxes in `contents`, large ones in GridFS, their keys in `content_keys`.

Content is written before the step that refers to it. Until the sweep has seen that step it counts as loose: what still
is after a day goes, for its step never came.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from bson.binary import Binary
from gridfs import NoFile
from gridfs.asynchronous import AsyncGridFSBucket
from pymongo import IndexModel, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from shared.store import LARGE_FROM_BYTES, Sealed, Step
from shared.store.gathering import Gathering
from shared.store.instants import milliseconds
from shared.store.mongo.errors import again, said
from shared.store.mongo.forms import Bson, event_id

_PAGE = 500
FILES = "content_files"
"""The name of the GridFS bucket."""


class Contents:
    """Keeps, gives back and sweeps."""

    def __init__(self, database: AsyncDatabase[Bson], bucket: AsyncGridFSBucket) -> None:
        self._database = database
        self._boxes = database["contents"]
        self._keys = database["content_keys"]
        self._files = database[f"{FILES}.files"]
        self._chunks = database[f"{FILES}.chunks"]
        self._bucket = bucket
        self._asked: Gathering[Step, None] = Gathering(self._keep)
        self._opened: Gathering[str, tuple[Bson | None, Bson | None]] = Gathering(self._open)

    async def create(self) -> None:
        """The index of what is loose."""
        loose = IndexModel([("loose", 1)], partialFilterExpression={"loose": {"$exists": True}})
        await self._boxes.create_indexes([loose])

    async def keep(self, step: Step) -> None:
        """Make a step's contents durable, each once: a step that is decided again comes with the same ones."""
        await self._asked.ask(step)
        async with said():
            await asyncio.gather(*(again(partial(self._upload, one)) for one in step.contents if _large(one)))

    async def done(self) -> None:
        """Return once nothing is under way."""
        await self._asked.done()
        await self._opened.done()

    async def _keep(self, asked: Sequence[Step]) -> list[None]:
        boxes = [_box(one, step) for step in asked for one in step.contents]
        keys = [
            UpdateOne({"_id": one.ref}, {"$setOnInsert": {"key": one.key}}, upsert=True)
            for step in asked
            for one in step.contents
        ]
        async with said():
            # Boxes first: whatever else there is of a content, the sweep finds it by its box.
            await again(lambda: self._boxes.bulk_write(boxes, ordered=False))
            await again(lambda: self._keys.bulk_write(keys, ordered=False))
        return [None] * len(asked)

    async def _upload(self, one: Sealed) -> None:
        if await self._files.find_one({"_id": one.ref}, {"_id": 1}) is not None:
            return
        await self._chunks.delete_many({"files_id": one.ref})  # of a try that did not come through
        await self._bucket.upload_from_stream_with_id(one.ref, one.ref, one.box)

    async def sealed(self, ref: str) -> tuple[bytes | None, bytes | None]:
        """A content's box and key, either of which may be gone."""
        box, key = await self._opened.ask(ref)
        secret = None if key is None else key["key"]
        if box is None:
            return None, secret
        if "box" in box:
            return box["box"], secret
        async with said():
            return await self._download(ref), secret

    async def _open(self, asked: Sequence[str]) -> list[tuple[Bson | None, Bson | None]]:
        async with said():
            boxes, keys = await asyncio.gather(_of(self._boxes, asked), _of(self._keys, asked))
        return [(boxes.get(ref), keys.get(ref)) for ref in asked]

    async def _download(self, ref: str) -> bytes | None:
        try:
            return await (await self._bucket.open_download_stream(ref)).read()
        except NoFile:
            return None

    async def kept(self, after: str, limit: int) -> list[tuple[str, str]]:
        """What is kept, by reference and owner, from just past `after` on."""
        asked = {"_id": {"$gt": after}}
        async with said():
            found = self._boxes.find(asked, {"owner": 1}).sort("_id", 1).limit(limit)
            return [(one["_id"], one["owner"]) async for one in found]

    async def standing(self, refs: Sequence[str]) -> set[str]:
        """Those of them that are kept, or of which anything is left."""
        async with said():
            return {one["_id"] async for one in self._boxes.find({"_id": {"$in": list(refs)}}, {"_id": 1})}

    async def erase(self, refs: Sequence[str]) -> None:
        """Delete keys, files and boxes."""
        async with said():
            for at in range(0, len(refs), _PAGE):
                await again(partial(self._delete, refs[at : at + _PAGE]))

    async def sweep(self, until: datetime) -> int:
        """Delete what was written before `until` for steps that never came; answers how much that was."""
        swept = 0
        asked = {"loose": {"$lte": milliseconds(until)}}
        async with said():
            while page := [
                one async for one in self._boxes.find(asked, {"of": 1}).sort("loose", 1).limit(_PAGE)
            ]:
                came = await self._came([one["of"] for one in page])
                kept = [one["_id"] for one in page if bytes(one["of"]["event"]) in came]
                await self._boxes.update_many({"_id": {"$in": kept}}, {"$unset": {"loose": "", "of": ""}})
                gone = [one["_id"] for one in page if bytes(one["of"]["event"]) not in came]
                await self._delete(gone)
                swept += len(gone)
        return swept

    async def _came(self, steps: Sequence[Bson]) -> set[bytes]:
        """The hashes of those steps' first events that are there; first where they wait, then where they move."""
        came: set[bytes] = set()
        waiting: dict[str, set[str]] = {}
        for one in steps:
            waiting.setdefault(one["collection"], set()).add(one["id"])
        for name, some in waiting.items():
            asked = {"_id": {"$in": list(some)}}
            async for found in self._database[f"doc_{name}"].find(asked, {"unpublished": 1}):
                came.update(_hash(event["value"]) for event in found.get("unpublished", ()))
        events = {"_id": {"$in": [event_id(one["id"], one["sequence"]) for one in steps]}}
        came |= {_hash(found["value"]) async for found in self._database["events"].find(events, {"value": 1})}
        return came

    async def _delete(self, refs: Sequence[str]) -> None:
        """Keys first: what is left of a content then says nothing. Its box last: by it the rest is found again."""
        if not refs:
            return
        await self._keys.delete_many({"_id": {"$in": refs}})
        await self._files.delete_many({"_id": {"$in": refs}})
        await self._chunks.delete_many({"files_id": {"$in": refs}})
        await self._boxes.delete_many({"_id": {"$in": refs}})


async def _of(collection: AsyncCollection[Bson], refs: Sequence[str]) -> dict[str, Bson]:
    found = collection.find({"_id": {"$in": list(dict.fromkeys(refs))}}, {"box": 1, "key": 1})
    return {one["_id"]: one async for one in found}


def _large(one: Sealed) -> bool:
    return len(one.box) > LARGE_FROM_BYTES


def _hash(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _box(one: Sealed, step: Step) -> UpdateOne:
    kept: Bson = {"owner": one.owner}
    if not _large(one):
        kept["box"] = one.box
    change: Bson = {"$setOnInsert": kept}
    if step.records:
        first = step.records[0]
        of = {"collection": step.collection.name, "id": step.id, "sequence": first.sequence}
        change["$set"] = {
            "loose": milliseconds(first.time),
            "of": {**of, "event": Binary(_hash(first.value))},
        }
    return UpdateOne({"_id": one.ref}, change, upsert=True)
