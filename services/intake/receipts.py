"""Receipts: a signed promise that a message will be in the trail (DESIGN.md section 7).

A receipt is a signed note (c2sp.org/signed-note) whose text names the trail, the message, its entry's leaf hash
(RFC 6962), the time, and by when the trail will cover it. Ed25519 is deterministic, so the same message's receipt is
always the same bytes.
"""

from __future__ import annotations

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.events import Record, timestamp
from shared.note import Signer, encode_base64, sign_note

MERGE_DELAY_SECONDS = 60
HEADER = "throughline receipt v1"


class Receipts:
    """Signs receipts with intake's receipt key."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self._origin = origin
        self._signer = Signer(f"{origin}/receipt", key.private_bytes_raw())

    @property
    def vkey(self) -> str:
        """The key by which anybody can check a receipt; the trail introduces it."""
        return self._signer.verifier.vkey

    def sign(self, message_id: str, entry: Record) -> str:
        """The receipt for the message's first entry."""
        leaf = sha256(b"\x00" + entry.value).digest()
        text = (
            f"{HEADER}\n{self._origin}\n{message_id}\n{encode_base64(leaf)}\n{timestamp(entry.time)}\n"
            f"merge delay {MERGE_DELAY_SECONDS} s\n"
        )
        return sign_note(text, [self._signer]).decode()
