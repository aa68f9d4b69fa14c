"""Hears what supervision found, demanded and decided, and has the case that it is about owe an answer (M15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import structlog

from services.routing import demands
from services.routing.case import Case
from services.routing.demands import Order
from services.routing.desk import Desk
from shared.aggregate import Aggregates, NothingThere
from shared.events import Event, Record
from shared.events.findings import (
    FindingConfirmed,
    FindingDismissed,
    FindingRaised,
    OrderConcluded,
    OrderIssued,
    OrderRefused,
)
from shared.store import Store

log = structlog.get_logger()
E = TypeVar("E", bound=Event)


class Decides(Protocol):
    """What a case that is there makes of it."""

    def __call__(self, case: Case, now: datetime) -> Sequence[Event]: ...


class Supervision:
    """Routing's part in it. The events of one finding or order come in their order."""

    def __init__(self, store: Store, desk: Desk, cases: Aggregates[Case]) -> None:
        self._store = store
        self._desk = desk
        self._cases = cases

    async def on_raised(self, record: Record) -> None:
        """A finding on a case: the department is asked to explain it."""
        raised = record.data
        assert isinstance(raised, FindingRaised)
        if raised.case is None or raised.department is None:
            return
        await self._answer(
            raised.case,
            record,
            lambda case, now: demands.ask(self._desk, case, record.subject, raised, now),
        )

    async def on_decided(self, record: Record) -> None:
        """A finding is confirmed or dismissed: nobody needs to explain it any more."""
        assert isinstance(record.data, FindingConfirmed | FindingDismissed)
        raised = await self._first(record, FindingRaised)
        if raised.case is not None:
            await self._drop(raised.case, record)

    async def on_issued(self, record: Record) -> None:
        """An order: the department must put it right."""
        issued = record.data
        assert isinstance(issued, OrderIssued)
        order = Order(record.subject, issued.department, issued.limit, issued.words, issued.actor)
        await self._order(issued.case, record, order)

    async def on_refused(self, record: Record) -> None:
        """What was done was not enough: it must be put right again."""
        refused = record.data
        assert isinstance(refused, OrderRefused)
        issued = await self._first(record, OrderIssued)
        order = Order(
            record.subject, issued.department, refused.limit, refused.words, refused.actor, again=True
        )
        await self._order(issued.case, record, order)

    async def on_concluded(self, record: Record) -> None:
        """An order is over: what is still owed for it is owed no longer."""
        assert isinstance(record.data, OrderConcluded)
        await self._drop((await self._first(record, OrderIssued)).case, record)

    async def _order(self, case: str, record: Record, order: Order) -> None:
        await self._answer(case, record, lambda case, now: demands.order(self._desk, case, order, now))

    async def _drop(self, case: str, record: Record) -> None:
        await self._answer(
            case, record, lambda case, now: demands.drop(self._desk, case, record.subject, now)
        )

    async def _answer(self, case: str, record: Record, decides: Decides) -> None:
        try:
            await self._cases.answer(
                case, record.id, lambda state, now: [] if state is None else decides(state, now)
            )
        except NothingThere:  # a trail that knows more than a restored database does
            log.warning("supervision.no_such_case", case=case, event_id=record.id)

    async def _first(self, record: Record, kind: type[E]) -> E:
        """What the finding or order began with."""
        first = (await self._store.history(record.subject))[0].data
        assert isinstance(first, kind), f"{record.subject} does not begin as {record.id} supposes"
        return first
