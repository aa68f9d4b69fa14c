"""What a mail says, once it has been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

# What was repaired or left out while reading. Codes only: they go into metrics and the trail.
DEFECTS = {
    "unreadable": "the mail could not be taken apart; its text is all its bytes, read as well as they can be",
    "no-message-id": "it has no Message-ID",
    "no-sender": "no address can be read from From or Sender",
    "header-damaged": "a line in the header is no field; it was read as part of the one before",
    "header-truncated": "the header, or the subject, is longer than we read",
    "date-damaged": "the Date says no time that can be",
    "boundary-missing": "a multipart without its boundary; one was guessed, or its body read as text",
    "encoding-damaged": "base64, quoted-printable or uuencode broke off or did not decode",
    "charset-guessed": "the character set was missing or wrong; the bytes decided",
    "too-deep": "parts nested deeper than we follow; they are kept undivided",
    "too-many-parts": "more parts than we take apart",
    "text-truncated": "the text is longer than we show; the original has it all",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A name and an address (`local@domain`, as written); either may be empty."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not the text. `content` is decoded; of an attached mail (`message/rfc822`) it is the
    mail itself."""

    name: str
    content_type: str
    content: bytes
    inline: bool = False
    content_id: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. Message-IDs are without their angle brackets; every text is valid UTF-8 without control
    characters."""

    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    sender: Address = Address("", "")
    reply_to: tuple[Address, ...] = ()
    recipients: tuple[str, ...] = ()
    subject: str = ""
    date: datetime | None = None
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    languages: tuple[str, ...] = ()
    content_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    defects: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The first header field of that (lower-case) name, unfolded, its encoded words left as they are."""
        return next((value for key, value in self.headers if key == name), None)
