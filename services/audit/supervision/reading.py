"""Reading what supervision holds: pages of it, whose case, what was written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from services.audit.supervision.desk import Supervision
from shared.aggregate import Aggregates
from shared.content import ContentGone
from shared.content.words import Note
from shared.events import Record
from shared.events.cases import CaseOpened
from shared.events.content import ContentRef
from shared.service import House
from shared.store import Document, Where
from shared.web.problems import Problem

S = TypeVar("S", bound=BaseModel)

MOST_LISTED = 200
MOST_COUNTED = 10_000
_CURSOR = re.compile(r"(-?\d{1,15})\.([a-z]+_[0-9a-z]{1,60})")


class Reading:
    """What is read, over what supervision holds."""

    def __init__(self, house: House, supervision: Supervision) -> None:
        self._house = house
        self._store = house.store
        self._all = supervision

    async def _page(
        self, aggregates: Aggregates[S], where: Sequence[Where], cursor: str | None, limit: int
    ) -> tuple[list[tuple[str, S]], str | None]:
        rows = await self._store.find(
            aggregates.kind.collection, where, order="rank", after=_read(cursor), limit=limit + 1
        )
        shown = [(document.id, self._read(aggregates, document)) for document, _ in rows[:limit]]
        following = f"{rows[limit - 1][1]}.{rows[limit - 1][0].id}" if len(rows) > limit else None
        return shown, following

    async def _states(self, aggregates: Aggregates[S], where: Sequence[Where]) -> list[S]:
        """All that there are: of what people decide one by one."""
        rows = await self._store.find(aggregates.kind.collection, where, order="rank", limit=MOST_COUNTED)
        return [self._read(aggregates, document) for document, _ in rows]

    def _read(self, aggregates: Aggregates[S], document: Document) -> S:
        state = aggregates.read(document.body, document.version).state
        assert state is not None
        return state

    async def _ref(self, case: str | None) -> str | None:
        if case is None:
            return None
        history: Sequence[Record] = await self._store.history(case)
        opened = history[0].data if history else None
        return opened.ref if isinstance(opened, CaseOpened) else None

    async def _said(self, words: ContentRef | None) -> str | None:
        if words is None:
            return None
        try:
            return (await self._house.content.open_model(words.ref, Note)).text
        except ContentGone:
            return None


def _read(cursor: str | None) -> tuple[int, str] | None:
    """Where the page before ended. Raises Problem 400 for what is no cursor of ours."""
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Problem(
            400, "no-cursor", "This is no cursor", "Use `next` of the page before, or leave it out."
        )
    return int(found[1]), found[2]
