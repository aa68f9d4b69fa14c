"""Mail addresses as people leave them, brought into the form SMTP takes (RFC 5321, 5322; domains by RFC 3490)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_OCTETS = 254
"""RFC 5321 section 4.5.3.1.3, less the angle brackets."""
MOST_LOCAL = 64

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_NAMED = re.compile(r"([^<>]*)<([^<>]*)>\s*")


class BadAddress(ValueError):
    """No address that mail can be sent to."""


@dataclass(frozen=True, slots=True)
class MailAddress:
    """Where mail goes, and whom it is for."""

    address: str
    """`local@domain`, all ASCII: the domain in its IDNA form."""
    name: str = ""


def read_address(text: str, name: str = "") -> MailAddress:
    """Read `a@b` or `Name <a@b>`. Raises BadAddress for the null address and whatever SMTP can't carry."""
    if found := _NAMED.fullmatch(text):
        name = name or found[1].strip().strip('"')
        text = found[2]
    local, at, domain = text.strip().rpartition("@")
    if not at or len(local) > MOST_LOCAL or not _LOCAL.fullmatch(local):
        raise BadAddress(
            "what stands before the @ is missing, too long, or has characters that mail does not carry"
        )
    try:
        domain = domain.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError as error:
        raise BadAddress("what stands after the @ is no domain name") from error
    if not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise BadAddress("what stands after the @ is no domain name")
    if len(local) + 1 + len(domain) > MOST_OCTETS:
        raise BadAddress(f"an address has at most {MOST_OCTETS} octets")
    return MailAddress(f"{local}@{domain.lower()}", name)
