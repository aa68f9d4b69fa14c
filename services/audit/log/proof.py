"""Offline proofs (c2sp.org/tlog-proof): that an entry is in a log, in one text that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.audit.log.checkpoint import Checkpoint, open_checkpoint, parse_decimal
from services.audit.log.cosignature import NO_WITNESSES, Policy
from services.audit.log.errors import NoteError
from services.audit.log.merkle import HASH_SIZE, verify_inclusion
from shared.note import Verifier, decode_base64, encode_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PATH = 63


@dataclass(frozen=True)
class TlogProof:
    """An entry's index, its audit path, the checkpoint it leads to, and extra data nobody vouches for."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def format(self) -> bytes:
        """The bytes of a `.tlog-proof` file."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines += [f"index {self.index}", *map(encode_base64, self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Read a `.tlog-proof` file; nothing is verified. Raises NoteError."""
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank or not checkpoint:
            raise NoteError("proof: expected a blank line and a checkpoint")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise NoteError("proof: its head isn't ASCII") from None
        if lines.pop(0) != HEADER:
            raise NoteError(f"proof: expected {HEADER} in the first line")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0)[6:], "proof's extra data")
        if not lines or not lines[0].startswith("index "):
            raise NoteError("proof: expected an index line")
        index = parse_decimal(lines.pop(0)[6:], "proof's index")
        return cls(index, parse_hashes(lines, "proof"), checkpoint, extra)

    def verify(
        self, leaf: bytes, log: Verifier, *, origin: str | None = None, policy: Policy = NO_WITNESSES
    ) -> Checkpoint:
        """Check that the entry with this leaf hash is in the log that `log` signs, and return the checkpoint.

        Raises SignatureError, NoteError (the checkpoint isn't the log's, or too few witnesses cosigned it) or
        ProofError (the path doesn't lead to its root).
        """
        checkpoint = open_checkpoint(self.checkpoint, log, origin=origin, policy=policy)
        verify_inclusion(self.index, checkpoint.state.size, leaf, self.path, checkpoint.state.root)
        return checkpoint


def parse_hashes(lines: Sequence[str], what: str) -> tuple[bytes, ...]:
    """The hashes of a Merkle proof, a base64 line each. Raises NoteError naming `what`."""
    if len(lines) > MAX_PATH:
        raise NoteError(f"{what}: expected at most {MAX_PATH} hashes, got {len(lines)}")
    path = tuple(decode_base64(line, f"{what}'s hash {number}") for number, line in enumerate(lines))
    for number, hash_ in enumerate(path):
        if len(hash_) != HASH_SIZE:
            raise NoteError(f"{what}'s hash {number}: expected {HASH_SIZE} bytes, got {len(hash_)}")
    return path
