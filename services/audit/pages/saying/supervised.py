"""What supervision asks of a case, and what it is answered."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller
from shared.events import Event
from shared.events.supervised import (
    CaseExplained,
    CaseOrdered,
    CaseRectified,
    DemandDropped,
    ExplanationAsked,
)


def _asked(tell: Teller, event: ExplanationAsked) -> Said:
    key = "said.explanation_asked" if event.starts else "said.explanation_not_asked"
    check = tell.code("check", event.check)
    return Said(tell.word(key, department=tell.owner(event.department), check=check))


def _ordered(tell: Teller, event: CaseOrdered) -> Said:
    key = "said.ordered_again" if event.again else "said.ordered"
    return Said(tell.word(key, department=tell.owner(event.department), limit=event.limit))


def _of(key: str) -> SaysIt:
    return lambda tell, event: Said(tell.word(key, department=tell.owner(event.department)))


SAID: dict[type[Event], SaysIt] = {
    ExplanationAsked: _asked,
    CaseExplained: _of("said.explained"),
    CaseOrdered: _ordered,
    CaseRectified: _of("said.rectified"),
    DemandDropped: _of("said.demand_dropped"),
}
