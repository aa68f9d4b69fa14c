"""Topic `cases`, owned by routing: the life of a case.

Every event may start and end obligations; that is the one mechanism for every deadline (DESIGN.md section 1).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.content import ContentRef
from shared.events.envelope import Event, Part
from shared.events.messages import Channel, Kind

ObligationKind = Literal["dispatch", "accept", "contact", "resolve", "callback", "promise", "silence"]
Action = Literal["remind", "warn", "breach", "escalate", "lapse"]
QueueReason = Literal["no_rule", "unsure", "confidential", "returned", "reopened"]
ReturnReason = Literal["not_responsible", "overlapping", "outside_organisation"]
DeclineReason = Literal["outside_organisation", "before_a_court", "no_facts", "already_decided"]


class Started(Part):
    """An obligation begins: `owner` owes `kind` by `due`."""

    id: str
    kind: ObligationKind
    owner: str
    """A department's id, or a post (`coordinator`)."""
    since: datetime
    due: datetime
    limit: str
    binding: bool = True
    """Binding obligations breach and climb; others lapse."""
    next_rung: int | None = None
    next_at: datetime | None = None
    """When the ladder's first rung is due."""


class Ended(Part):
    """An obligation ends: met, or no longer owed."""

    id: str
    how: Literal["met", "cancelled", "lapsed"]
    late: bool = False


class CaseEvent(Event):
    """What every event of a case may carry."""

    actor: str | None = None
    """The opaque id of who did it; absent where rules or time did."""
    starts: tuple[Started, ...] = ()
    ends: tuple[Ended, ...] = ()


class CaseOpened(CaseEvent, type="case.opened", topic="cases"):
    """A message became a case."""

    ref: str
    kind: Kind
    message: str
    channel: Channel
    words: ContentRef
    thread: str
    language: str
    can_mail: bool
    acknowledge: bool = True
    """Whether the sender may be sent an automatic acknowledgement."""
    anonymous: bool = False
    arrived_at: datetime
    promise: datetime | None = None
    """What the sender was promised: from arrival, never reset."""
    related: str | None = None
    """A closed case whose thread it came on, where nobody could tell whether it is the same sender."""
    organisation: str
    """The version of the organisation file that held."""


class MessageAttached(CaseEvent, type="case.message_attached", topic="cases"):
    """Another message on the same matter."""

    ref: str
    message: str
    channel: Channel
    words: ContentRef
    how: Literal["token", "thread", "hint"]
    verified: bool
    """Whether it is known to come from the case's sender; an officer must look where it isn't."""
    reopened: bool = False
    """It came after the final answer: the case is open again."""


class CaseAssigned(CaseEvent, type="case.assigned", topic="cases"):
    """A department leads the case from here on."""

    department: str
    by: Literal["rule", "line", "sender", "coordinator", "return_refused"]
    """Who or what decided: a duty's words, the department's own line it came by, the sender's wish, the coordinator."""
    rule: str | None = None
    """The duty that decided, by its id."""
    evidence: ContentRef | None = None
    """The words that decided, the score and the alternatives."""
    beyond_promise: bool = False
    """The department's limit ends after what the sender was promised."""


class CaseQueued(CaseEvent, type="case.queued", topic="cases"):
    """The coordinator must dispatch it: no rule was sure, or a department returned it."""

    reason: QueueReason
    evidence: ContentRef | None = None


class CaseAccepted(CaseEvent, type="case.accepted", topic="cases"):
    """The department takes it on (簽收)."""


class CaseReturned(CaseEvent, type="case.returned", topic="cases"):
    """The department says it is not responsible (退回); the coordinator decides."""

    department: str
    reason: ReturnReason
    words: ContentRef | None = None
    proposed: str | None = None
    """The department that the returning one thinks responsible."""


class ReturnDecided(CaseEvent, type="case.return_decided", topic="cases"):
    """The coordinator upheld the return or refused it; an assignment follows."""

    upheld: bool
    department: str
    """The one that had returned it."""
    words: ContentRef | None = None


class SenderContacted(CaseEvent, type="case.contacted", topic="cases"):
    """The department spoke to the sender, or tried to."""

    outcome: Literal["reached", "not_reached", "refused"]
    callback: bool = False
    """It was to tell the final answer to a sender who left no address."""
    words: ContentRef | None = None


class SenderAsked(CaseEvent, type="case.asked", topic="cases"):
    """A question back to the sender."""

    words: ContentRef


class CaseAnswered(CaseEvent, type="case.answered", topic="cases"):
    """An answer to the sender; a final one ends the obligation to resolve."""

    words: ContentRef
    final: bool
    resolved: bool = False
    """The department's claim that the matter itself is solved."""


class FeedbackGiven(CaseEvent, type="case.feedback_given", topic="cases"):
    """What the sender says of the answer."""

    solved: bool
    satisfied: bool | None = None
    words: ContentRef | None = None


class CaseClosed(CaseEvent, type="case.closed", topic="cases"):
    """The end, with its outcome. Silence is recorded as silence, never as consent."""

    outcome: Literal["feedback", "silence", "declined"]
    solved: bool | None = None
    reason: DeclineReason | None = None
    words: ContentRef | None = None


class CaseReopened(CaseEvent, type="case.reopened", topic="cases"):
    """It was not over."""

    reason: Literal["not_solved"]


class Rung(Part):
    """One rung of one obligation's ladder that fell due."""

    obligation: str
    kind: ObligationKind
    owner: str
    due: datetime
    rung: int
    action: Action
    at: datetime
    """The instant it fell due, which may be before it was noticed."""
    late: bool = False
    """It was missed while nothing ran, and a later rung of the same obligation stands for it."""
    next_rung: int | None = None
    next_at: datetime | None = None


class Notice(Part):
    """One person is told of some of the rungs, in one notice."""

    person: str
    rungs: list[int]
    """Which of the event's rungs, by their place in its list."""


class CaseAlarmed(CaseEvent, type="case.alarmed", topic="cases"):
    """Rungs of one instant: remind, warn, breach, escalate. One notice for each person whom they concern.

    After an outage it holds what was missed as well; only each obligation's present rung is told of.
    """

    at: datetime
    """The latest of the rungs' instants."""
    rungs: list[Rung]
    notices: tuple[Notice, ...] = ()
