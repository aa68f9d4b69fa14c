"""Sketches: what is kept of words so that likeness can be told, and nothing read. Pure.

Each term or shingle is kept as a keyed hash of 32 bits. Texts that may be alike are found by MinHash: 21 bands of three
(Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3); how alike they are is then counted exactly.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass

BANDS, ROWS = 21, 3
MOST_KEPT = 2048
"""Hashes of a text: of a longer one the smallest, which are a fair sample of all."""
_LANES = struct.Struct(f"<{BANDS * ROWS}I")


@dataclass(frozen=True)
class Sketch:
    """What is kept of one text."""

    hashes: frozenset[int]
    bands: tuple[int, ...]
    """Texts that share one are candidates; none where there is too little to compare."""

    def packed(self) -> bytes:
        """The hashes in order, four bytes each."""
        return array("I", sorted(self.hashes)).tobytes()


class Sketcher:
    """Sketches under one key: without it nobody can try words."""

    def __init__(self, key: bytes) -> None:
        self._key = key[:64]
        self._orders = hashlib.shake_128(self._key)

    def hash(self, part: str) -> int:
        """One term's keyed hash."""
        digest = hashlib.blake2b(part.encode("utf-8", "replace"), digest_size=4, key=self._key).digest()
        return int.from_bytes(digest, "little")

    def sketch(self, hashes: Iterable[int], *, least: int) -> Sketch:
        """The sketch of a text by its parts' hashes; of fewer than `least` nothing alike is looked for."""
        hashes = sorted(set(hashes))[:MOST_KEPT]
        return Sketch(frozenset(hashes), self._bands(hashes) if len(hashes) >= least else ())

    def _bands(self, hashes: list[int]) -> tuple[int, ...]:
        lowest = [min(column) for column in zip(*map(self._draws, hashes), strict=True)]
        return tuple(
            int.from_bytes(
                hashlib.blake2b(
                    struct.pack("<4I", band, *lowest[band * ROWS : (band + 1) * ROWS]), digest_size=7
                ).digest(),
                "little",
            )
            for band in range(BANDS)
        )

    def _draws(self, hash_: int) -> tuple[int, ...]:
        """A hash's rank in each of the random orders."""
        draws = self._orders.copy()
        draws.update(hash_.to_bytes(4, "little"))
        return _LANES.unpack(draws.digest(_LANES.size))


def unpacked(packed: bytes) -> frozenset[int]:
    """The hashes that `Sketch.packed` wrote."""
    hashes = array("I")
    hashes.frombytes(packed)
    return frozenset(hashes)


def likeness(one: frozenset[int], other: frozenset[int]) -> int:
    """How alike two texts are, in basis points: what they share of what either has (Jaccard)."""
    shared = len(one & other)
    return shared * 10_000 // (len(one) + len(other) - shared) if shared else 0


def share(of: frozenset[int], in_: frozenset[int]) -> int:
    """How much of one text stands in another, in basis points."""
    return len(of & in_) * 10_000 // len(of) if of else 0
