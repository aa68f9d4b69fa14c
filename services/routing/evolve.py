"""What events make of a case. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.routing.case import Case, Draft, Pause
from services.routing.obligation import COORDINATOR, Obligation
from shared.events import Event, Record
from shared.events.cases import (
    AnswerDrafted,
    AnswerSentBack,
    AssistAsked,
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContested,
    CaseEscalated,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseRescheduled,
    CaseResumed,
    CaseReturned,
    CaseSolved,
    CaseSuspended,
    CaseUrged,
    ExtensionAsked,
    ExtensionDecided,
    FeedbackGiven,
    MessageAttached,
    OpinionAsked,
    ReturnDecided,
    SenderContacted,
)
from shared.events.linked import CaseMerged
from shared.events.obligations import OF_SUPERVISION, Rung
from shared.events.supervised import CaseOrdered, ExplanationAsked

Change = dict[str, Any]


def evolve(case: Case | None, event: Event, record: Record) -> Case:
    """What an event makes of a case. What it does not know changes nothing."""
    if case is None:
        assert isinstance(event, CaseOpened), f"{record.id} is {record.type}: a case begins with its opening"
        case = begun(event)
    change = _owed(case, event) if isinstance(event, CaseEvent) else {}
    if (changes := _CHANGES.get(type(event))) is not None:
        change |= changes(case, event, record)
    if isinstance(event, CaseEvent) and event.organisation is not None:
        change["organisation"] = event.organisation
    return case.model_copy(update=change)


def begun(event: CaseOpened) -> Case:
    """A case as its opening says."""
    return Case(
        ref=event.ref,
        kind=event.kind,
        channel=event.channel,
        language=event.language,
        message=event.message,
        words=event.words.ref,
        arrived=event.arrived_at,
        can_mail=event.can_mail,
        anonymous=event.anonymous,
        category=event.category,
        urgent=event.urgent,
        scope=event.scope,
        sender_kind=event.sender_kind,
        liaison=event.liaison,
        promise=event.promise,
    )


def resumed(case: Case, event: CaseResumed) -> Case:
    """The case once its clock runs again: what is decided next is decided on that."""
    return case.model_copy(update=_owed(case, event) | {"pause": None})


def _owed(case: Case, event: CaseEvent) -> Change:
    """What an event's beginnings and ends make of the open obligations."""
    if not event.starts and not event.ends:
        return {}
    ended = {one.id for one in event.ends}
    kept = tuple(one for one in case.obligations if one.id not in ended)
    return {
        "obligations": kept + tuple(Obligation.started(one) for one in event.starts),
        "started": case.started + len(event.starts),
    }


def _assigned(case: Case, event: CaseAssigned, record: Record) -> Change:
    again = event.by == "return_refused"
    return {
        "state": "assigned",
        "department": event.department,
        "assigned": case.assigned if again else record.time,
        "assigner": case.assigner if again else (case.holder if event.by == "transfer" else COORDINATOR),
        "past": _past(case, event.department),
        "visited": False,
        "extension": None,
        "draft": None,
    }


def _queued(case: Case, event: CaseQueued, record: Record) -> Change:
    return {"state": "new", "department": None, "past": _past(case, None)}


def _accepted(case: Case, event: CaseAccepted, record: Record) -> Change:
    return {"state": "accepted"}


def _returned(case: Case, event: CaseReturned, record: Record) -> Change:
    return {
        "returned_by": event.department,
        "returned": record.time,
        "returns": case.returns + 1,
        "visited": False,
        "extension": None,
        "draft": None,
    }


def _return_decided(case: Case, event: ReturnDecided, record: Record) -> Change:
    return {"returned_by": None, "returned": None}


def _contacted(case: Case, event: SenderContacted, record: Record) -> Change:
    visited = {"visited": case.visited or event.site_visit}
    if not event.callback:
        return visited
    return visited | {"not_reached": case.not_reached + 1 if event.outcome == "not_reached" else 0}


def _answered(case: Case, event: CaseAnswered, record: Record) -> Change:
    if not event.final:
        return {}
    return {
        "state": "answered",
        "not_reached": 0,
        "answered_by": event.actor,
        "solved": case.solved or event.resolved,
        "feedback": None,
        "draft": None,
        "extension": None,
    }


def _reopened(case: Case, event: Event, record: Record) -> Change:
    state = "accepted" if case.department else "new"
    return {"state": state, "closed": None, "outcome": None, "solved": False, "feedback": None}


def _attached(case: Case, event: MessageAttached, record: Record) -> Change:
    return _reopened(case, event, record) if event.reopened else {}


def _closed(case: Case, event: CaseClosed, record: Record) -> Change:
    return {
        "state": "closed",
        "closed": record.time,
        "outcome": event.outcome,
        "obligations": tuple(one for one in case.obligations if one.kind in OF_SUPERVISION),
        "pause": None,
        "draft": None,
        "extension": None,
    }


def _contested(case: Case, event: CaseContested, record: Record) -> Change:
    return {"state": "answered", "closed": None, "outcome": None, "contested": event.outcome}


