"""Content of a cluster: it stands in the store's own collections, and the store keeps it with the step."""

from __future__ import annotations

from datetime import datetime

from shared.content import ContentStore
from shared.store.mongo import MongoStore


class ClusterContent(ContentStore):
    """Content in MongoDB."""

    def __init__(self, store: MongoStore) -> None:
        super().__init__()
        self._store = store

    async def _sealed(self, ref: str) -> tuple[bytes | None, bytes | None]:
        return await self._store.contents.sealed(ref)

    async def sweep(self, until: datetime) -> int:
        return await self._store.contents.sweep(until)
