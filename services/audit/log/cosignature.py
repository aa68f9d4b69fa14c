"""Cosignatures (c2sp.org/tlog-cosignature, v1), and the policy that says whose are enough.

One is a witness's word that, at a time, a checkpoint's tree was the largest that it had seen of a log, and continued
all that it had seen before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.audit.log.errors import NoteError, QuorumError, SignatureError
from shared.note import (
    COSIGNATURE,
    PrivateKey,
    PublicKey,
    Signature,
    split_note,
)

_LAST_SECOND = 253_402_300_799  # of the year 9999: a later time is nobody's clock


@dataclass(frozen=True)
class Witness(PublicKey):
    """A key that may have cosigned."""

    KIND: ClassVar[int] = COSIGNATURE

    def verify(self, text: str, signature: bytes) -> datetime:
        """When this witness cosigned the checkpoint with that note text. Raises SignatureError where it didn't."""
        seconds = int.from_bytes(signature[:8], "big")
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature[8:], _message(text, seconds))
        except (InvalidSignature, ValueError):
            raise SignatureError(f"cosignature of {self.name}+{self.key_id.hex()} is false") from None
        if not 0 < seconds <= _LAST_SECOND:
            raise SignatureError(
                f"cosignature of {self.name}+{self.key_id.hex()} says no time: {seconds} seconds"
            )
        return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class WitnessSigner(PrivateKey):
    """A witness's own key."""

    KIND: ClassVar[int] = COSIGNATURE

    @cached_property
    def verifier(self) -> Witness:
        """The public half."""
        return Witness(self.name, self.public_key)

    def cosign(self, text: str, at: datetime) -> Signature:
        """The cosignature under a checkpoint's note text; `at` is after 1970, whole seconds count."""
        seconds = int(at.timestamp())
        if seconds <= 0:
            raise ValueError(f"a cosignature says when it was made, and {at} is no such time")
        signature = seconds.to_bytes(8, "big") + self._private.sign(_message(text, seconds))
        return Signature(self.name, self.verifier.key_id, signature)


@dataclass(frozen=True)
class Cosigned:
    """Who cosigned a checkpoint, and when."""

    witness: Witness
    at: datetime


@dataclass(frozen=True)
class Policy:
    """Whose cosignatures are enough: `needed` of `witnesses`. The empty one asks for none.

    Raises ValueError for one that can't be met, or in which one key counts twice.
    """

    witnesses: tuple[Witness, ...] = ()
    needed: int = 0

    def __post_init__(self) -> None:
        if len({witness.public_key for witness in self.witnesses}) < len(self.witnesses):
            raise ValueError("witnesses: the same key is named twice; each counts once")
        if not 0 <= self.needed <= len(self.witnesses):
            raise ValueError(f"witness policy: {self.needed} of {len(self.witnesses)} can't be met")

    @classmethod
    def of(cls, witnesses: Iterable[Witness], needed: int | None = None) -> Policy:
        """More than half of them, where nothing else is said."""
        some = tuple(witnesses)
        return cls(some, (len(some) // 2 + 1 if some else 0) if needed is None else needed)

    def cosigned(self, note: bytes) -> tuple[Cosigned, ...]:
        """Who of the witnesses cosigned; each once. Raises NoteError, SignatureError for a false cosignature."""
        text, signatures = split_note(note)
        known = {(witness.name, witness.key_id): witness for witness in self.witnesses}
        found: dict[Witness, datetime] = {}
        for signature in signatures:
            witness = known.get((signature.name, signature.key_id))
            if witness is not None:
                at = witness.verify(text, signature.signature)
                found[witness] = max(at, found.get(witness, at))
        return tuple(Cosigned(witness, at) for witness, at in found.items())

    def check(self, note: bytes) -> tuple[Cosigned, ...]:
        """The same, where they are enough. Raises QuorumError where they aren't."""
        found = self.cosigned(note)
        if len(found) < self.needed:
            missing = [one.name for one in self.witnesses if all(one != done.witness for done in found)]
            raise QuorumError(
                f"too few witnesses cosigned: expected {self.needed} of {len(self.witnesses)}, got {len(found)};"
                f" {', '.join(missing)} did not"
            )
        return found

    def met(self, note: bytes) -> bool:
        """Whether a checkpoint has the cosignatures that are needed, and none that is false."""
        try:
            self.check(note)
        except NoteError:
            return False
        return True


NO_WITNESSES = Policy()


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
