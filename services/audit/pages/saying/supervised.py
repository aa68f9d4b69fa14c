"""What supervision found in a case, asked, was answered, and decided."""

from __future__ import annotations

from services.audit.checks.words import check_words
from services.audit.pages.saying.teller import Said, SaysIt, Teller, plainly
from shared.events import Event
from shared.events.findings import (
    ExclusionAsked,
    ExclusionDecided,
    FindingAsked,
    FindingConfirmed,
    FindingDismissed,
    FindingExplained,
    FindingRaised,
    OrderAccepted,
    OrderAnswered,
    OrderConcluded,
    OrderIssued,
    OrderRefused,
    OrderTaken,
)
from shared.events.supervised import (
    CaseExplained,
    CaseOrdered,
    CaseRectified,
    DemandDropped,
    ExplanationAsked,
)


def _asked(tell: Teller, event: ExplanationAsked) -> Said:
    key = "said.explanation_asked" if event.starts else "said.explanation_not_asked"
    check = _check(tell, event.check)
    return Said(tell.word(key, department=tell.owner(event.department), check=check))


def _check(tell: Teller, check: str) -> str:
    """A check by its title; one that has none by its name."""
    said = check_words(tell.language).get(check)
    return said.title if said else check


def _raised(tell: Teller, event: FindingRaised) -> Said:
    return Said(tell.word("said.finding_raised", check=_check(tell, event.check)))


def _finding_asked(tell: Teller, event: FindingAsked) -> Said:
    if event.due is None:
        return Said(tell.word("said.finding_not_asked", department=tell.owner(event.department)))
    due = tell.at(event.due)
    return Said(tell.word("said.finding_asked", department=tell.owner(event.department), due=due))


def _dismissed(tell: Teller, event: FindingDismissed) -> Said:
    return Said(tell.word("said.finding_dismissed"), [tell.code("dismissal", event.reason)])


def _issued(tell: Teller, event: OrderIssued) -> Said:
    department = tell.owner(event.department)
    return Said(tell.word("said.order_issued", department=department, limit=event.limit))


def _taken(tell: Teller, event: OrderTaken) -> Said:
    if event.due is None:
        return Said(tell.word("said.order_not_taken"))
    return Said(tell.word("said.order_taken", due=tell.at(event.due)))


def _refused(tell: Teller, event: OrderRefused) -> Said:
    return Said(tell.word("said.order_refused", limit=event.limit))


def _concluded(tell: Teller, event: OrderConcluded) -> Said:
    return Said(tell.word("said.order_concluded"), [tell.code("measure", event.measure)])


def _decided(tell: Teller, event: ExclusionDecided) -> Said:
    return Said(tell.word("said.exclusion_granted" if event.granted else "said.exclusion_refused"))


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
    FindingRaised: _raised,
    FindingAsked: _finding_asked,
    FindingExplained: _of("said.finding_explained"),
    FindingConfirmed: plainly("said.finding_confirmed"),
    FindingDismissed: _dismissed,
    OrderIssued: _issued,
    OrderTaken: _taken,
    OrderAnswered: _of("said.order_answered"),
    OrderAccepted: plainly("said.order_accepted"),
    OrderRefused: _refused,
    OrderConcluded: _concluded,
    ExclusionAsked: plainly("said.exclusion_asked"),
    ExclusionDecided: _decided,
}
