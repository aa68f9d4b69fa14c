"""Hears from cases what became of what supervision asked: asked by when, explained, put right (mechanism M15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from pydantic import BaseModel

from services.audit.supervision import finding, order
from services.audit.supervision.desk import Supervision
from shared.aggregate import Aggregates, NothingThere
from shared.events import Event, Record
from shared.events.cases import CaseEvent, CaseRescheduled
from shared.events.supervised import CaseExplained, CaseOrdered, CaseRectified, ExplanationAsked

log = structlog.get_logger()

S = TypeVar("S", bound=BaseModel)


class Hearing:
    """Carries findings and orders on. A case's events come in their order."""

    def __init__(self, supervision: Supervision) -> None:
        self.supervision = supervision
        self._findings = supervision.findings
        self._orders = supervision.orders

    async def on_asked(self, record: Record) -> None:
        """A department is asked to explain, or to put right; or nobody is."""
        event = record.data
        assert isinstance(event, ExplanationAsked | CaseOrdered)
        due = _due(event)
        if isinstance(event, ExplanationAsked):
            await _answer(
                self._findings, event.finding, record, lambda one: finding.asked(one, event.department, due)
            )
        else:
            await _answer(self._orders, event.order, record, lambda one: order.taken(one, due))

    async def on_moved(self, record: Record) -> None:
        """Another calendar holds: the time by which a department answers has moved."""
        event = record.data
        assert isinstance(event, CaseRescheduled)
        for one in event.starts:
            if one.about is not None:
                await self._moved(record, one.kind, one.about, one.owner, one.due)

    async def _moved(self, record: Record, kind: str, about: str, owner: str, due: datetime) -> None:
        if kind == "explain":
            await _answer(self._findings, about, record, lambda one: finding.asked(one, owner, due))
        else:
            await _answer(self._orders, about, record, lambda one: order.taken(one, due))

    async def on_answered(self, record: Record) -> None:
        """The department has explained, or says what it put right."""
        event = record.data
        assert isinstance(event, CaseExplained | CaseRectified)
        actor, department, words = event.actor or "", event.department, event.words
        if isinstance(event, CaseExplained):
            await _answer(
                self._findings,
                event.finding,
                record,
                lambda one: finding.explained(one, actor, department, words),
            )
        else:
            await _answer(
                self._orders, event.order, record, lambda one: order.answered(one, actor, department, words)
            )


async def _answer(
    aggregates: Aggregates[S], id: str, record: Record, decides: Callable[[S | None], Sequence[Event]]
) -> None:
    try:
        await aggregates.answer(id, record.id, lambda state, _: decides(state))
    except NothingThere:  # a restored database may know less than the case does
        log.warning("supervision.nothing_there", id=id, event_id=record.id)


def _due(event: CaseEvent) -> datetime | None:
    return event.starts[0].due if event.starts else None
