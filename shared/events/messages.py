"""Topic `messages`, owned by intake: what came in, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.content import ContentRef
from shared.events.envelope import Event, Part

Channel = Literal["web", "email", "phone", "sms", "counter", "open311", "cloudevents"]
Kind = Literal["problem", "complaint", "report", "enquiry", "suggestion", "praise"]
Refusal = Literal["nothing-said", "not-for-us", "advertising", "unreadable", "repeated", "other"]
"""Why a person refused a quarantined message."""


class Automatic(Part):
    """Why a mail is taken as automatic (RFC 3834), and the delivery it answers where its token says so."""

    kind: Literal["bounce", "auto-reply", "generated", "report", "receipt", "loop"]
    delivery: str | None = None
    permanent: bool = False


class MessageReceived(Event, type="message.received", topic="messages"):
    """One thing said to us. `words` is content of the shape `MessageWords`, `raw` the bytes as they came."""

    channel: Channel
    endpoint: str
    """The mailbox or endpoint it came by, for the balance of what came in."""
    words: ContentRef
    raw: ContentRef | None = None
    attachments: tuple[ContentRef, ...] = ()
    thread: str
    """The conversation's keyed pseudonym; also the partition key."""
    earlier: tuple[str, ...] = ()
    """Keyed pseudonyms of the other messages it refers to, oldest first."""
    reply_case: str | None = None
    """The case of ours it answers, as a token that we signed says."""
    follows: str | None = None
    """The message of ours whose tracking code its sender holds: they are of one sender, whoever that is."""
    hint_ref: str | None = None
    """A case's ref that the sender typed: a hint, never proof."""
    kind: Kind | None = None
    department: str | None = None
    """The department that the sender named, if any."""
    sender_kind: str | None = None
    language: str | None = None
    can_mail: bool = False
    """Whether the sender left an e-mail address to answer to."""
    acknowledge: bool = True
    """False where no machine may answer it (RFC 3834): lists, bulk mail, null senders."""
    anonymous: bool = False
    arrived_at: datetime | None = None
    """When it came in, where it stood in quarantine first; else it came when the event says."""
    occurred_at: datetime | None = None
    defects: tuple[str, ...] = ()


class MessageQuarantined(Event, type="message.quarantined", topic="messages"):
    """Accepted and kept, but a person must look before it becomes a case."""

    channel: Channel
    endpoint: str
    reason: str
    raw: ContentRef
    words: ContentRef | None = None
    thread: str
    message: MessageReceived | None = None
    """What it becomes if a person releases it."""


class MessageRefused(Event, type="message.refused", topic="messages"):
    """Kept, but never becomes a case: automatic mail that matches no delivery."""

    channel: Channel
    endpoint: str
    reason: str
    raw: ContentRef
    automatic: Automatic | None = None


class DeliveryAnswered(Event, type="message.delivery_answered", topic="messages"):
    """Automatic mail about one of our deliveries: attached to it, not to a case."""

    channel: Channel
    endpoint: str
    raw: ContentRef
    automatic: Automatic


class MessageReleased(Event, type="message.released", topic="messages"):
    """A person has looked at a quarantined message: it becomes a case (`received` follows) or is refused."""

    actor: str
    outcome: Literal["case", "refused"]
    reason: Refusal | None = None
    note: ContentRef | None = None
    """Why it was refused, in the person's words: content of the shape `Note`."""


class MessageSettled(Event, type="message.settled", topic="messages"):
    """What became of it: the end of intake's responsibility."""

    outcome: Literal["new", "attached", "unverified"]
    case: str
    ref: str


class MessageSentAgain(Event, type="message.sent_again", topic="messages"):
    """Not settled in time: sent to routing again, and alarmed."""

    message: MessageReceived
    after_seconds: int
