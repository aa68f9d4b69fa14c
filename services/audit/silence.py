"""Proof of silence: that after an entry nothing more was recorded of a message and its case, up to a size of the log.

Where entries are restricted, the log says so in a signed statement, a signed note (c2sp.org/signed-note). It speaks of
the message's own entries and its case's own, not of deliveries. It says the time by the operator's clock; a witness's
cosignature of the same tree says it by another. A later entry below that size convicts who signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import orjson

from services.audit.log import NoteError, SignatureError, Signer, TreeState, Verifier, open_note, sign_note
from shared.events import timestamp
from shared.note import decode_base64, encode_base64

HEADER = "throughline silence v1"
_TEXT = re.compile(
    re.escape(HEADER) + r"\n(?P<origin>\S+)\nmessage (?P<message>\S+) (?P<said>[1-9][0-9]{0,9})\n"
    r"case (?:none|(?P<case>\S+) (?P<done>[1-9][0-9]{0,9}))\n"
    r"entry (?P<entry>0|[1-9][0-9]{0,15})\nsize (?P<size>[1-9][0-9]{0,15})\nroot (?P<root>\S+)\n"
    r"time (?P<time>\S+) by the operator's clock\n",
    re.ASCII,
)


@dataclass(frozen=True)
class LastWord:
    """The last that was recorded of a message and its case."""

    message: str
    said: int = 0
    """The sequence of the message's last entry; 0 where there is none."""
    case: str | None = None
    done: int = 0
    """The sequence of the case's last entry."""
    entry: int = 0
    """The index of the last entry of both."""

    def after(self, index: int, entry: bytes) -> Self:
        """The last word once this entry, the log's next, is read."""
        if self.message.encode() not in entry and (self.case is None or self.case.encode() not in entry):
            return self
        event = _event(entry)
        subject, sequence = event.get("subject"), _sequence(event)
        if subject == self.message:
            return replace(self, said=sequence, entry=index)
        if subject == self.case or (self.case is None and _of_message(event) == self.message):
            return replace(self, case=str(subject), done=sequence, entry=index)
        return self


def last_word(message: str, entries: Iterable[tuple[int, bytes]]) -> LastWord:
    """What a scan over entries, in the log's order, finds of a message."""
    word = LastWord(message)
    for index, entry in entries:
        word = word.after(index, entry)
    return word


@dataclass(frozen=True)
class Statement:
    """What the log says: this is the last word in the tree of that state."""

    origin: str
    word: LastWord
    state: TreeState
    time: datetime

    @property
    def text(self) -> str:
        """The note text that is signed."""
        word = self.word
        return (
            f"{HEADER}\n{self.origin}\nmessage {word.message} {word.said}\n"
            f"case {f'{word.case} {word.done}' if word.case else 'none'}\n"
            f"entry {word.entry}\nsize {self.state.size}\nroot {encode_base64(self.state.root)}\n"
            f"time {timestamp(self.time)} by the operator's clock\n"
        )

    def sign(self, *signers: Signer) -> bytes:
        """The statement's bytes."""
        return sign_note(self.text, signers)

    @classmethod
    def parse(cls, text: str) -> Statement:
        """Read a note's text; says nothing of signatures. Raises NoteError."""
        found = _TEXT.fullmatch(text)
        try:
            if found is None:
                raise ValueError("its lines are others")
            word = LastWord(
                found["message"],
                int(found["said"]),
                found["case"],
                int(found["done"] or 0),
                int(found["entry"]),
            )
            state = TreeState(int(found["size"]), decode_base64(found["root"], "statement's root"))
            statement = cls(found["origin"], word, state, datetime.fromisoformat(found["time"]))
            if statement.text != text:
                raise ValueError("it isn't in the form we write")
        except ValueError as error:
            raise NoteError(f"not a statement of silence: {error}") from None
        return statement

    def contradicted_by(self, index: int, entry: bytes) -> bool:
        """Whether an entry of the log says that there was more: it is below the size, and later than the last word."""
        if index >= self.state.size:
            return False
        word, event = self.word, _event(entry)
        subject, sequence = event.get("subject"), _sequence(event)
        if subject == word.message:
            return sequence > word.said
        if word.case is not None:
            # Another case of the same message, split off, is another matter.
            return subject == word.case and sequence > word.done
        return _of_message(event) == word.message


def open_statement(note: bytes, keys: Iterable[Verifier]) -> Statement:
    """Verify the signature and read the statement. Raises NoteError, SignatureError."""
    opened = open_note(note, keys)
    statement = Statement.parse(opened.text)
    if all(key.name != statement.origin for key in opened.signers):
        raise SignatureError(
            f"statement of another log: {statement.origin!r} isn't {opened.signers[0].name!r}"
        )
    return statement


def _event(entry: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(entry)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}


def _sequence(event: dict[str, Any]) -> int:
    sequence = event.get("sequence")
    return int(sequence) if isinstance(sequence, str) and sequence.isdigit() else 0


def _of_message(event: dict[str, Any]) -> object:
    """The message by which a case was opened, or that was attached to it."""
    data, kind = event.get("data"), event.get("type")
    if kind not in {"throughline.case.opened", "throughline.case.message_attached"} or not isinstance(
        data, dict
    ):
        return None
    return data.get("message")
