"""A case: one matter from its first message to its close, as its events make it.

    new ──assign──▶ assigned ──accept──▶ accepted ──final answer──▶ answered ──feedback, silence──▶ closed
     ▲                 │                    │  ▲                       │                              │
     └─────return──────┴────────────────────┘  └── not solved, or the sender writes again ────────────┘

*Suspended* is on top of that. Pure. It is written at each event, so it holds what decisions and lists need and no more;
the rest is in its history. `docs/case.md` shows who may do what in which state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

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
    CaseClass,
    CaseClassified,
    CaseClosed,
    CaseContested,
    CaseEscalated,
    CaseEvent,
    CaseMerged,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseResumed,
    CaseReturned,
    CaseSolved,
    CaseSuspended,
    ExtensionAsked,
    ExtensionDecided,
    FeedbackGiven,
    MessageAttached,
    OpinionAsked,
    Outcome,
    PauseReason,
    ReturnDecided,
    SenderContacted,
)
from shared.events.content import ContentRef
from shared.events.messages import Channel, Kind
from shared.events.obligations import Rung
from shared.store import Collection

State = Literal["new", "assigned", "accepted", "answered", "closed"]

CASES = Collection(
    "cases",
    fields={
        "ref": str,
        "department": str,
        "state": str,
        "kind": str,
        "channel": str,
        "arrived": int,
        "rank": int,
    },
    indexes=(("department", "rank"), ("rank",)),
)
"""`department` is `coordinator` while a case waits in the coordinator's queue; `rank` the one order of lists."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOSED = 2**51
_NO_LONGER_OPEN = 2**50


