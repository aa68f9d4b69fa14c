"""Mails, as people read them."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """A mail as it was handed to the relay."""

    to: str
    at: str
    subject: str
    text: str


def letter(to: str, at: str, data: bytes) -> Letter:
    """What a mail's bytes say."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    body = mail.get_body(("plain",))
    return Letter(to, at, str(mail["Subject"]), body.get_content() if body else "")
