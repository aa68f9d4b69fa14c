"""Receipts: a signed promise that a message will be in the trail (DESIGN.md section 7).

A receipt is a signed note (c2sp.org/signed-note) whose text names the trail, the message, its entry's leaf hash
(RFC 6962), the time, and by when the trail will cover it. Ed25519 is deterministic, so the same message's receipt is
always the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Self

from shared.events import timestamp
from shared.note import (
    NoteError,
    SignatureError,
    Signer,
    Verifier,
    decode_base64,
    encode_base64,
    open_note,
    sign_note,
)

HEADER = "throughline receipt v1"
MERGE_DELAY_SECONDS = 60
_DELAY = re.compile(r"merge delay ([1-9][0-9]{0,8}) s", re.ASCII)


@dataclass(frozen=True)
class Receipt:
    """What was promised: that the trail named `origin` covers the entry with this leaf hash in time."""

    origin: str
    message: str
    leaf: bytes
    time: datetime
    merge_delay: int = MERGE_DELAY_SECONDS
    """Seconds after `time` by which a checkpoint covers the entry."""

    @classmethod
    def of(cls, origin: str, message: str, entry: bytes, time: datetime) -> Self:
        """The receipt for an entry's bytes."""
        return cls(origin, message, sha256(b"\x00" + entry).digest(), time)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note's text; says nothing of signatures. Raises NoteError."""
        lines = text.split("\n")
        if len(lines) != 7 or lines[0] != HEADER:
            raise NoteError(f"not a receipt: expected {HEADER!r} and five lines more")
        _, origin, message, leaf, time, delay, _ = lines
        delayed = _DELAY.fullmatch(delay)
        try:
            instant = datetime.fromisoformat(time)
        except ValueError:
            raise NoteError(f"receipt's time: expected RFC 3339, got {time!r}") from None
        if delayed is None or instant.tzinfo is None:
            raise NoteError("receipt: its time has no zone, or its merge delay isn't in seconds")
        receipt = cls(origin, message, decode_base64(leaf, "receipt's leaf hash"), instant, int(delayed[1]))
        if receipt.text != text or len(receipt.leaf) != 32:
            raise NoteError("receipt: its leaf hash or its time isn't in the form we write")
        return receipt

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return (
            f"{HEADER}\n{self.origin}\n{self.message}\n{encode_base64(self.leaf)}\n{timestamp(self.time)}\n"
            f"merge delay {self.merge_delay} s\n"
        )

    def sign(self, signer: Signer) -> bytes:
        """The receipt's bytes."""
        return sign_note(self.text, [signer])


def receipt_signer(origin: str, seed: bytes) -> Signer:
    """The receipt key of a trail: named after it."""
    return Signer(f"{origin}/receipt", seed)


def open_receipt(note: bytes, keys: Iterable[Verifier]) -> Receipt:
    """Verify the signature and read the receipt. Raises NoteError, SignatureError."""
    opened = open_note(note, keys)
    receipt = Receipt.parse(opened.text)
    if all(key.name != f"{receipt.origin}/receipt" for key in opened.signers):
        raise SignatureError(
            f"receipt of another trail: {receipt.origin!r} isn't that of the key {opened.signers[0].name!r}"
        )
    return receipt
