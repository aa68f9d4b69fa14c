"""What an aggregate has not yet published, asked and marked for many at once."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from shared.events import Record
from shared.store.gathering import Gathering
from shared.store.mongo.errors import DUPLICATE_KEY, said
from shared.store.mongo.forms import Bson, event_id, record


class Publishing:
    """The events of one collection's aggregates that wait in their documents."""

    def __init__(self, documents: AsyncCollection[Bson], events: AsyncCollection[Bson]) -> None:
        self._documents = documents
        self._events = events
        self._asked: Gathering[str, list[Record]] = Gathering(self._pending)
        self._marked: Gathering[tuple[str, int], None] = Gathering(self._published)

    async def pending(self, id: str) -> list[Record]:
        """An aggregate's events from the mark on."""
        return await self._asked.ask(id)

    async def published(self, id: str, sequence: int) -> None:
        """Everything up to `sequence` was acknowledged."""
        await self._marked.ask((id, sequence))

    async def done(self) -> None:
        """Return once nothing is under way."""
        await self._asked.done()
        await self._marked.done()

    async def _pending(self, asked: Sequence[str]) -> list[list[Record]]:
        waiting: dict[str, list[Record]] = {}
        async with said():
            found = self._documents.find(
                {"_id": {"$in": list(dict.fromkeys(asked))}}, {"unpublished": 1, "published": 1}
            )
            async for one in found:
                mark = one.get("published", 0)
                waiting[one["_id"]] = [
                    record(event) for event in one.get("unpublished", ()) if event["sequence"] > mark
                ]
        return [waiting.get(id, []) for id in asked]

    async def _published(self, asked: Sequence[tuple[str, int]]) -> list[None]:
        marks = list(dict.fromkeys(asked))
        waiting: dict[str, list[Bson]] = {}
        async with said():
            async for one in self._documents.find(
                {"_id": {"$in": [id for id, _ in marks]}}, {"unpublished": 1}
            ):
                waiting[one["_id"]] = one.get("unpublished", [])
            moved = [
                [event for event in waiting.get(id, ()) if event["sequence"] <= sequence]
                for id, sequence in marks
            ]
            await self._keep(
                [
                    {**event, "_id": event_id(id, event["sequence"]), "subject": id}
                    for (id, _), events in zip(marks, moved, strict=True)
                    for event in events
                ]
            )
            await self._documents.bulk_write(
                [_mark(*mark, events) for mark, events in zip(marks, moved, strict=True)], ordered=False
            )
        return [None] * len(asked)

    async def _keep(self, events: list[Bson]) -> None:
        if not events:
            return
        try:
            await self._events.insert_many(events, ordered=False)
        except BulkWriteError as error:  # one that is there already was moved before, or by another
            others = [one for one in error.details["writeErrors"] if one["code"] != DUPLICATE_KEY]
            if others or error.details["writeConcernErrors"]:
                raise


def _mark(id: str, sequence: int, moved: Sequence[Bson]) -> UpdateOne:
    gone = {"sequence": {"$in": [one["sequence"] for one in moved]}}  # what is kept, and nothing else
    return UpdateOne(
        {"_id": id, "version": {"$gte": sequence}},
        {"$max": {"published": sequence}, "$pull": {"unpublished": gone}},
    )
