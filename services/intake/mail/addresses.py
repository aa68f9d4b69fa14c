"""Addresses, Message-IDs and dates as header fields give them (RFC 5322, 3.3, 3.4 and 3.6.4), damaged ones
included."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.intake.mail.charsets import clean
from services.intake.mail.message import Address
from services.intake.mail.words import unstructured

# A quoted string, a comment and an angle address that never close run to the end: one pass, whatever comes.
_TOKEN = re.compile(
    r'"((?:[^"\\]|\\.)*)(?:"|\Z)|\(([^()]*)(?:\)|\Z)|<([^<>]*)(?:>|\Z)|([,;])|([^",;<(]+|.)', re.DOTALL
)
# What nearly every field is; the same as the long way, sooner.
_SIMPLE = re.compile(r"([^\"'(),:;<>@\[\]]*)<([!#-&*+./-9=?A-Z^-~-]{1,256}@[A-Za-z0-9.-]{1,255})>\s*")
_ADDRESS = re.compile(r"[^\s@<>\"',;:()\[\]]{1,256}@[^\s@<>\"',;:()]{1,255}")
_REMARK = re.compile(r"[ \t]*\([^()]{0,200}\)[ \t]*")
_ID = re.compile(r"<([^<>]{1,998})>")
_FIELD_LIMIT = 64 * 1024
ADDRESS_LIMIT = 500
_ID_LIMIT = 200
_NAME_PIECES = 20  # of a name with unquoted commas; looked at again at each comma


def addresses(value: str, charset: str | None = None) -> list[Address]:
    """The addresses of a To, From or Reply-To field, at most 500. What holds no address is passed over,
    except a name that an unquoted comma cut off: it joins the name that follows (`Doe, Jane
    <j@example.org>`)."""
    if (simple := _SIMPLE.fullmatch(value)) is not None:
        return [Address(unstructured(simple[1], charset), simple[2])]
    found: list[Address] = []
    words: list[str] = []
    angle = comment = None
    for token in _TOKEN.finditer(value[:_FIELD_LIMIT] + ","):
        quoted, remark, within, separator, plain = token.groups()
        if quoted is not None:
            words.append(re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
        elif remark is not None:
            comment = remark
        elif within is not None:
            angle = within if "@" in within or angle is None else angle
        elif separator is None:
            words.append(plain)
        else:
            address = _address(words, angle, comment, charset)
            if address is None and separator == "," and 0 < len(words) < _NAME_PIECES:
                words.append(", ")
                continue
            if address is not None:
                found.append(address)
                if len(found) == ADDRESS_LIMIT:
                    break
            words, angle, comment = [], None, None
    return found


def _address(words: list[str], angle: str | None, comment: str | None, charset: str | None) -> Address | None:
    written = "".join(words).strip()
    if angle is not None and "@" in angle:
        address = _plain(angle)
        name = written
    else:
        match = _ADDRESS.search(unstructured(written, charset))
        if match is None:
            return None
        address, name = clean(match[0]).strip("."), comment or ""
    if not address:
        return None
    if ":" in name:  # a group's name (RFC 5322, 3.4) stands before its first member
        name = name.rpartition(":")[2]
    return Address(unstructured(name, charset).strip(" '\""), address)


def _plain(angle: str) -> str:
    """`local@domain` of an angle address: without remarks, source route, blanks and `mailto:`."""
    text = unstructured(_REMARK.sub("", angle.rpartition(":")[2]))
    if " " in text and not text.startswith('"') and (match := _ADDRESS.search(text)):
        text = match[0]
    return text[:512].strip(" .")


def message_ids(value: str) -> tuple[str, ...]:
    """The Message-IDs of a Message-ID, In-Reply-To or References field, in order, without brackets or
    repeats.

    Of more than 200 the oldest and the newest 199 stay (RFC 5322 lets a References field be cut in its
    middle).
    """
    if not value:
        return ()
    text = unstructured(value)
    ids = ["".join(found.split()) for found in _ID.findall(text)]
    if not ids:
        ids = [token.strip("<>,;") for token in text.split() if "@" in token]
    distinct = list(dict.fromkeys(found[:998] for found in ids if found))
    return tuple(distinct if len(distinct) <= _ID_LIMIT else distinct[:1] + distinct[1 - _ID_LIMIT :])


def date(value: str) -> datetime | None:
    """The time a Date field says, aware; an unknown zone is read as UTC. None where it says no time between
    1970 and 2200."""
    try:
        said = parsedate_to_datetime(unstructured(value[:200]))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if said.tzinfo is None:
        said = said.replace(tzinfo=UTC)
    return said if 1970 <= said.year < 2200 else None
