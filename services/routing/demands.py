"""What a case owes to supervision: asked, demanded anew, dropped. It follows from findings and orders. Pure (M15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.routing.case import Case
from services.routing.commands import Now, stamped
from services.routing.desk import Desk, facts_of
from services.routing.obligation import COORDINATOR
from shared.calendar import Limit
from shared.events.cases import CaseEvent
from shared.events.content import ContentRef
from shared.events.findings import FindingRaised
from shared.events.supervised import CaseOrdered, DemandDropped, ExplanationAsked


@dataclass(frozen=True, slots=True)
class Order:
    """What a supervisor demands of a department."""

    id: str
    department: str
    limit: str
    words: ContentRef
    actor: str
    again: bool = False
    """What it did was not enough."""


def ask(desk: Desk, case: Case, finding: str, raised: FindingRaised, now: datetime) -> list[CaseEvent]:
    """A department is asked to explain a finding, once."""
    department = raised.department
    if department is None or any(one.about == finding for one in case.obligations):
        return []
    room = Now(desk, now)
    limit = desk.limit("explain", facts_of(case))
    asked = ExplanationAsked(finding=finding, check=raised.check, department=department)
    if limit is not None and _may_be_asked(desk, case, department):
        asked = asked.model_copy(
            update={
                "starts": (room.until(case, "explain", department, limit, about=finding),),
                "notices": (*room.tell(case, ["holder"], department, digest=True),),
            }
        )
    return stamped(case, desk.version, [asked])


def order(desk: Desk, case: Case, order: Order, now: datetime) -> list[CaseEvent]:
    """A department must put something right, or put it right again."""
    room = Now(desk, now, actor=order.actor)
    ordered = CaseOrdered(
        order=order.id,
        department=order.department,
        limit=order.limit,
        words=order.words,
        again=order.again,
        actor=order.actor,
    )
    if _exists(desk, order.department):
        limit = Limit.parse(order.limit)
        ordered = ordered.model_copy(
            update={
                "starts": (room.until(case, "rectify", order.department, limit, about=order.id),),
                "notices": (*room.tell(case, ["holder", "head"], order.department),),
            }
        )
    return stamped(case, desk.version, [ordered])


def drop(desk: Desk, case: Case, about: str, now: datetime) -> list[CaseEvent]:
    """Supervision has decided: what is still owed for a finding or an order is owed no longer."""
    room = Now(desk, now)
    dropped: Sequence[CaseEvent] = [
        DemandDropped(about=about, department=one.owner, ends=(room.end(one, "cancelled"),))
        for one in case.obligations
        if one.about == about
    ]
    return stamped(case, desk.version, dropped)


def _exists(desk: Desk, department: str) -> bool:
    return department == COORDINATOR or desk.has(department)


def _may_be_asked(desk: Desk, case: Case, department: str) -> bool:
    """Nobody learns from a question that somebody reported wrongdoing: of such cases only who had them is asked."""
    had = department == COORDINATOR or department in (case.department, *case.past)
    return _exists(desk, department) and (had or case.kind != "report")
