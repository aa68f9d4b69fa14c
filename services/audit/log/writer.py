"""The one writer of a log directory.

A batch goes: `integrate` (tiles and bundles are durable) → the caller commits (size, root, what it consumed)
in its index → `publish` (signature, atomic rename of `checkpoint`). Where witnesses are asked in between, `sign` and
`place` are `publish` in two steps, and the log grows on meanwhile. After a crash the index says what stands; what the
directory has beyond is removed before anything new is written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from services.audit.log.checkpoint import parse_checkpoint, sign_checkpoint
from services.audit.log.disk import Disk, lock, replace_durably, write_durably
from services.audit.log.errors import StateError
from services.audit.log.merkle import EMPTY_TREE, TreeState, leaf_hashes
from services.audit.log.recovery import published_state, recover
from services.audit.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    frame_entries,
    hashes_at,
    levels,
    partial_tiles,
)
from shared.note import Signer, split_note

CHECKPOINT = "checkpoint"
LOCK = ".lock"


class LogWriter:
    """Appends to the log in `directory`, for one thread; holds an exclusive lock until `close`.

    `committed` is the tree that the index says is committed (EMPTY_TREE for a new log). Opening raises
    LockedError when there is another writer, StateError when the directory has less than that, or another
    tree, or a checkpoint ahead of it. After an error in `integrate` or `publish`, close and open again.
    """

    def __init__(
        self, directory: Path, committed: TreeState = EMPTY_TREE, *, disk: Disk | None = None
    ) -> None:
        self._directory = directory
        self._disk = disk or Disk()
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = lock(directory / LOCK, "writes this log")
        try:
            self._published = published_state(directory / CHECKPOINT)
            self._edge, self._tail = recover(directory, self._disk, committed, self._published)
        except BaseException:
            os.close(self._lock)
            raise
        self._state = committed
        # The last tree that a checkpoint was, or may have been, published of: its partial tiles stay.
        self._kept = self._published
        # The tree that is signed and not yet published: its partial tiles stay, too.
        self._signed: TreeState | None = None
        self._failed = False

    @property
    def state(self) -> TreeState:
        """The tree whose tiles are durable: what the caller commits next, or has."""
        return self._state

    @property
    def published(self) -> TreeState:
        """The tree of the last checkpoint; the empty one before the first."""
        return self._published

    def integrate(self, entries: Sequence[bytes]) -> TreeState:
        """Append a batch and make its tiles durable; its first entry's index is the size before.

        Raises EntryError for an entry over 65,535 bytes (nothing is written), OSError when the disk fails.
        The caller commits the state before it publishes it.
        """
        self._check_usable()
        if not entries:
            return self._state
        framed = self._tail + frame_entries(entries)
        edge, filled = self._edge.grow(leaf_hashes(entries))
        first = self._state.size // TILE_WIDTH
        files: list[tuple[Tile, bytes]] = []
        for at in range(0, len(framed) - TILE_WIDTH + 1, TILE_WIDTH):
            files.append((Tile(ENTRIES, first + len(files)), b"".join(framed[at : at + TILE_WIDTH])))
        framed = framed[len(files) * TILE_WIDTH :]
        present = set(partial_tiles(self._state.size))
        files += [*filled, *((tile, data) for tile, data in edge.partials(framed) if tile not in present)]
        self._failed = True
        write_durably(self._disk, self._directory, [(tile.path, data) for tile, data in files])
        self._drop_unpublished(self._state.size, edge.size)
        self._failed = False
        self._edge, self._tail, self._state = edge, framed, edge.state
        return self._state

    def publish(self, state: TreeState, *signers: Signer, origin: str | None = None) -> bytes:
        """Sign the committed state and put it in the place of `checkpoint`; returns the note.

        `origin` defaults to the first signer's name. Raises StateError when `state` isn't the current one: only its
        partial tiles are kept.
        """
        note = self.sign(state, *signers, origin=origin)
        self.place(note)
        return note

    def sign(self, state: TreeState, *signers: Signer, origin: str | None = None) -> bytes:
        """The signed note of the committed state, whose tiles stay until it is placed or another is signed."""
        self._check_usable()
        if state != self._state:
            raise StateError(
                f"only the current tree can be published: expected {_shown(self._state)}, got {_shown(state)}"
            )
        note = sign_checkpoint(origin or signers[0].name, state, *signers)
        self._signed = state
        return note

    def knows(self, note: bytes) -> bool:
        """Whether the note may be placed: its tree is the one signed last, or published. Raises NoteError."""
        return _state_of(note) in (self._signed, self._published)

    def place(self, note: bytes) -> None:
        """Put a note that `sign` gave, with whatever cosignatures, in the place of `checkpoint`.

        The published one may be placed again, with more of them. Raises StateError for any other, NoteError.
        """
        self._check_usable()
        state = _state_of(note)
        if not self.knows(note):
            raise StateError(
                f"{self._directory}: a checkpoint of {_shown(state)} isn't what was signed here last"
            )
        before, self._kept = self._kept, state
        self._failed = True
        replace_durably(self._disk, self._directory / CHECKPOINT, note)
        self._published = state
        self._signed = None if state == self._signed else self._signed
        self._drop_filled(before.size, state.size)
        self._failed = False

    def close(self) -> None:
        """Let another writer have the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_usable(self) -> None:
        if self._lock < 0:
            raise StateError(f"{self._directory}: this writer is closed")
        if self._failed:
            raise StateError(
                f"{self._directory}: a step failed half-way; close this writer and open it again"
            )

    def _drop_unpublished(self, before: int, now: int) -> None:
        """Remove the last state's partial tiles, unless a checkpoint of that size was published or will be."""
        sizes = [self._kept.size, *([self._signed.size] if self._signed else [])]
        kept = {*partial_tiles(now), *(tile for size in sizes for tile in partial_tiles(size))}
        for tile in partial_tiles(before):
            if tile in kept:
                continue
            level = tile.level
            shared = any(hashes_at(level, size) // TILE_WIDTH == tile.number for size in sizes)
            filled = hashes_at(level, now) // TILE_WIDTH > tile.number
            path = self._directory / tile.path
            self._disk.remove(path.parent if filled and not shared else path)

    def _drop_filled(self, before: int, now: int) -> None:
        """Remove the partial tiles that checkpoints needed and that full ones now stand for."""
        for level in (ENTRIES, *levels(now)):
            index = hashes_at(level, before) // TILE_WIDTH
            if index < hashes_at(level, now) // TILE_WIDTH:
                self._disk.remove(self._directory / f"{Tile(level, index).full_path}.p")


def _state_of(note: bytes) -> TreeState:
    return parse_checkpoint(split_note(note)[0]).state


def _shown(state: TreeState) -> str:
    return f"{state.size} entries with root {state.root.hex()}"
