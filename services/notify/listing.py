"""Deliveries as they are listed: what, to whom in general, how far; never content, never an address."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from services.notify.delivery import KIND, Delivery, Status
from shared.aggregate import Aggregates
from shared.store import Store, Where
from shared.web.problems import Problem

PAGE = 50


class DeliveryView(BaseModel):
    """One delivery."""

    id: str
    case: str = Field(description="The case's ref; empty for a digest, which is of several")
    template: str
    happened: str | None = Field(None, description="What somebody in the house is told of, as a code")
    to: str = Field(description="`sender`, or an officer's id")
    language: str
    state: Status
    attempts: int
    reason: str | None = Field(None, description="Why the last attempt failed, as a code")
    queued_at: datetime
    not_before: datetime | None = Field(None, description="What had to wait for its time")
    sent_at: datetime | None = None
    next_at: datetime | None = Field(None, description="When it is tried again at the earliest")
    auto_reply: str | None = None


class DeliveryList(BaseModel):
    """A page of deliveries, newest first."""

    deliveries: list[DeliveryView]
    next: str | None = Field(None, description="`cursor` of the next page")


def view(id: str, state: Delivery) -> DeliveryView:
    """A delivery as it is listed."""
    return DeliveryView(
        id=id,
        case=state.ref,
        template=state.template,
        happened=state.happened,
        to=state.party,
        language=state.language,
        state=state.status,
        attempts=state.attempt,
        reason=state.reason,
        queued_at=state.queued_at,
        not_before=state.not_before,
        sent_at=state.sent_at,
        next_at=state.wait_until,
        auto_reply=state.auto_reply,
    )


async def listing(
    store: Store,
    deliveries: Aggregates[Delivery],
    *,
    ref: str | None = None,
    only: Literal["all", "trouble"] = "all",
    cursor: str | None = None,
) -> DeliveryList:
    """A page of them; `trouble` are those that failed or bounced. Raises Problem 400 for a cursor we did not give."""
    order = "trouble" if only == "trouble" and ref is None else "queued"
    where = [Where("ref", "=", ref)] if ref else []
    if only == "trouble" and ref:
        where.append(Where("trouble", "not null"))
    found = await store.find(
        KIND.collection, where, order=order, descending=True, after=_read(cursor), limit=PAGE + 1
    )
    shown = [
        (document, at, deliveries.read(document.body, document.version).state)
        for document, at in found[:PAGE]
    ]
    following = f"{shown[-1][1]}.{shown[-1][0].id}" if len(found) > PAGE else None
    return DeliveryList(
        deliveries=[view(document.id, state) for document, _, state in shown if state is not None],
        next=following,
    )


def _read(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    at, _, id = cursor.partition(".")
    if not at.isascii() or not at.isdigit() or len(at) > 15 or not id:
        raise Problem(
            400, "bad-cursor", "This cursor is none of ours", "Take `next` of the page before, unchanged."
        )
    return int(at), id
