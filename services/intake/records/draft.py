"""One record of a file as the message it will be, or why it can't be one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Sender:
    """Who said it, as far as the record tells."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    kind: str | None = None
    organisation: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The body of one POST /v1/messages; `line` is where it stands in its file (in JSON: the element)."""

    line: int
    text: str
    subject: str | None = None
    channel: str | None = None
    kind: str | None = None
    sender: Sender | None = None
    external_id: str | None = None
    occurred_at: datetime | None = None
    anonymous: bool = False
    in_reply_to: str | None = None
    defects: tuple[str, ...] = ()
    """Codes of what of the record could not be used though its words could: `date_unreadable`, `ragged`."""

    def body(self) -> dict[str, Any]:
        """The JSON object to post; what is not known is left out."""
        body = {field.name: getattr(self, field.name) for field in fields(self)}
        del body["line"], body["defects"]
        if self.sender:
            body["sender"] = {key: value for key, value in asdict(self.sender).items() if value}
        if self.occurred_at:
            body["occurred_at"] = self.occurred_at.isoformat()
        return {key: value for key, value in body.items() if value}


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that can't be a message: where it stands, why, in words a person can act on."""

    line: int
    reason_code: str
    message: str


class FileUnreadable(ValueError):
    """The file as a whole, or what was said about it, can't be used; nothing of it was taken."""

    def __init__(self, reason_code: str, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message
