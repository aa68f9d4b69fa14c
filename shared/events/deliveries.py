"""Topic `deliveries`, owned by notify: one thing to tell one party on one channel, until it arrived or was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.cases import DeclineReason
from shared.events.content import ContentRef
from shared.events.envelope import Event, Part

Template = Literal[
    "acknowledgement",
    "thanks",
    "answer",
    "question",
    "declined",
    "extended",
    "handed_over",
    "reviewed",
    "merged",
    "alarm",
    "told",
    "digest",
    "assigned",
    "coordinator",
    "reopened",
]
"""What a delivery says. To senders: from `acknowledgement` to `merged`. In the house: `alarm` of rungs that fell,
`told` of whatever else happened, `digest` of a day's of both. Nothing is said by the last three, which stood first."""
Happening = Literal[
    "assigned",
    "return_refused",
    "queued",
    "returned",
    "praise",
    "assist_asked",
    "cross",
    "assist_given",
    "assist_declined",
    "assist_released",
    "drafted",
    "sent_back",
    "extension_asked",
    "extension_granted",
    "extension_refused",
    "escalated",
    "opinion_asked",
    "opinion_given",
    "urged",
    "not_satisfied",
    "contested",
    "reopened",
    "explanation_asked",
    "explained",
    "ordered",
    "ordered_again",
    "rectified",
    "liaison_arrived",
    "liaison_answered",
    "changed",
]
"""What somebody in the house is told of. `cross`: a case became one of several departments. `liaison_…`: to the person
posted with its sender. `changed`: what has no word of its own."""


class AlarmedRung(Part):
    """What a reminder or notice tells of one rung: who owes what, since when, by when."""

    obligation: str
    kind: str
    owner: str
    """A department's id, or `coordinator`."""
    action: str
    rung: int
    since: datetime
    due: datetime


class OwedThing(Part):
    """What a notice says is owed, by whom, by when."""

    kind: str
    owner: str
    """A department's id, `coordinator`, or a post."""
    due: datetime


class DeliveryQueued(Event, type="delivery.queued", topic="deliveries"):
    """Somebody must be told. The first attempt and its deadline are recorded with it, before any socket opens; what
    must wait has no attempt before its time has come."""

    case: str
    """The case's id; a digest's own where it is of several cases, which has no `ref`."""
    ref: str
    about: str
    """The id of the event that is told of."""
    template: Template
    channel: Literal["email"]
    party: str
    """`sender`, or an officer's opaque id."""
    language: str
    attempt_deadline: datetime | None = None
    message: str | None = None
    """The message that the case began with: the sender's tracking code is made of it."""
    words: ContentRef | None = None
    """That message's content: where the sender's address stands, and the thread to answer in. In the house: the options
    that an opinion chooses from."""
    note: ContentRef | None = None
    """The content of what is told: an answer, a question, what was written to whoever is told; a digest's list."""
    final: bool = False
    """The answer is the last word, and the sender is asked about it."""
    closes_at: datetime | None = None
    """When a case that was answered finally is closed, if its sender stays silent."""
    declined: DeclineReason | None = None
    """Why the case is not taken on."""
    promise: datetime | None = None
    rungs: tuple[AlarmedRung, ...] = ()
    not_before: datetime | None = None
    """When it may be told: the hours of whom it is for. Absent: at once."""
    until: datetime | None = None
    """Until when a reply is awaited, or how far an extension goes."""
    department: str | None = None
    """The department that it is about: who has the case now, who was asked, who gave its part."""
    outcome: Literal["reopened", "followed_up", "upheld", "taken_up"] | None = None
    """How a review ended; `taken_up`: the case was opened again without one."""
    other: str | None = None
    """The ref of the case that it goes on as."""
    happened: Happening | None = None
    actor: str | None = None
    """Who did it: an opaque id, or `sender`."""
    choice: int | None = None
    """The option that was chosen, counted from 1."""
    owed: tuple[OwedThing, ...] | None = None


class DeliveryAttempted(Event, type="delivery.attempted", topic="deliveries"):
    """An attempt begins, a further one or the first of what had to wait; nobody else opens the socket before its
    deadline."""

    attempt: int
    deadline: datetime
    after: Literal["pause", "deadline", "restart"] | None = None
    """What went before: the pause after a failure; an attempt whose deadline passed without an outcome; one that ended
    with its process, before its deadline, which may have handed the mail over."""


class DeliverySent(Event, type="delivery.sent", topic="deliveries"):
    """The next hop has taken it."""

    attempt: int
    case: str


class DeliveryDeferred(Event, type="delivery.deferred", topic="deliveries"):
    """An attempt failed; it will be tried again."""

    attempt: int
    reason: str
    next_at: datetime


class DeliveryFailed(Event, type="delivery.failed", topic="deliveries"):
    """Given up, or refused for good: a person must find another way."""

    attempt: int
    reason: str
    case: str


class DeliveryBounced(Event, type="delivery.bounced", topic="deliveries"):
    """The receiving side sent it back after it was taken."""

    message: str
    permanent: bool
    case: str


class DeliveryReplied(Event, type="delivery.auto_replied", topic="deliveries"):
    """An automatic answer to it came in (out of office, receipt): noted, nothing else."""

    message: str
    kind: str


class DigestItem(Part):
    """One thing in somebody's digest."""

    case: str
    ref: str
    what: str
    """A rung's action, or a `Happening`."""
    obligation: str | None = None
    """With whose end it need not be told any more."""
    kind: str | None = None
    owner: str | None = None
    due: datetime | None = None


class DigestNoted(Event, type="digest.noted", topic="deliveries"):
    """Something waits for a person's digest of an instant."""

    person: str
    at: datetime
    about: str
    """The id of the event that is told of."""
    items: tuple[DigestItem, ...]


class DigestClosed(Event, type="digest.closed", topic="deliveries"):
    """Its time has come: nothing is added any more. Where nothing is left to tell, no mail is made."""

    told: int
    left_out: int
    """What was done meanwhile, or said twice."""
    note: ContentRef | None = None
    """The content of its list."""


class DigestHandedOver(Event, type="digest.handed_over", topic="deliveries"):
    """It is a delivery from here on."""

    delivery: str


class DeliveriesHeld(Event, type="sending.held", topic="deliveries"):
    """Nothing leaves the house from here on; what is to be told waits."""

    actor: str
    """`operator` where a command did it on a stopped installation."""
    reason: Literal["restored", "by_hand"]


class DeliveriesReleased(Event, type="sending.released", topic="deliveries"):
    """What waited goes out."""

    actor: str
