"""What anybody can check: proofs that entries are in the log, the head, tiles as they are served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from threading import Lock

from services.audit.log import (
    EMPTY_TREE,
    LogReader,
    TlogProof,
    TreeState,
    Verifier,
    from_directory,
    leaf_hash,
    open_checkpoint,
    verify_consistency,
)
from services.audit.log.tiles import ENTRIES, TILE_WIDTH, Tile, frame_entries, hashes_at, split_bundle

CHANGED = "its bytes do not lead to the root that was signed"


@dataclass(frozen=True)
class Entry:
    """One entry of the log, with its proof under the checkpoint it was read at."""

    index: int
    value: bytes
    proof: bytes
    """A tlog-proof that carries the entry as its `extra`."""


@dataclass(frozen=True)
class Proved:
    """Entries of the tree that one checkpoint signs."""

    checkpoint: bytes
    size: int
    entries: list[Entry]


@dataclass(frozen=True)
class Examined:
    """One entry as it lies there now, and what is wrong with it: nothing where it is verified."""

    index: int
    value: bytes | None
    problem: str | None = None


@dataclass(frozen=True)
class Head:
    """The last checkpoint, and what is wrong with it: nothing where it is verified."""

    state: TreeState
    signed_at: datetime | None
    problem: str | None = None


class Evidence:
    """What a log directory proves under its key. Not for the event loop; safe in several threads."""

    def __init__(self, directory: Path, log: Verifier) -> None:
        self.directory = directory
        self.log = log
        self._seen: TreeState | None = None
        self._watching = Lock()

    def checkpoint(self) -> bytes | None:
        """The published checkpoint, None before the first."""
        try:
            return (self.directory / "checkpoint").read_bytes()
        except FileNotFoundError:
            return None

    def prove(self, indices: Iterable[int]) -> Proved:
        """Those of the entries that the published checkpoint covers. Raises ValueError, OSError for a damaged log."""
        checkpoint, size = self.signed()
        reader = LogReader(from_directory(self.directory))
        entries = []
        for index, value in read(reader, (one for one in indices if one < size), size):
            path = tuple(reader.inclusion_proof(index, size))
            proof = TlogProof(index, path, checkpoint, extra=value)
            entries.append(Entry(index, value, proof.format()))
        return Proved(checkpoint, size, entries)

    def signed(self) -> tuple[bytes, int]:
        """The published checkpoint and how many entries it covers. Raises ValueError, OSError."""
        checkpoint = self.checkpoint() or b""
        return checkpoint, open_checkpoint(checkpoint, self.log).state.size if checkpoint else 0

    def verified(self, entry: Entry) -> bool:
        """Whether the proof leads from the entry's bytes to a root that the log's key signed: computed anew."""
        try:
            TlogProof.parse(entry.proof).verify(leaf_hash(entry.value), self.log)
        except ValueError:
            return False
        return True

    def examine(self, indices: Iterable[int], size: int) -> list[Examined]:
        """Each of the entries of the tree of `size`, verified anew under the published checkpoint, damaged or not."""
        checkpoint = self.checkpoint() or b""
        try:
            signed = open_checkpoint(checkpoint, self.log).state.size
        except ValueError:
            signed = 0
        reader = LogReader(from_directory(self.directory))
        return [self._examine(reader, index, max(size, signed), signed, checkpoint) for index in indices]

    def _examine(self, reader: LogReader, index: int, size: int, signed: int, checkpoint: bytes) -> Examined:
        try:
            value = reader.entry(index, size)
        except (ValueError, OSError) as error:
            return Examined(index, None, str(error))
        if index >= signed:
            return Examined(index, value, "no checkpoint of the log's key covers it")
        try:
            path = tuple(reader.inclusion_proof(index, signed))
        except (ValueError, OSError) as error:
            return Examined(index, value, str(error))
        proof = TlogProof(index, path, checkpoint, extra=value).format()
        if not self.verified(Entry(index, value, proof)):
            return Examined(index, value, CHANGED)
        return Examined(index, value)

    def head(self) -> Head:
        """The last checkpoint, verified anew: its signature, and that it continues what this process saw before."""
        with self._watching:
            checkpoint = self.checkpoint()
            if checkpoint is None:
                gone = self._seen is not None and "the checkpoint is gone"
                return Head(EMPTY_TREE, None, gone or None)
            signed_at = datetime.fromtimestamp((self.directory / "checkpoint").stat().st_mtime, UTC)
            try:
                state = open_checkpoint(checkpoint, self.log).state
            except ValueError as error:
                return Head(EMPTY_TREE, signed_at, str(error))
            try:
                self._follows(state)
            except (ValueError, OSError) as error:
                return Head(state, signed_at, str(error))
            self._seen = state
            return Head(state, signed_at)

    def _follows(self, state: TreeState) -> None:
        reader = LogReader(from_directory(self.directory))
        if (root := reader.root(state.size)) != state.root:
            raise ValueError(f"the tiles lead to another root than the signed one: {root.hex()}")
        if self._seen is None:
            return
        old = self._seen
        proof = reader.consistency_proof(old.size, state.size) if old.size <= state.size else []
        verify_consistency(old.size, state.size, old.root, state.root, proof)

    def tile(self, tile: Tile, size: int) -> bytes | None:
        """A tile of the tree of `size`, or None; a partial one that is gone is cut out of the full one."""
        if tile.start + tile.width > hashes_at(tile.level, size):
            return None  # not part of the signed tree, and may be written anew after a crash
        try:
            return (self.directory / tile.path).read_bytes()
        except FileNotFoundError:
            if tile.full:
                return None
        try:
            whole = (self.directory / tile.full_path).read_bytes()
        except FileNotFoundError:
            return None
        if tile.level != ENTRIES:
            return whole[: tile.width * 32]
        return b"".join(frame_entries(split_bundle(whole, tile.width)[0]))


def read(reader: LogReader, indices: Iterable[int], size: int) -> Iterator[tuple[int, bytes]]:
    """Entries of the tree of `size`, in ascending order: each bundle is read once. Raises what the reader raises."""
    for _, some in groupby(indices, key=lambda index: index // TILE_WIDTH):
        together = list(some)
        first = together[0]
        values = list(reader.entries(first, together[-1] + 1, size))
        for index in together:
            yield index, values[index - first]
