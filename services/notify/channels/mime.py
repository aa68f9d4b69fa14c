"""Mails by filling a prepared skeleton: a hundredth of what `email.message` takes (LIMITS.md), and nothing is injected.

Both parts are base64, whose alphabet has no `_`: the boundary can't occur in them. Header values are ASCII without
control characters, or encoded words (RFC 2047).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence

BOUNDARY = "=_throughline_alternative"
MOST_LINE = 76
_WORD_OCTETS = 45  # 60 characters in base64; `=?utf-8?b??=` makes 72 of an encoded word's 75 at most
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PLAIN = re.compile(r"[\x20-\x7e]*", re.ASCII)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", re.ASCII)
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>", re.ASCII)
MOST_REFERENCES = 20


def clean(text: str) -> str:
    """One line without control characters: what a header may hold."""
    return _CONTROL.sub(" ", text).strip()


def encoded_words(text: str) -> str:
    """Text as RFC 2047 encoded words, folded, none of them splitting a character."""
    if len(whole := text.encode("utf-8", "replace")) <= _WORD_OCTETS:
        return _word(whole)
    words: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for character in text:
        octets = character.encode("utf-8", "replace")
        if size + len(octets) > _WORD_OCTETS:
            words.append(b"".join(part))
            part, size = [], 0
        part.append(octets)
        size += len(octets)
    words.append(b"".join(part))
    return "\r\n ".join(_word(word) for word in words)


def _word(octets: bytes) -> str:
    return f"=?utf-8?b?{b2a_base64(octets, newline=False).decode()}?="


def unstructured(text: str, room: int = MOST_LINE - len("Subject: ")) -> str:
    """The value of a header such as Subject."""
    text = clean(text)
    if len(text) <= room and _PLAIN.fullmatch(text) and "=?" not in text:
        return text
    return encoded_words(text)


def mailbox(address: str, name: str = "") -> str:
    """`address`, or `name <address>` with the name as atoms, quoted string or encoded words."""
    name = clean(name)
    if not name:
        return address
    if not _PLAIN.fullmatch(name) or len(name) > MOST_LINE - len('To: ""') or "=?" in name:
        phrase = encoded_words(name)
    elif _ATOMS.fullmatch(name):
        phrase = name
    else:
        phrase = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{phrase}\r\n <{address}>"


def thread(message_id: str | None, references: Sequence[str]) -> str:
    """`In-Reply-To` and `References` (RFC 5322 section 3.6.4) that answer a message; nothing for an invalid id."""
    if message_id is None or not _MESSAGE_ID.fullmatch(message_id):
        return ""
    earlier = [one for one in references if one != message_id and _MESSAGE_ID.fullmatch(one)]
    if len(earlier) >= MOST_REFERENCES:
        earlier = [earlier[0], *earlier[2 - MOST_REFERENCES :]]
    folded = "\r\n ".join([*earlier, message_id])
    return f"In-Reply-To: {message_id}\r\nReferences: {folded}\r\n"


def _body(text: str) -> bytes:
    lines = text.encode("utf-8", "replace").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    encoded = b2a_base64(lines, newline=False)
    return b"\r\n".join([encoded[at : at + MOST_LINE] for at in range(0, len(encoded), MOST_LINE)])


def skeleton(sender: str, language: str, *, automatic: bool) -> tuple[bytes, bytes, bytes]:
    """What stays the same: the fixed headers up to the plain part, between the parts, and the end."""
    headers = [
        f"From: {sender}",
        "MIME-Version: 1.0",
        f"Content-Language: {language}",
        # all that Exchange would send of itself but non-delivery reports, which we must hear of
        "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
        *(["Auto-Submitted: auto-generated"] if automatic else []),
        f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"',
    ]

    def part(kind: str) -> str:
        return (
            f"--{BOUNDARY}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n"
        )

    head = "\r\n".join(headers) + "\r\n\r\n" + part("plain")
    return head.encode(), f"\r\n{part('html')}".encode(), f"\r\n--{BOUNDARY}--\r\n".encode()


def fill(prepared: tuple[bytes, bytes, bytes], headers: str, text: str, html: str) -> bytes:
    """A whole mail. `headers` are lines that end in CRLF, made by the functions above."""
    head, between, end = prepared
    return b"".join((headers.encode("ascii"), head, _body(text), between, _body(html), end))
