"""The proof that content is gone: its bytes are searched for in every file of an installation on one machine.

Sealed content says nothing without its key. What could still say it is what was derived from it: a mail in a folder, a
line in a log. So pieces of the plain text are searched for, as they would stand in UTF-8, UTF-16, JSON and
quoted-printable; mails are decoded before.
"""

from __future__ import annotations

import asyncio
import quopri
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, Field

MOST_PIECES = 32
_LEAST_BYTES = 24
"""Shorter texts stand in many places by chance: a greeting, a street's name."""
_MOST_CHARACTERS = 60
_LINES = re.compile(r"[\n\r]+")
_MAILS = frozenset({".eml", ".tmp"})
_NO_WORDS = frozenset({"ref", "commitment", "content_type", "language", "kind", "code_hash"})
"""Members of sealed models that nobody wrote."""
_TELL_EVERY = 64
_WINDOW = 4 * 2**20
"""Bytes searched in one go: whoever serves beside it waits no longer than that takes."""


class Proof(BaseModel):
    """What a search found."""

    pieces: int = Field(description="Pieces of text and bytes that were searched for")
    files: int
    bytes: int
    found: list[str] = Field(description="Files that still hold one of them; none, as it should be")


@dataclass
class Pieces:
    """What is searched for: in memory alone, and only until then."""

    texts: set[str] = field(default_factory=set)
    raw: set[bytes] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.texts) + len(self.raw)

    def add(self, content: bytes) -> None:
        """A content's pieces: the longest lines of a sealed model's texts; of other bytes, some from their midst."""
        try:
            said = _texts(orjson.loads(content))
        except orjson.JSONDecodeError:
            middle = content[len(content) // 2 :][:_LEAST_BYTES]
            if len(middle) == _LEAST_BYTES and len(set(middle)) > 2:
                self.raw.add(middle)
            return
        lines = (line.strip()[:_MOST_CHARACTERS] for text in said for line in _LINES.split(text))
        longest = sorted(lines, key=len, reverse=True)[:3]
        self.texts.update(line for line in longest if len(line.encode("utf-8", "replace")) >= _LEAST_BYTES)

    def forms(self) -> list[bytes]:
        """Each piece as it can stand in a file."""
        found = set(self.raw)
        for text in self.texts:
            plain = text.encode("utf-8", "replace")
            found |= {plain, text.encode("utf-16-le", "replace"), text.encode("utf-16-be", "replace")}
            found |= {orjson.dumps(plain.decode())[1:-1], text.encode("ascii", "backslashreplace")}
            found.add(quopri.encodestring(plain)[:_MOST_CHARACTERS])
        return sorted(found)


async def search(directory: Path, pieces: Pieces, tell: Callable[[int], None] = lambda _: None) -> Proof:
    """Search every file below a directory, in a thread; `tell` hears how many were searched."""
    return await asyncio.to_thread(_search, directory, pieces, tell)


def _search(directory: Path, pieces: Pieces, tell: Callable[[int], None]) -> Proof:
    forms = pieces.forms()
    proof = Proof(pieces=len(pieces), files=0, bytes=0, found=[])
    for path in sorted(directory.rglob("*")):
        try:
            size = path.stat().st_size if path.is_file() else 0
            if size == 0:
                continue
            if _holds(path, forms):
                proof.found.append(str(path.relative_to(directory)))
        except FileNotFoundError:  # it went meanwhile
            continue
        proof.files += 1
        proof.bytes += size
        if proof.files % _TELL_EVERY == 0:
            tell(proof.files)
    return proof


def _holds(path: Path, forms: Sequence[bytes]) -> bool:
    if path.suffix in _MAILS:
        mail = path.read_bytes()
        whole = b"\n".join((mail, *_decoded(mail)))
        return any(form in whole for form in forms)
    longest = max(map(len, forms), default=1)
    with path.open("rb") as file:
        window = b""
        while more := file.read(_WINDOW):
            window = window[1 - longest :] + more if longest > 1 else more
            if any(form in window for form in forms):
                return True
    return False


def _decoded(mail: bytes) -> Iterator[bytes]:
    """What a mail says, whatever it is encoded in."""
    message = message_from_bytes(mail)
    for value in message.values():
        for part, charset in decode_header(str(value)):
            yield part if isinstance(part, bytes) and charset else b""
    for part in message.walk():
        payload = part.get_payload(decode=True)
        yield payload if isinstance(payload, bytes) else b""


def _texts(value: Any) -> Iterator[str]:
    """What is said in a model, without what its members are called."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            if name not in _NO_WORDS:
                yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
