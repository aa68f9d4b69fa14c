"""Logs to test with: their key, their entries, and a directory grown batch by batch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from services.audit.log import EMPTY_TREE, LogWriter, Signer, TreeState
from services.audit.log.disk import Disk

SIGNER = Signer("example.org/trail", bytes(range(32)))
VKEY = SIGNER.verifier.vkey


class QuickDisk(Disk):
    """Spares the syncs where a test isn't about them."""

    def sync(self, path: Path) -> None:
        assert path.exists()


def sample_entries(count: int, start: int = 0) -> list[bytes]:
    """Distinct entries of different lengths."""
    return [f"entry {number} ".encode() + b"." * (number % 17) for number in range(start, start + count)]


def grow(
    directory: Path, batches: Iterable[int], committed: TreeState = EMPTY_TREE, publish_every: int = 1
) -> tuple[TreeState, list[bytes]]:
    """Append batches of those sizes, publishing every so often; the state, the checkpoints."""
    notes = []
    with LogWriter(directory, committed, disk=QuickDisk()) as writer:
        for number, count in enumerate(batches, 1):
            state = writer.integrate(sample_entries(count, writer.state.size))
            if number % publish_every == 0:
                notes.append(writer.publish(state, SIGNER))
        return writer.state, notes


def files_of(directory: Path) -> list[str]:
    """The paths of everything the log serves."""
    served = [path for path in directory.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return sorted(path.relative_to(directory).as_posix() for path in served)
