"""Steps of one collection, saved many to a write; each is its own atom and hears its own outcome.

A step leaves the id of its save in its document, by which it is recognised where the answer was lost (decision 11), or
where the server only counts how many of a batch it has written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId
from pymongo import InsertOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConnectionFailure

from shared.store import Conflict, Step, StoreError
from shared.store.gathering import Gathering
from shared.store.instants import milliseconds
from shared.store.mongo.errors import DUPLICATE_KEY, TRIES, refused, said, too_large
from shared.store.mongo.forms import Bson, event_id, found_by, unpublished

_MOST_BYTES = 15 * 2**20  # of the 16 MiB that a document may have


@dataclass(frozen=True, slots=True)
class _Save:
    step: Step
    mark: ObjectId = field(default_factory=ObjectId)

    def request(self) -> InsertOne[Bson] | UpdateOne:
        step = self.step
        state: Bson = {"version": step.expected + len(step.records), "body": step.body, "commit": self.mark}
        state["f"] = found_by(step.collection, step.fields)
        if step.due is not None:
            state["due"] = milliseconds(step.due)
        events = [unpublished(record) for record in step.records]
        if not step.expected:
            return InsertOne({"_id": step.id, **state, "unpublished": events})
        change: Bson = {"$set": state, "$push": {"unpublished": {"$each": events}}}
        if step.due is None:
            change["$unset"] = {"due": ""}
        return UpdateOne({"_id": step.id, "version": step.expected}, change)


class Saving:
    """Saves the steps of one collection."""

    def __init__(self, documents: AsyncCollection[Bson], events: AsyncCollection[Bson]) -> None:
        self._documents = documents
        self._events = events
        self._saves: Gathering[_Save, None] = Gathering(self._save)

    async def save(self, step: Step) -> None:
        """Make it durable. Raises Conflict, Unavailable or StoreError, whatever becomes of its neighbours."""
        size = len(step.body) + sum(len(record.value) for record in step.records)
        if size > _MOST_BYTES:  # a server would refuse the batch, or hang up
            raise too_large(f"{step.id} would have {size} bytes")
        await self._saves.ask(_Save(step))

    async def done(self) -> None:
        """Return once nothing is under way."""
        await self._saves.done()

    async def _save(self, saves: Sequence[_Save]) -> list[StoreError | None]:
        lost = False  # whether they may have been written before, and nobody heard
        async with said():
            for left in reversed(range(TRIES)):
                try:
                    unwritten = await self._write(saves)
                    break
                except ConnectionFailure:
                    if not left:
                        raise
                    lost = True
            for at, found in unwritten.items():
                if isinstance(found, Conflict) and await self._stands(saves[at], lost=lost):
                    unwritten[at] = None
        return [unwritten.get(at) for at in range(len(saves))]

    async def _write(self, saves: Sequence[_Save]) -> dict[int, StoreError | None]:
        """One write of them all; answers those that it did not write, or that can't be told from them."""
        errors: dict[int, Any] = {}
        try:
            written = await self._documents.bulk_write([one.request() for one in saves], ordered=False)
            matched = written.matched_count
        except BulkWriteError as error:
            if error.details["writeConcernErrors"]:  # kept or not, nobody knows
                raise
            matched = error.details["nMatched"]
            errors = {one["index"]: one for one in error.details["writeErrors"]}
        unwritten: dict[int, StoreError | None] = {
            at: _conflict(saves[at]) if one["code"] == DUPLICATE_KEY else refused(one)
            for at, one in errors.items()
        }
        changes = [at for at, one in enumerate(saves) if one.step.expected and at not in errors]
        if matched != len(changes):  # somewhere among them: find out which
            ids = [saves[at].step.id for at in changes]
            found = self._documents.find({"_id": {"$in": ids}}, {"commit": 1})
            marks = {one["_id"]: one["commit"] async for one in found}
            unwritten |= {
                at: _conflict(saves[at]) for at in changes if marks.get(saves[at].step.id) != saves[at].mark
            }
        return unwritten

    async def _stands(self, save: _Save, *, lost: bool) -> bool:
        """Whether it was kept after all: by an earlier try, or with another step saved on top of it since."""
        step = save.step
        if lost:  # a write that changes nothing waits for the majority as any other does
            ours = {"_id": step.id, "commit": save.mark}
            written = await self._documents.update_one(ours, {"$set": {"commit": save.mark}})
            if written.matched_count:
                return True
        if not step.records:
            return False
        first = step.records[0]  # whose bytes are of this step alone
        at = await self._documents.find_one({"_id": step.id}, {"unpublished": 1}) or {}
        if any(one["value"] == first.value for one in at.get("unpublished", ())):
            return True
        moved = await self._events.find_one({"_id": event_id(step.id, first.sequence)}, {"value": 1})
        return moved is not None and moved["value"] == first.value


def _conflict(save: _Save) -> Conflict:
    return Conflict(f"{save.step.id} is not at version {save.step.expected}")
