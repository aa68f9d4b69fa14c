"""That one checkpoint continues another, in a text that needs nothing else: what a witness is sent
(c2sp.org/tlog-witness, `add-checkpoint`), and what anybody can keep beside two checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.audit.log.checkpoint import Checkpoint, parse_decimal
from services.audit.log.errors import NoteError
from services.audit.log.merkle import TreeState, verify_consistency
from services.audit.log.proof import parse_hashes
from shared.note import encode_base64


@dataclass(frozen=True)
class ConsistencyProof:
    """The newer checkpoint, and the hashes that lead to it from the tree of `old` entries."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def format(self) -> bytes:
        """Old size, hashes, an empty line, the checkpoint."""
        lines = [f"old {self.old}", *map(encode_base64, self.path), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> ConsistencyProof:
        """Read it; nothing is verified. Raises NoteError."""
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank or not checkpoint:
            raise NoteError("consistency proof: expected a blank line and a checkpoint")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise NoteError("consistency proof: its head isn't ASCII") from None
        if not first.startswith("old "):
            raise NoteError("consistency proof: expected `old` and a size in the first line")
        old = parse_decimal(first[4:], "consistency proof's old size")
        return cls(old, parse_hashes(lines, "consistency proof"), checkpoint)

    def verify(self, old: TreeState, new: Checkpoint) -> None:
        """Check that `new`, which is this proof's checkpoint opened, continues the tree `old`. Raises ProofError."""
        verify_consistency(old.size, new.state.size, old.root, new.state.root, self.path)
