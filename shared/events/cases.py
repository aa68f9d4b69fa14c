"""Topic `cases`, owned by routing: the life of a case.

Every event may start and end obligations; that is the one mechanism for every deadline (DESIGN.md section 1).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.content import ContentRef
from shared.events.envelope import Event, Part
from shared.events.messages import Channel, Kind
from shared.events.obligations import Action, Ended, Notice, ObligationKind, Rung, Started

__all__ = ["Action", "Ended", "Notice", "ObligationKind", "Rung", "Started"]

CaseClass = Literal["major", "hard", "cross", "external"]
"""Especially major (特別重大), hard (疑難), cross-department, external: it chooses where a case enters (M12)."""
QueueReason = Literal[
    "no_rule", "unsure", "confidential", "about_department", "returned", "reopened", "split"
]
ReturnReason = Literal["not_responsible", "overlapping", "outside_organisation"]
DeclineReason = Literal["outside_organisation", "before_a_court", "no_facts", "already_decided"]
PauseReason = Literal["sender", "third_party", "weather", "parts", "court"]
"""What a case waits for that nobody in the house can hasten; `sender` for an answer to a question."""
Outcome = Literal["feedback", "silence", "declined", "merged", "passed_on", "withdrawn"]
OpeningReason = Literal["handling", "inquiry", "protection", "court"]


class Booking(Part):
    """Time that another answers for than held the case: a further entry in the time account, never a change of one."""

    begin: datetime
    end: datetime
    holder: str
    """Who answers for it: a department's id or `coordinator`."""


class CaseEvent(Event):
    """What every event of a case may carry."""

    actor: str | None = None
    """The opaque id of who did it; absent where rules or time did."""
    starts: tuple[Started, ...] = ()
    ends: tuple[Ended, ...] = ()
    notices: tuple[Notice, ...] = ()
    """Who in the house is told of it."""
    organisation: str | None = None
    """The version of the organisation file that holds for the case from here on, where it is another than before."""


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
    parent: str | None = None
    """The case of which this is a part that was split off."""
    category: str | None = None
    """What it is about: the duty of the organisation file that it falls under."""
    urgent: bool = False
    scope: Literal["external", "internal"] = "external"
    """Whether it comes from outside the organisation or from its own staff (M29)."""
    sender_kind: str | None = None
    liaison: str | None = None
    """The person posted with its sender, who is told what becomes of it (M08, M37)."""


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
    by: Literal["rule", "line", "sender", "coordinator", "return_refused", "transfer", "split"]
    """Who or what decided: a duty's words, the department's own line it came by, the sender's wish, the coordinator, or
    the department that had it."""
    rule: str | None = None
    """The duty that decided, by its id."""
    words: ContentRef | None = None
    """What whoever decided wrote to the department."""
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

    deemed: bool = False
    """Nobody did anything until the limit, which counts as taking it on (視同簽收)."""


class CaseReturned(CaseEvent, type="case.returned", topic="cases"):
    """The department says it is not responsible (退回); the coordinator decides."""

    department: str
    reason: ReturnReason
    words: ContentRef | None = None
    proposed: str | None = None
    """The department that the returning one thinks responsible."""
    site_visit: bool = False
    """Somebody went to look, which takes longer."""


class ReturnDecided(CaseEvent, type="case.return_decided", topic="cases"):
    """The coordinator upheld the return or refused it; an assignment follows."""

    upheld: bool
    department: str
    """The one that had returned it."""
    words: ContentRef | None = None
    booked: tuple[Booking, ...] = ()
    """An upheld return's time goes to whoever assigned, a refused one's to the returner."""


class SenderContacted(CaseEvent, type="case.contacted", topic="cases"):
    """The department spoke to the sender, or tried to."""

    outcome: Literal["reached", "not_reached", "refused"]
    callback: bool = False
    """It was to tell the final answer to a sender who left no address."""
    site_visit: bool = False
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
    direct: bool = False
    """The coordinator answered, no department had it."""
    drafted_by: str | None = None
    """Who wrote it, where another signed it off."""


class FeedbackGiven(CaseEvent, type="case.feedback_given", topic="cases"):
    """What the sender says of the answer."""

    solved: bool
    satisfied: bool | None = None
    words: ContentRef | None = None


class CaseClosed(CaseEvent, type="case.closed", topic="cases"):
    """The end, with its outcome. Silence is recorded as silence, never as consent."""

    outcome: Outcome
    solved: bool | None = None
    reason: DeclineReason | None = None
    words: ContentRef | None = None


class CaseReopened(CaseEvent, type="case.reopened", topic="cases"):
    """It was not over."""

    reason: Literal["not_solved", "reviewed", "by_hand", "not_passed"]
    words: ContentRef | None = None


class CaseClassified(CaseEvent, type="case.classified", topic="cases"):
    """What it is was corrected; limits that follow from it are counted anew, from when they began."""

    kind: Kind
    category: str | None = None
    urgent: bool = False
    case_class: CaseClass | None = None
    words: ContentRef | None = None


class AssistAsked(CaseEvent, type="case.assist_asked", topic="cases"):
    """Another department is asked to help, with a deadline of its own; the lead stays where it is (M04, M11)."""

    assist: str
    """The id of the obligation to assist."""
    department: str
    words: ContentRef


