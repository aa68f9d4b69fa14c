"""What a sender holds: a signed promise that the message will be in the trail (`shared.receipts`)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.events import Record
from shared.receipts import Receipt, receipt_signer


class Receipts:
    """Signs receipts with intake's receipt key."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self._origin = origin
        self._signer = receipt_signer(origin, key.private_bytes_raw())

    @property
    def vkey(self) -> str:
        """The key by which anybody can check a receipt; the trail introduces it."""
        return self._signer.verifier.vkey

    def sign(self, message_id: str, entry: Record) -> str:
        """The receipt for the message's first entry."""
        return Receipt.of(self._origin, message_id, entry.value, entry.time).sign(self._signer).decode()
