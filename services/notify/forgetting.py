"""Mails in the outbox folder derive from content: they go when it is erased."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.notify.channels.outbox import OutboxSender
from services.notify.delivery import KIND, Delivery
from shared.aggregate import Aggregates
from shared.events import Record
from shared.events.cases import CaseOpened
from shared.events.organisation import ErasureMade
from shared.store import Store, Where

_PAGE = 500


class Forgetting:
    """Finds the mails that were made of contents, and deletes them."""

    def __init__(self, store: Store, deliveries: Aggregates[Delivery], folder: OutboxSender) -> None:
        self._store = store
        self._deliveries = deliveries
        self._folder = folder

    async def on_erased(self, record: Record) -> None:
        """Something was erased, here or by another process."""
        made = record.data
        assert isinstance(made, ErasureMade)
        await self.forget(made.cases, made.contents)

    async def forget(self, cases: Sequence[str], contents: Sequence[str]) -> None:
        """Delete the mails of these cases in which one of the contents stands."""
        gone = frozenset(contents)
        for case in cases:
            told = [id for id, state in await self._told(case) if gone & {state.words, state.note}]
            await asyncio.to_thread(self._folder.forget, told)

    async def _told(self, case: str) -> list[tuple[str, Delivery]]:
        """Every delivery about a case."""
        opened = next((one.data for one in await self._store.history(case)), None)
        if not isinstance(opened, CaseOpened):
            return []
        found: list[tuple[str, Delivery]] = []
        after: tuple[str | int, str] | None = None
        while page := await self._store.find(
            KIND.collection, [Where("ref", "=", opened.ref)], order="queued", after=after, limit=_PAGE
        ):
            for document, _ in page:
                if state := self._deliveries.read(document.body, document.version).state:
                    found.append((document.id, state))
            after = (page[-1][1], page[-1][0].id)
        return found
