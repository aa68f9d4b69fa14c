"""Checkpoints (c2sp.org/tlog-checkpoint): which tree a log stands for, as a signed note."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.audit.log.cosignature import NO_WITNESSES, Policy
from services.audit.log.errors import NoteError, SignatureError
from services.audit.log.merkle import HASH_SIZE, TreeState
from shared.note import (
    Signature,
    Signer,
    Verifier,
    decode_base64,
    encode_base64,
    join_note,
    open_note,
    sign_note,
    split_note,
)

MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True)
class Checkpoint:
    """A log's name, its tree, and extension lines (which nobody signs unseen: ours has none)."""

    origin: str
    state: TreeState
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note text that is signed."""
        lines = (self.origin, str(self.state.size), encode_base64(self.state.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's note text; says nothing of signatures. Raises NoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise NoteError("checkpoint: expected the lines origin, size and root")
    origin, size, root, *extensions = lines
    if not all((origin, *extensions)):
        raise NoteError("checkpoint: a line is empty")
    hash_ = decode_base64(root, "checkpoint's root")
    if len(hash_) != HASH_SIZE:
        raise NoteError(f"checkpoint's root: expected {HASH_SIZE} bytes, got {len(hash_)}")
    return Checkpoint(origin, TreeState(parse_decimal(size, "checkpoint's size"), hash_), tuple(extensions))


def sign_checkpoint(origin: str, state: TreeState, *signers: Signer) -> bytes:
    """The signed note, by two keys while one takes over. Raises NoteError when the origin can't be one."""
    if not origin or "\n" in origin:
        raise NoteError(f"origin {origin!r}: it must be one line and not empty")
    return sign_note(Checkpoint(origin, state).text, signers)


def with_signatures(note: bytes, more: Iterable[Signature]) -> bytes:
    """The note with further signatures, each in the place of an older one by the same key. Raises NoteError."""
    text, signatures = split_note(note)
    joined = {(one.name, one.key_id): one for one in (*signatures, *more)}
    return join_note(text, joined.values())


def open_checkpoint(
    note: bytes, log: Verifier, *, origin: str | None = None, policy: Policy = NO_WITNESSES
) -> Checkpoint:
    """Verify the log's signature, and the witnesses' that the policy asks for, and read the checkpoint.

    `origin` defaults to the key's name. Raises NoteError, SignatureError (QuorumError for too few witnesses).
    """
    return open_any_checkpoint(note, [log], origin=origin or log.name, policy=policy)


def open_any_checkpoint(
    note: bytes, keys: Iterable[Verifier], *, origin: str, policy: Policy = NO_WITNESSES
) -> Checkpoint:
    """The same where a log's key was changed: one of the keys must have signed."""
    checkpoint = parse_checkpoint(open_note(note, keys).text)
    if checkpoint.origin != origin:
        raise SignatureError(f"checkpoint of another log: expected {origin!r}, got {checkpoint.origin!r}")
    policy.check(note)
    return checkpoint


def parse_decimal(text: str, what: str) -> int:
    """ASCII decimal without leading zeros, below 2^63. Raises NoteError naming `what`."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0") or len(text) > 19:
        raise NoteError(f"{what}: expected a decimal number, got {text[:40]!r}")
    number = int(text)
    if number > MAX_SIZE:
        raise NoteError(f"{what}: {number} is out of range")
    return number