def _climbed(case: Case, event: CaseAlarmed, record: Record) -> Change:
    last: dict[str, Rung] = {rung.obligation: rung for rung in event.rungs}
    breached = dict.fromkeys(case.breached)
    breached |= {rung.obligation: None for rung in event.rungs if rung.action == "breach"}
    return {
        "breached": tuple(breached),
        "obligations": tuple(
            replace(one, next_rung=last[one.id].next_rung, next_at=last[one.id].next_at)
            if one.id in last
            else one
            for one in case.obligations
        ),
    }


def _classified(case: Case, event: CaseClassified, record: Record) -> Change:
    return {
        "kind": event.kind,
        "category": event.category,
        "urgent": event.urgent,
        "case_class": event.case_class,
    }


def _demanded(case: Case, event: ExplanationAsked | CaseOrdered, record: Record) -> Change:
    """Whoever must answer to supervision sees the case, also where it went elsewhere since."""
    return {"helpers": _with(case.helpers, event.department)} if event.starts else {}


def _escalated(case: Case, event: CaseEscalated, record: Record) -> Change:
    return {"case_class": event.case_class, "helpers": _asked(case, event.to)}


def _assist_asked(case: Case, event: AssistAsked, record: Record) -> Change:
    return {"helpers": _with(case.helpers, event.department), "case_class": case.case_class or "cross"}


def _opinion_asked(case: Case, event: OpinionAsked, record: Record) -> Change:
    return {"helpers": _asked(case, event.to)}


def _suspended(case: Case, event: CaseSuspended, record: Record) -> Change:
    paused = {one.id for one in event.ends}
    still = tuple(one for one in case.obligations if one.id in paused)
    return {"pause": Pause(event.reason, record.time, still)}


def _resumed(case: Case, event: CaseResumed, record: Record) -> Change:
    return {"pause": None}


def _rescheduled(case: Case, event: CaseRescheduled, record: Record) -> Change:
    pause = case.pause
    if pause is not None:
        moved = {one.id: Obligation.started(one) for one in event.paused}
        pause = replace(pause, obligations=tuple(moved.get(one.id, one) for one in pause.obligations))
    return {
        "promise": event.promise or case.promise,
        "extension": event.extension or case.extension,
        "pause": pause,
    }


def _extension_asked(case: Case, event: ExtensionAsked, record: Record) -> Change:
    return {"extension": event.due}


def _extension_decided(case: Case, event: ExtensionDecided, record: Record) -> Change:
    more = case.extensions + event.granted
    return {"extension": None, "extensions": more, "promise": event.promise or case.promise}


def _drafted(case: Case, event: AnswerDrafted, record: Record) -> Change:
    return {"draft": Draft(event.words, event.actor, event.resolved)}


def _sent_back(case: Case, event: AnswerSentBack, record: Record) -> Change:
    return {"draft": None}


def _solved(case: Case, event: CaseSolved, record: Record) -> Change:
    return {"solved": True}


def _heard(case: Case, event: FeedbackGiven, record: Record) -> Change:
    return {"feedback": event.solved}


def _urged(case: Case, event: CaseUrged, record: Record) -> Change:
    return {"urged": record.time} if event.by == "sender" else {}


def _merged(case: Case, event: CaseMerged, record: Record) -> Change:
    return {"merged_into": event.into}


_CHANGES: dict[type[Event], Callable[[Case, Any, Record], Change]] = {
    AnswerDrafted: _drafted,
    AnswerSentBack: _sent_back,
    AssistAsked: _assist_asked,
    CaseAccepted: _accepted,
    CaseAlarmed: _climbed,
    CaseAnswered: _answered,
    CaseAssigned: _assigned,
    CaseClassified: _classified,
    CaseClosed: _closed,
    CaseContested: _contested,
    CaseEscalated: _escalated,
    CaseMerged: _merged,
    CaseOrdered: _demanded,
    CaseQueued: _queued,
    CaseReopened: _reopened,
    CaseRescheduled: _rescheduled,
    CaseResumed: _resumed,
    CaseReturned: _returned,
    CaseSolved: _solved,
    CaseSuspended: _suspended,
    CaseUrged: _urged,
    ExplanationAsked: _demanded,
    ExtensionAsked: _extension_asked,
    ExtensionDecided: _extension_decided,
    FeedbackGiven: _heard,
    MessageAttached: _attached,
    OpinionAsked: _opinion_asked,
    ReturnDecided: _return_decided,
    SenderContacted: _contacted,
}


def _asked(case: Case, to: str) -> tuple[str, ...]:
    """Those beside the lead who were ever asked for something; a post of the lead's own office is no other."""
    place = to.partition("/")[0]
    return case.helpers if place == case.holder else _with(case.helpers, place)


def _with(those: tuple[str, ...], one: str) -> tuple[str, ...]:
    return those if one in those else (*those, one)


def _past(case: Case, following: str | None) -> tuple[str, ...]:
    left = case.department
    return case.past if left in {None, following} else _with(case.past, str(left))
