"""Reading a log: entries, hashes and proofs, computed from its tiles as every client computes them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from services.audit.log.errors import ProofError
from services.audit.log.fetch import Fetch, fetch_entries, fetch_hashes
from services.audit.log.merkle import (
    HASH_SIZE,
    HashReader,
    consistency_proof,
    inclusion_proof,
    parents,
    root_at,
)
from services.audit.log.tiles import ENTRIES, TILE_WIDTH, Tile, tile_at


class LogReader:
    """Reads through `fetch`, keeping the last `cached_tiles` hash tiles and the hashes between them and the next level
    (16 KiB each); for one thread.

    `size` is always one that had a checkpoint: of others the tiles may go. Nothing is verified against a
    signature here: a proof is worth what `verify_inclusion` and `verify_consistency` say of it. Raises
    TileError for damaged tiles, OSError (FileNotFoundError where one is absent) for those that can't be read.
    """

    def __init__(self, fetch: Fetch, *, cached_tiles: int = 512) -> None:
        self._fetch = fetch
        self._cached_tiles = cached_tiles
        self._cache: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        """(level, number) → the tile's hashes, and those of the heights above as far as they were asked for."""

    def checkpoint(self) -> bytes:
        """The published checkpoint, a signed note."""
        return self._fetch("checkpoint")

    def entries(self, start: int, stop: int, size: int) -> Iterator[bytes]:
        """The entries [start, stop) of the tree of `size`, a bundle at a time."""
        if not 0 <= start <= stop <= size:
            raise ProofError("entries aren't in the tree", f"a range within 0–{size}", f"{start}–{stop}")
        for index in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            bundle = tile_at(ENTRIES, index, size)
            assert bundle is not None
            first = bundle.start
            yield from fetch_entries(self._fetch, bundle)[max(start - first, 0) : stop - first]

    def entry(self, index: int, size: int) -> bytes:
        """One entry."""
        return next(self.entries(index, index + 1, size))

    def leaf_hash(self, index: int, size: int) -> bytes:
        """One entry's hash, from the level 0 tile."""
        if not 0 <= index < size:
            raise ProofError("entry isn't in the tree", f"an index below {size}", index)
        return self.hash_reader(size)(0, index)

    def root(self, size: int) -> bytes:
        """The root over the first `size` entries."""
        return root_at(size, self.hash_reader(size))

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """That entry `index` is in the tree of `size`: the audit path, the leaf's sibling first."""
        return inclusion_proof(index, size, self.hash_reader(size))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """That the tree of `old` entries is a prefix of the tree of `new`."""
        return consistency_proof(old, new, self.hash_reader(new))

    def hash_reader(self, size: int) -> HashReader:
        """Hashes of perfect subtrees within the tree of `size`."""

        def read(height: int, index: int) -> bytes:
            level, within = divmod(height, 8)
            number, at = divmod(index, TILE_WIDTH >> within)
            tile = tile_at(level, number, size)
            if tile is None:
                raise ProofError("hash isn't in the tree", f"one below {size} entries", f"{height}/{index}")
            heights = self._heights(tile)
            while len(heights) <= within:
                heights.append(parents(heights[-1]))
            return heights[within][at * HASH_SIZE : (at + 1) * HASH_SIZE]

        return read

    def _heights(self, tile: Tile) -> list[bytes]:
        key = (tile.level, tile.number)
        heights = self._cache.get(key)
        if heights is None or len(heights[0]) < tile.width * HASH_SIZE:
            heights = self._cache[key] = [fetch_hashes(self._fetch, tile)]
            if len(self._cache) > self._cached_tiles:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return heights
