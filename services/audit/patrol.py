"""Reading entries again: whether what lies on the disk is still what was signed.

A checkpoint's root is computed from hash tiles, so it says nothing of an entry's bytes: somebody must read them.
Of a large log each look reads a stretch, the newest entries and then the older ones in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock

from services.audit.log import (
    LogReader,
    TreeState,
    from_directory,
    leaf_hash,
    leaf_hashes,
    verify_inclusion,
)
from services.audit.log.tiles import TILE_WIDTH

BUNDLES_A_LOOK = 64
"""16,384 entries: some twenty milliseconds."""
_MOST_KEPT = 16


@dataclass(frozen=True, order=True)
class Damage:
    """Entries that aren't what was signed, or can't be read."""

    first: int
    last: int
    why: str = ""
    """Why they can't be read; empty where they can, and are others."""


@dataclass(frozen=True)
class Looked:
    """What one look read again, and what it found damaged."""

    read: int
    size: int
    damages: list[Damage]


class Patrol:
    """Looks at one log directory. Not for the event loop; safe in several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._next = 0
        self._damaged: set[int] = set()
        """Bundles once found damaged: looked at each time, until they are whole."""
        self._looking = Lock()

    def look(self, signed: TreeState) -> Looked:
        """Read some of the entries again that a verified checkpoint covers."""
        with self._looking:
            bundles = -(-signed.size // TILE_WIDTH)
            chosen = self._choose(bundles)
            reader = LogReader(from_directory(self._directory))
            read, damages = 0, []
            for bundle in sorted(chosen):
                first = bundle * TILE_WIDTH
                stop = min(first + TILE_WIDTH, signed.size)
                found = _damages(reader, first, stop, signed)
                (self._damaged.add if found else self._damaged.discard)(bundle)
                read += stop - first
                damages += found
        return Looked(read, signed.size, damages)

    def _choose(self, bundles: int) -> set[int]:
        if bundles <= BUNDLES_A_LOOK:
            return set(range(bundles))
        stretch = {(self._next + step) % bundles for step in range(BUNDLES_A_LOOK - 1)}
        self._next = (self._next + BUNDLES_A_LOOK - 1) % bundles
        again = islice((one for one in sorted(self._damaged) if one < bundles), _MOST_KEPT)
        return {bundles - 1, *stretch, *again}


def _damages(reader: LogReader, first: int, stop: int, signed: TreeState) -> list[Damage]:
    """What is wrong with one bundle."""
    try:
        entries = list(reader.entries(first, stop, signed.size))
        read = reader.hash_reader(signed.size)
        kept = [read(0, index) for index in range(first, stop)]
        # The path of one leaf holds the hashes of all its neighbours in the tile: they are proved with it.
        path = reader.inclusion_proof(first, signed.size)
        verify_inclusion(first, signed.size, kept[0], path, signed.root)
    except (ValueError, OSError) as error:
        return [Damage(first, stop - 1, str(error))]
    if leaf_hashes(entries) == b"".join(kept):
        return []
    return [
        Damage(index, index)
        for index, (entry, hash_) in enumerate(zip(entries, kept, strict=True), first)
        if leaf_hash(entry) != hash_
    ]
