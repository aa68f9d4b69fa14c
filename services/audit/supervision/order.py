"""An order (督辦單): what a supervisor demands, what was done, whether that was enough, what followed (M15). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.audit.supervision.judging import Refused, must_be_impartial
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.content import ContentRef
from shared.events.findings import (
    Measure,
    OrderAccepted,
    OrderAnswered,
    OrderConcluded,
    OrderIssued,
    OrderRefused,
    OrderTaken,
)
from shared.rights import Principal
from shared.store import Collection

State = Literal["issued", "answered", "accepted", "concluded"]

ORDERS = Collection(
    "orders",
    fields={"department": str, "case": str, "state": str, "rank": int},
    indexes=(("state", "rank"), ("department", "rank"), ("case", "rank"), ("rank",)),
    covered=("department", "state"),
)


class Order(BaseModel):
    """An order as it stands. Refused, it is issued anew."""

    model_config = ConfigDict(frozen=True)

    case: str
    department: str
    finding: str | None = None
    issued: datetime
    by: str
    limit: str
    state: State = "issued"
    due: datetime | None = None
    """Until when it is to be put right; None before the case has taken it up."""
    refusals: int = 0
    measure: Measure | None = None


def issue(order: Order | None, who: Principal, issued: OrderIssued) -> list[Event]:
    """Demand it, once."""
    if order is not None:
        return []
    must_be_impartial(who, issued.department)
    return [issued]


def taken(order: Order | None, due: datetime | None) -> list[Event]:
    """The case demands it of the department, until then."""
    if order is None or order.state == "concluded" or order.due == due:
        return []
    return [OrderTaken(due=due)]


def answered(order: Order | None, actor: str, department: str, words: ContentRef) -> list[Event]:
    """The department says what it put right."""
    if order is None or order.state != "issued":
        return []
    return [OrderAnswered(actor=actor, department=department, words=words)]


def accept(order: Order, who: Principal, words: ContentRef) -> list[Event]:
    """It is put right."""
    _must_be_answered(order, who)
    return [OrderAccepted(actor=who.id, words=words)]


def refuse(order: Order, who: Principal, limit: str, words: ContentRef) -> list[Event]:
    """It is not: the department has so long to put it right again."""
    _must_be_answered(order, who)
    return [OrderRefused(actor=who.id, limit=limit, words=words)]


def conclude(order: Order, who: Principal, measure: Measure, words: ContentRef) -> list[Event]:
    """What follows for those who answer for it. Of one that was not answered, it ends the demand."""
    must_be_impartial(who, order.department)
    if order.state == "concluded":
        raise Refused("concluded-already", "This order is concluded; that stands.")
    if order.state == "answered":
        raise Refused("answer-first", "It was answered: first accept or refuse what was put right.")
    return [OrderConcluded(actor=who.id, measure=measure, words=words)]


def _must_be_answered(order: Order, who: Principal) -> None:
    must_be_impartial(who, order.department)
    if order.state != "answered":
        raise Refused("not-answered", f"This order is {order.state}: there is no answer to accept or refuse.")


def evolve(order: Order | None, event: Event, record: Record) -> Order:
    """What an event makes of an order."""
    if isinstance(event, OrderIssued):
        return Order(
            case=event.case,
            department=event.department,
            finding=event.finding,
            issued=record.time,
            by=event.actor,
            limit=event.limit,
        )
    assert order is not None, f"{record.id} is {record.type}: an order begins by being issued"
    change: dict[str, object] = {}
    match event:
        case OrderTaken():
            change = {"due": event.due}
        case OrderAnswered():
            change = {"state": "answered"}
        case OrderAccepted():
            change = {"state": "accepted"}
        case OrderRefused():
            change = {
                "state": "issued",
                "limit": event.limit,
                "due": None,
                "refusals": order.refusals + 1,
            }
        case OrderConcluded():
            change = {"state": "concluded", "measure": event.measure}
    return order.model_copy(update=change)


KIND = Kind(
    ORDERS,
    "/audit",
    Order,
    evolve,
    fields=lambda one: {
        "department": one.department,
        "case": one.case,
        "state": one.state,
        "rank": -round(one.issued.timestamp() * 1000),
    },
)