@dataclass(frozen=True, slots=True)
class Pause:
    """The clock stands still; what it stands still for begins anew when it runs again."""

    reason: PauseReason
    since: datetime
    obligations: tuple[Obligation, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A final answer that waits for its sign-off."""

    words: ContentRef
    by: str | None
    resolved: bool


class Case(BaseModel):
    """A case as it stands."""

    model_config = ConfigDict(frozen=True)

    ref: str
    kind: Kind
    channel: Channel
    language: str
    message: str
    """The message that opened it; what is said about the case is kept under this owner."""
    words: str
    """The reference of that message's content."""
    arrived: datetime
    organisation: str = ""
    """The version of the organisation file that holds for it."""
    can_mail: bool = False
    anonymous: bool = False
    category: str | None = None
    urgent: bool = False
    case_class: CaseClass | None = None
    scope: Literal["external", "internal"] = "external"
    sender_kind: str | None = None
    liaison: str | None = None
    promise: datetime | None = None
    state: State = "new"
    department: str | None = None
    """Who leads it; nobody while it waits for the coordinator."""
    past: tuple[str, ...] = ()
    """Departments that led it before."""
    helpers: tuple[str, ...] = ()
    """Departments that were ever asked to assist or for an opinion."""
    assigned: datetime | None = None
    """Since when the department's limits run."""
    assigner: str = COORDINATOR
    """Who answers for the assignment: the coordinator, also for rules, or the department that handed it on."""
    returned_by: str | None = None
    """The department whose return the coordinator has not decided yet."""
    returned: datetime | None = None
    returns: int = 0
    visited: bool = False
    """Somebody of the department went to look."""
    obligations: tuple[Obligation, ...] = ()
    started: int = 0
    """How many obligations began; the next one's number follows."""
    breached: tuple[str, ...] = ()
    """Ids of obligations that were breached, open or not. Nothing erases one."""
    pause: Pause | None = None
    extension: datetime | None = None
    """Until when the department asks to have time; nobody has decided yet."""
    extensions: int = 0
    """How many were granted."""
    draft: Draft | None = None
    answered_by: str | None = None
    """Who wrote or signed the last final answer: another person reviews it."""
    solved: bool = False
    """The department says that the matter itself is solved."""
    feedback: bool | None = None
    """What the sender said last: solved or not."""
    contested: Outcome | None = None
    """The end that the sender did not agree with; it can be contested once."""
    not_reached: int = 0
    """How often the sender could not be reached about the answer."""
    merged_into: str | None = None
    closed: datetime | None = None
    outcome: Outcome | None = None

    @property
    def holder(self) -> str:
        """Whose turn it is: the department that leads, or the coordinator."""
        return self.department or COORDINATOR

    @property
    def is_open(self) -> bool:
        """Whether anybody still owes anything."""
        return self.state != "closed"

    def owes(self, kind: str) -> Obligation | None:
        """The open obligation of that kind."""
        return next((one for one in self.obligations if one.kind == kind), None)

    def owed(self, *kinds: str) -> list[Obligation]:
        """The open obligations of these kinds."""
        return [one for one in self.obligations if one.kind in kinds]


def due(case: Case) -> datetime | None:
    """When the next rung of the case falls."""
    return min((one.next_at for one in case.obligations if one.next_at is not None), default=None)


def soonest(case: Case) -> datetime | None:
    """When the next thing is owed; binding obligations come before those that only lapse."""
    binding = [one.due for one in case.obligations if one.binding]
    return min(binding or [one.due for one in case.obligations], default=None)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def rank(case: Case) -> int:
    """Where a case stands in lists: open ones by what is owed next, then closed ones, the latest first.

    Open cases rank at that instant in milliseconds, so what is overdue ranks before now.
    """
    if case.closed is not None:
        return _CLOSED - milliseconds(case.closed)
    owed = soonest(case)
    return _NO_LONGER_OPEN - 1 if owed is None else milliseconds(owed)


RANK_OF_CLOSED = _NO_LONGER_OPEN
"""Closed cases rank from here on, open ones before."""


def fields(case: Case) -> Mapping[str, str | int | None]:
    """What a case can be found by."""
    return {
        "ref": case.ref,
        "department": case.holder,
        "state": case.state,
        "kind": case.kind,
        "channel": case.channel,
        "arrived": milliseconds(case.arrived),
        "rank": rank(case),
    }


def evolve(case: Case | None, event: Event, record: Record) -> Case:
    """What an event makes of a case. What it does not know changes nothing."""
    if case is None:
        assert isinstance(event, CaseOpened), f"{record.id} is {record.type}: a case begins with its opening"
        case = _opened(event)
    change = _change(case, event, record)
    if isinstance(event, CaseEvent):
        change = _owed(case, event) | change
        if event.organisation is not None:
            change["organisation"] = event.organisation
    return case.model_copy(update=change)


def _owed(case: Case, event: CaseEvent) -> dict[str, Any]:
    """What an event's beginnings and ends make of the open obligations."""
    if not event.starts and not event.ends:
        return {}
    ended = {one.id for one in event.ends}
    kept = tuple(one for one in case.obligations if one.id not in ended)
    return {
        "obligations": kept + tuple(Obligation.started(one) for one in event.starts),
        "started": case.started + len(event.starts),
    }


def resumed(case: Case, event: CaseResumed) -> Case:
    """The case once its clock runs again: what is decided next is decided on that."""
    return case.model_copy(update=_owed(case, event) | {"pause": None})


def _opened(event: CaseOpened) -> Case:
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


def _change(case: Case, event: Event, record: Record) -> dict[str, Any]:
    match event:
        case CaseAssigned():
            return _assigned(case, event, record)
        case CaseQueued():
            return {"state": "new", "department": None, "past": _past(case, None)}
        case CaseAccepted():
            return {"state": "accepted"}
        case CaseReturned():
            returned = {"returned_by": event.department, "returned": record.time, "returns": case.returns + 1}
            return returned | {"visited": False}
        case ReturnDecided():
            return {"returned_by": None, "returned": None}
        case SenderContacted():
            return _contacted(case, event)
        case CaseAnswered() if event.final:
            return {
                "state": "answered",
                "not_reached": 0,
                "answered_by": event.actor,
                "solved": case.solved or event.resolved,
                "feedback": None,
                "draft": None,
                "extension": None,
            }
        case CaseReopened():
            return _reopened(case)
        case MessageAttached() if event.reopened:
            return _reopened(case)
        case CaseClosed():
            closed = {"state": "closed", "closed": record.time, "outcome": event.outcome, "obligations": ()}
            return closed | {"pause": None, "draft": None, "extension": None}
        case CaseAlarmed():
            return _climbed(case, event)
    return _changed_otherwise(case, event, record)


def _changed_otherwise(case: Case, event: Event, record: Record) -> dict[str, Any]:
    match event:
        case CaseClassified():
            return {
                "kind": event.kind,
                "category": event.category,
                "urgent": event.urgent,
                "case_class": event.case_class,
            }
        case CaseEscalated():
            return {"case_class": event.case_class}
        case AssistAsked():
            return {
                "helpers": _with(case.helpers, event.department),
                "case_class": case.case_class or "cross",
            }
        case OpinionAsked():
            return {"helpers": _with(case.helpers, event.to.partition("/")[0])}
        case CaseSuspended():
            paused = {one.id for one in event.ends}
            kept = tuple(one for one in case.obligations if one.id in paused)
            return {"pause": Pause(event.reason, record.time, kept)}
        case CaseResumed():
            return {"pause": None}
        case ExtensionAsked():
            return {"extension": event.due}
        case ExtensionDecided():
            more = case.extensions + event.granted
            return {"extension": None, "extensions": more, "promise": event.promise or case.promise}
        case AnswerDrafted():
            return {"draft": Draft(event.words, event.actor, event.resolved)}
        case AnswerSentBack():
            return {"draft": None}
        case CaseSolved():
            return {"solved": True}
        case FeedbackGiven():
            return {"feedback": event.solved}
        case CaseContested():
            return {"state": "answered", "closed": None, "outcome": None, "contested": event.outcome}
        case CaseMerged():
            return {"merged_into": event.into}
    return {}


def _assigned(case: Case, event: CaseAssigned, record: Record) -> dict[str, Any]:
    again = event.by == "return_refused"
    return {
        "state": "assigned",
        "department": event.department,
        "assigned": case.assigned if again else record.time,
        "assigner": case.assigner if again else (case.holder if event.by == "transfer" else COORDINATOR),
        "past": _past(case, event.department),
        "visited": False,
    }


def _contacted(case: Case, event: SenderContacted) -> dict[str, Any]:
    visited = {"visited": case.visited or event.site_visit}
    if not event.callback:
        return visited
    return visited | {"not_reached": case.not_reached + 1 if event.outcome == "not_reached" else 0}


def _with(those: tuple[str, ...], one: str) -> tuple[str, ...]:
    return those if one in those else (*those, one)


def _past(case: Case, following: str | None) -> tuple[str, ...]:
    left = case.department
    return case.past if left in {None, following} else _with(case.past, str(left))


def _reopened(case: Case) -> dict[str, Any]:
    state = "accepted" if case.department else "new"
    return {"state": state, "closed": None, "outcome": None, "solved": False, "feedback": None}


def _climbed(case: Case, event: CaseAlarmed) -> dict[str, Any]:
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
