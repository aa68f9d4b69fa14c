"""Content of a cluster: it stands in the store's own collections, and the store keeps it with the step."""

from __future__ import annotations

from collections.abc import Sequence
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

    def _remember(self, ref: str, content: bytes) -> None:
        """Nothing: what another process erases is erased for this one, at once."""

    async def kept(self, after: str, limit: int) -> list[tuple[str, str]]:
        return await self._store.contents.kept(after, limit)

    async def standing(self, refs: Sequence[str]) -> set[str]:
        return await self._store.contents.standing(refs)

    async def _destroy(self, refs: Sequence[str]) -> bool:
        await self._store.contents.erase(refs)
        return True

    async def sweep(self, until: datetime) -> int:
        return await self._store.contents.sweep(until)
