"""What content looks like inside: the shapes that are sealed. None of this travels on the bus or enters the trail."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shared.events.content import ContentRef


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
    """Why something can't be read stands in logs and with held events: without what somebody said."""


class Sender(_Words):
    """Who says it, as far as they told us."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    kind: str | None = None
    """citizen, enterprise, staff or association."""
    organisation: str | None = None
    language: str | None = None


class Attachment(_Words):
    """A file that came with it; its bytes are content of their own."""

    name: str
    content_type: str
    content: ContentRef


class MessageWords(_Words):
    """One message, as it is read."""

    subject: str = ""
    text: str = ""
    quoted: str = ""
    """What a mail quoted of earlier ones: not read again, but kept."""
    sender: Sender = Field(default_factory=Sender)
    message_id: str | None = None
    """The channel's own id (a mail's Message-ID), for answering in its thread."""
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    code_hash: str | None = None
    """A slow hash of the secret half of an anonymous sender's tracking code; not for anybody's eyes."""
    details: dict[str, str] = {}
    """What the channel knows besides, such as a call's id and length."""


class Evidence(_Words):
    """Why a department was chosen: shown to officers, never in the trail."""

    words: tuple[str, ...] = ()
    score: int = 0
    alternatives: dict[str, int] = {}


class Note(_Words):
    """What an officer or a sender wrote in the course of a case: an answer, a question, a reason."""

    text: str
    attachments: tuple[Attachment, ...] = ()


class ProbeSecret(_Words):
    """Which message a probe is, until it is revealed: for supervisors alone (M32)."""

    message: str
    salt: str
    """In hex."""


class Option(_Words):
    """One way to go on."""

    name: str = Field(min_length=1, max_length=500)
    pros: str = Field("", max_length=2_000)
    cons: str = Field("", max_length=2_000)
    risks: str = Field("", max_length=2_000)


class Options(Note):
    """What goes up with a question: an answer is prepared, with what speaks for and against it (M03)."""

    options: tuple[Option, ...] = ()
    preferred: int = 1
    """The one preferred, counted from 1."""
