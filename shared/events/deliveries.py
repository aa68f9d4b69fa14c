"""Topic `deliveries`, owned by notify: one thing to tell one party on one channel, until it arrived or was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.cases import DeclineReason
from shared.events.content import ContentRef
from shared.events.envelope import Event, Part

Template = Literal[
    "acknowledgement", "answer", "question", "declined", "assigned", "alarm", "coordinator", "reopened"
]


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


class DeliveryQueued(Event, type="delivery.queued", topic="deliveries"):
    """Somebody must be told. The first attempt and its deadline are recorded with it, before any socket opens."""

    case: str
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
    """That message's content: where the sender's address stands, and the thread to answer in."""
    note: ContentRef | None = None
    """The content of what is told: an answer, a question."""
    final: bool = False
    """The answer is the last word, and the sender is asked about it."""
    closes_at: datetime | None = None
    """When a case that was answered finally is closed, if its sender stays silent."""
    declined: DeclineReason | None = None
    """Why the case is not taken on."""
    promise: datetime | None = None
    rungs: tuple[AlarmedRung, ...] = ()


class DeliveryAttempted(Event, type="delivery.attempted", topic="deliveries"):
    """A further attempt begins; nobody else opens the socket before its deadline."""

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
