"""Signed names: what we hand out and know again when it comes back, without having stored it.

A reply address names the case it answers, a Message-ID the delivery it was, a tracking code the message it follows.
Each ends in a truncated HMAC under a key of its own purpose, so that nobody can make one up.
"""

from __future__ import annotations

import hmac
import re

from shared.keys import Keys

_MAC_BYTES = 8  # not guessable online, and the local part of an address stays below 64
_REPLY = re.compile(r"\+([0-9a-f]{32})([0-9a-f]{16})@", re.ASCII)
_MESSAGE_ID = re.compile(r"<?([0-9a-f]{32})\.([0-9a-f]{32})\.([0-9a-f]{16})@", re.ASCII)
_TRACKING = re.compile(r"([0-9a-f]{32})([0-9a-f]{16})", re.ASCII)


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), "sha256").digest()[:_MAC_BYTES].hex()


def _body(id: str) -> str:
    return id.partition("_")[2]


class Tokens:
    """Makes and reads signed names, with the installation's keys."""

    def __init__(self, keys: Keys) -> None:
        self._reply = keys.purpose("reply")
        self._delivery = keys.purpose("delivery")
        self._tracking = keys.purpose("tracking")

    def reply_address(self, case_id: str, address: str) -> str:
        """`line@example.org` → `line+<case><mac>@example.org`: what is sent there belongs to the case."""
        local, _, domain = address.partition("@")
        body = _body(case_id)
        return f"{local}+{body}{_mac(self._reply, body)}@{domain}"

    def read_reply_address(self, address: str) -> str | None:
        """The case that a reply address names, or None where it is none of ours."""
        found = _REPLY.search(address.lower())
        if found and hmac.compare_digest(found[2], _mac(self._reply, found[1])):
            return f"case_{found[1]}"
        return None

    def message_id(self, delivery_id: str, case_id: str, domain: str) -> str:
        """The one Message-ID of a delivery, however often it is handed over."""
        text = f"{_body(delivery_id)}.{_body(case_id)}"
        return f"<{text}.{_mac(self._delivery, text)}@{domain}>"

    def read_message_id(self, message_id: str) -> tuple[str, str] | None:
        """The delivery and the case that a Message-ID of ours names, or None."""
        found = _MESSAGE_ID.search(message_id.lower())
        if found and hmac.compare_digest(found[3], _mac(self._delivery, f"{found[1]}.{found[2]}")):
            return f"dlv_{found[1]}", f"case_{found[2]}"
        return None

    def tracking_code(self, message_id: str) -> str:
        """The secret by which a sender follows a message."""
        body = _body(message_id)
        return body + _mac(self._tracking, body)

    def read_tracking_code(self, code: str) -> str | None:
        """The message that a code follows, or None where it is wrong."""
        found = _TRACKING.fullmatch(code.strip().lower())
        if found and hmac.compare_digest(found[2], _mac(self._tracking, found[1])):
            return f"msg_{found[1]}"
        return None
