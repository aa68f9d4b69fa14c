"""Documents of one collection, loaded many to a read."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.asynchronous.collection import AsyncCollection

from shared.store import Document
from shared.store.gathering import Gathering
from shared.store.mongo.errors import said
from shared.store.mongo.forms import STATE, Bson, document


class Loading:
    """Loads by id."""

    def __init__(self, documents: AsyncCollection[Bson]) -> None:
        self._documents = documents
        self._asked: Gathering[str, Document | None] = Gathering(self._load)

    async def load(self, id: str) -> Document | None:
        """The document as it stood after this was asked, or None."""
        return await self._asked.ask(id)

    async def done(self) -> None:
        """Return once nothing is under way."""
        await self._asked.done()

    async def _load(self, asked: Sequence[str]) -> list[Document | None]:
        async with said():
            found = self._documents.find({"_id": {"$in": list(dict.fromkeys(asked))}}, STATE)
            loaded = {one["_id"]: document(one) async for one in found}
        return [loaded.get(id) for id in asked]
