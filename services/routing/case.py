"""A case: one matter from its first message to its close, as its events make it.

    new ──assign──▶ assigned ──accept──▶ accepted ──final answer──▶ answered ──feedback, silence──▶ closed
     ▲                 │                    ▲                          │                              │
     └─────return──────┘                    └── not solved, or the sender writes again ───────────────┘

Pure. It is written at each event, so it holds what decisions and lists need and no more; the rest is in its
history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.routing.obligation import COORDINATOR, Obligation
from shared.events import Event, Record
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseReturned,
    MessageAttached,
    ReturnDecided,
    Rung,
    SenderContacted,
)
from shared.events.messages import Channel, Kind
from shared.store import Collection

State = Literal["new", "assigned", "accepted", "answered", "closed"]
Outcome = Literal["feedback", "silence", "declined"]

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
    can_mail: bool = False
    anonymous: bool = False
    promise: datetime | None = None
    state: State = "new"
    department: str | None = None
    """Who leads it; nobody while it waits for the coordinator."""
    past: tuple[str, ...] = ()
    """Departments that led it before."""
    assigned: datetime | None = None
    """Since when the department's limits run."""
    returned_by: str | None = None
    """The department whose return the coordinator has not decided yet."""
    returns: int = 0
    obligations: tuple[Obligation, ...] = ()
    started: int = 0
    """How many obligations began; the next one's number follows."""
    breached: tuple[str, ...] = ()
    """Ids of obligations that were breached, open or not. Nothing erases one."""
    not_reached: int = 0
    """How often the sender could not be reached about the answer."""
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
    if isinstance(event, CaseEvent) and (event.starts or event.ends):
        ended = {one.id for one in event.ends}
        kept = tuple(one for one in case.obligations if one.id not in ended)
        change["obligations"] = kept + tuple(Obligation.started(one) for one in event.starts)
        change["started"] = case.started + len(event.starts)
    return case.model_copy(update=change)


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
        promise=event.promise,
    )


def _change(case: Case, event: Event, record: Record) -> dict[str, Any]:
    match event:
        case CaseAssigned():
            since = case.assigned if event.by == "return_refused" else record.time
            return {
                "state": "assigned",
                "department": event.department,
                "assigned": since,
                "past": _past(case, event.department),
            }
        case CaseQueued():
            return {"state": "new", "department": None, "past": _past(case, None)}
        case CaseAccepted():
            return {"state": "accepted"}
        case CaseReturned():
            return {"returned_by": event.department, "returns": case.returns + 1}
        case ReturnDecided():
            return {"returned_by": None}
        case SenderContacted() if event.callback:
            return {"not_reached": case.not_reached + 1 if event.outcome == "not_reached" else 0}
        case CaseAnswered() if event.final:
            return {"state": "answered", "not_reached": 0}
        case CaseReopened():
            return _reopened()
        case MessageAttached() if event.reopened:
            return _reopened()
        case CaseClosed():
            return {"state": "closed", "closed": record.time, "outcome": event.outcome, "obligations": ()}
        case CaseAlarmed():
            return _climbed(case, event)
    return {}


def _past(case: Case, following: str | None) -> tuple[str, ...]:
    left = case.department
    return case.past if left in {None, following, *case.past} else (*case.past, str(left))


def _reopened() -> dict[str, Any]:
    return {"state": "accepted", "closed": None, "outcome": None}


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
