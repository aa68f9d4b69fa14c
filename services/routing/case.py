"""A case: one matter from its first message to its close, as it stands.

    new ──assign──▶ assigned ──accept──▶ accepted ──final answer──▶ answered ──feedback, silence──▶ closed
     ▲                 │                    │  ▲                       │                              │
     └─────return──────┴────────────────────┘  └── not solved, or the sender writes again ────────────┘

*Suspended* is on top of that. `evolve.py` says what events make of it. Pure. It is written at each event, so it holds
what decisions and lists need and no more; the rest is in its history. `docs/case.md` shows who may do what, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.routing.obligation import COORDINATOR, Obligation
from shared.events.cases import CaseClass, Outcome, PauseReason
from shared.events.content import ContentRef
from shared.events.messages import Channel, Kind
from shared.store import Collection, FieldValue

State = Literal["new", "assigned", "accepted", "answered", "closed"]

CASES = Collection(
    "cases",
    fields={
        "ref": str,
        "department": str,
        "state": str,
        "kind": str,
        "channel": str,
        "category": str,
        "case_class": str,
        "urgent": int,
        "helping": tuple[str, ...],
        "arrived": int,
        "rank": int,
    },
    indexes=(("department", "rank"), ("channel", "rank"), ("rank",), ("helping", "rank")),
    covered=("department", "state", "kind", "category", "case_class", "urgent", "channel"),
)
"""`department` is `coordinator` while a case waits in the coordinator's queue; `helping` the departments and posts that
owe it something beside that; `rank` the one order of lists. An index costs a save more than all that is covered."""

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
    """Departments, and posts such as `group`, that were ever asked to assist, for an opinion, or by supervision."""
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
    urged: datetime | None = None
    """When the sender last asked to hurry."""
    merged_into: str | None = None
    closed: datetime | None = None
    outcome: Outcome | None = None

    @property
    def holder(self) -> str:
        """Whose turn it is: the department that leads, or the coordinator."""
        return self.department or COORDINATOR

    @property
    def is_open(self) -> bool:
        """Whether it goes on. Of a closed one only supervision may still ask something."""
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
    """Where a case stands in lists: those in which something is owed by when, then closed ones, the latest first.

    The former rank at that instant in milliseconds, so what is overdue ranks before now. A closed case of which
    supervision asks something stands among them.
    """
    owed = soonest(case)
    if owed is not None:
        return milliseconds(owed)
    return _NO_LONGER_OPEN - 1 if case.closed is None else _CLOSED - milliseconds(case.closed)


RANK_OF_CLOSED = _NO_LONGER_OPEN
"""Closed cases in which nothing is owed rank from here on, all others before."""


def helping(case: Case) -> tuple[str, ...]:
    """Who owes the case something beside whoever holds it: departments that assist, posts that must decide.

    The coordinator too, where a sender's "no" waits for a review; what was promised waits for nobody in particular.
    Departments that must explain or put right something, too.
    """
    owed = case.owed("assist", "opinion", "extension", "signoff", "review", "inspect", "explain", "rectify")
    return tuple(dict.fromkeys(one.owner for one in owed if one.owner != case.holder))


def fields(case: Case) -> Mapping[str, FieldValue]:
    """What a case can be found by."""
    return {
        "ref": case.ref,
        "department": case.holder,
        "state": case.state,
        "kind": case.kind,
        "channel": case.channel,
        "category": case.category,
        "case_class": case.case_class,
        "urgent": int(case.urgent),
        "helping": helping(case),
        "arrived": milliseconds(case.arrived),
        "rank": rank(case),
    }