class AssistGiven(CaseEvent, type="case.assist_given", topic="cases"):
    """The end of an assist: given, declined by the one asked, or no longer needed by the one who asked."""

    assist: str
    department: str
    outcome: Literal["given", "declined", "released"]
    words: ContentRef | None = None


class CaseSuspended(CaseEvent, type="case.suspended", topic="cases"):
    """The clock stands still, for a reason, until an instant at most."""

    reason: PauseReason
    until: datetime
    words: ContentRef | None = None


class CaseResumed(CaseEvent, type="case.resumed", topic="cases"):
    """The clock runs again: the sender replied, the time was over, somebody said so, or what it stood for was done."""

    reason: Literal["reply", "lapsed", "by_hand", "answered"]


class ExtensionAsked(CaseEvent, type="case.extension_asked", topic="cases"):
    """The department asks for more time."""

    limit: str
    due: datetime
    """When it would have to resolve the case then."""
    words: ContentRef


class ExtensionDecided(CaseEvent, type="case.extension_decided", topic="cases"):
    """It was granted or refused; the sender is told of a new date."""

    granted: bool
    due: datetime | None = None
    """When the department must resolve it now."""
    promise: datetime | None = None
    """What the sender is promised now."""
    words: ContentRef | None = None


class CaseUrged(CaseEvent, type="case.urged", topic="cases"):
    """Somebody asks whoever holds the case to hurry (催辦)."""

    by: Literal["coordinator", "leader", "supervisor", "sender"]
    words: ContentRef | None = None


class CaseEscalated(CaseEvent, type="case.escalated", topic="cases"):
    """A case enters the ladder higher up, for what it is: the post is told why (M12)."""

    case_class: CaseClass
    to: str
    """The post, as the organisation file writes it."""
    words: ContentRef | None = None
    """What the officer who escalated it put before the post: content of the shape `Options` (M03)."""


class OpinionAsked(CaseEvent, type="case.opinion_asked", topic="cases"):
    """A department or post is consulted, with options to choose from (M03)."""

    opinion: str
    """The id of the obligation to give an opinion."""
    to: str
    words: ContentRef
    """Content of the shape `Options`."""


class OpinionGiven(CaseEvent, type="case.opinion_given", topic="cases"):
    """What was asked upwards is answered; an option is chosen, or another way shown."""

    opinion: str
    choice: int | None = None
    """The option's place in the list, from 1."""
    words: ContentRef


class AnswerDrafted(CaseEvent, type="case.answer_drafted", topic="cases"):
    """A final answer is written and waits for its sign-off."""

    words: ContentRef
    resolved: bool = False


class AnswerSentBack(CaseEvent, type="case.answer_sent_back", topic="cases"):
    """The draft does not leave the house like this."""

    words: ContentRef


class CaseSolved(CaseEvent, type="case.resolved", topic="cases"):
    """The department says that the matter itself is solved, and what shows it (M24)."""

    words: ContentRef


class CaseInspected(CaseEvent, type="case.inspected", topic="cases"):
    """Somebody else looked whether it is solved."""

    passed: bool
    words: ContentRef | None = None


class CaseContested(CaseEvent, type="case.contested", topic="cases"):
    """The sender does not agree with how it ended; another person reviews that."""

    outcome: Outcome
    """The end that is contested."""
    words: ContentRef


class CaseReviewed(CaseEvent, type="case.reviewed", topic="cases"):
    """Another person looked at a sender's "no": it is done again, followed up, or was right as it was (M05)."""

    outcome: Literal["reopened", "followed_up", "upheld"]
    words: ContentRef


class PraisePassedOn(CaseEvent, type="case.praise_passed_on", topic="cases"):
    """Praise reached those whom it is for, and their leader (M31)."""

    department: str


class CaseErased(CaseEvent, type="case.erased", topic="cases"):
    """What was said in it is no more, or part of that; the entries stay, and everything that they prove."""

    erasure: str
    """The erasure's id."""
    ground: Literal["asked", "retention", "court"]


class SenderOpened(CaseEvent, type="case.sender_opened", topic="cases"):
    """Somebody had a case opened for them with who sent it, which is closed otherwise, and said why."""

    reason: OpeningReason
    """To handle it, for an inquiry into it, for the sender's protection, because a court asks."""


class CaseRescheduled(CaseEvent, type="case.rescheduled", topic="cases"):
    """Another calendar holds: running deadlines moved, what was promised too, since it is working time as they are.

    What is late stays late.
    """

    calendar: str
    """The digest of the calendars that hold now."""
    promise: datetime | None = None
    """What the sender is promised now, where that moved."""
    extension: datetime | None = None
    """When it would be due with the time that was asked for and is not decided on, where that moved."""
    paused: tuple[Started, ...] = ()
    """What stands still, under the ids it had, with the end from which it goes on when the clock runs again."""


class CaseAlarmed(CaseEvent, type="case.alarmed", topic="cases"):
    """Rungs of one instant: remind, warn, breach, escalate. One notice for each person whom they concern.

    After an outage it holds what was missed as well; only each obligation's present rung is told of.
    """

    at: datetime
    """The latest of the rungs' instants."""
    rungs: list[Rung]
