"""Tiles and entry bundles (c2sp.org/tlog-tiles): which a tree has, their paths, their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from services.audit.log.errors import EntryError, TileError
from services.audit.log.merkle import (
    HASH_SIZE,
    TreeState,
    compact_range,
    perfect_root,
    range_root,
)

TILE_WIDTH = 256
TILE_BYTES = TILE_WIDTH * HASH_SIZE
ENTRIES = -1  # the level of entry bundles, which have level 0's indices and widths
MAX_LEVEL = 63
MAX_ENTRY = 65_535

_PATH = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


class Tile(NamedTuple):
    """One tile (or, at level ENTRIES, one bundle): `width` of 256 where it is full."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Relative to the log: `tile/0/x001/234.p/8`."""
        return self.full_path if self.width == TILE_WIDTH else f"{self.full_path}.p/{self.width}"

    @property
    def full_path(self) -> str:
        """The path once it is full."""
        groups = [f"{self.number % 1000:03d}"]
        number = self.number // 1000
        while number:
            groups.append(f"x{number % 1000:03d}")
            number //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{'/'.join(reversed(groups))}"

    @property
    def start(self) -> int:
        """The index, at the tile's level, of its first hash; for level 0 and bundles the entry's index."""
        return self.number * TILE_WIDTH

    @property
    def full(self) -> bool:
        return self.width == TILE_WIDTH


def parse_path(path: str) -> Tile:
    """The tile a path names. Raises TileError when the path isn't one that tlog-tiles knows."""
    match = _PATH.fullmatch(path)
    if not match:
        raise TileError(path, "not a tile's path")
    level, groups, last, width = match.groups()
    tile = Tile(
        ENTRIES if level == "entries" else int(level),
        int(groups.replace("x", "").replace("/", "") + last),
        int(width) if width else TILE_WIDTH,
    )
    # Leading x000 groups, partial widths from 256 on and levels past 63 have no place of their own.
    if tile.path != path or tile.level > MAX_LEVEL:
        raise TileError(path, "not a tile's path")
    return tile


def hashes_at(level: int, size: int) -> int:
    """How many hashes a level has in a tree of `size`; at ENTRIES, how many entries."""
    return size >> 8 * max(level, 0)


def levels(size: int) -> range:
    """The tile levels that a tree of `size` has, from 0."""
    return range(-(-size.bit_length() // 8))


def tile_at(level: int, number: int, size: int) -> Tile | None:
    """That tile as wide as a tree of `size` has it, None where it has none."""
    width = min(hashes_at(level, size) - number * TILE_WIDTH, TILE_WIDTH)
    return Tile(level, number, width) if width > 0 else None


def partial_tiles(size: int) -> Iterator[Tile]:
    """The tiles of the right edge of a tree of `size` that aren't full, the entry bundle first."""
    for level in (ENTRIES, *levels(size)):
        count = hashes_at(level, size)
        if count % TILE_WIDTH:
            yield Tile(level, count // TILE_WIDTH, count % TILE_WIDTH)


def frame_entries(entries: Iterable[bytes]) -> list[bytes]:
    """Each entry behind its length, as bundles join them. Raises EntryError for one that is too long."""
    try:
        return [len(entry).to_bytes(2, "big") + entry for entry in entries]
    except OverflowError:
        raise EntryError(f"an entry is longer than {MAX_ENTRY} bytes; log a digest of it instead") from None


def decode_bundle(data: bytes, tile: Tile) -> list[bytes]:
    """The entries of a bundle of exactly `tile.width` entries. Raises TileError, naming the entry."""
    entries, rest = split_bundle(data, tile.width)
    if len(entries) < tile.width:
        raise TileError(
            tile.path,
            f"entry {tile.start + len(entries)} is cut: expected {tile.width} entries, got {len(entries)}",
        )
    if rest:
        raise TileError(tile.path, f"{rest} bytes behind its {tile.width} entries")
    return entries


def split_bundle(data: bytes, width: int) -> tuple[list[bytes], int]:
    """Up to `width` whole entries from the front, and how many bytes are left."""
    entries = []
    at, end = 0, len(data)
    for _ in range(width):
        start = at + 2
        stop = start + int.from_bytes(data[at:start], "big")
        if start > end or stop > end:
            break
        entries.append(data[start:stop])
        at = stop
    return entries, end - at


def check_hashes(data: bytes, tile: Tile) -> bytes:
    """A tile's bytes, when there are as many as its width says. Raises TileError."""
    if len(data) != tile.width * HASH_SIZE:
        raise TileError(tile.path, f"expected {tile.width * HASH_SIZE} bytes, got {len(data)}")
    return data


class RightEdge(NamedTuple):
    """What an appender must know of a tree: the hashes of each level that fill no tile yet."""

    size: int = 0
    levels: tuple[bytes, ...] = ()

    def grow(self, hashes: bytes) -> tuple[RightEdge, list[tuple[Tile, bytes]]]:
        """The edge after these joined leaf hashes, and the tiles they filled."""
        size = self.size + len(hashes) // HASH_SIZE
        edges, filled = list(self.levels), []
        level = 0
        while hashes:
            if level == len(edges):
                edges.append(b"")
            run = edges[level] + hashes
            number = hashes_at(level, self.size) // TILE_WIDTH
            parents = []
            for at in range(0, len(run) - TILE_BYTES + 1, TILE_BYTES):
                data = run[at : at + TILE_BYTES]
                filled.append((Tile(level, number), data))
                parents.append(perfect_root(data))
                number += 1
            edges[level] = run[len(parents) * TILE_BYTES :]
            hashes = b"".join(parents)
            level += 1
        return RightEdge(size, tuple(edges)), filled

    @property
    def root(self) -> bytes:
        return edge_root(self.levels)

    @property
    def state(self) -> TreeState:
        return TreeState(self.size, self.root)

    def partials(self, framed: Sequence[bytes]) -> list[tuple[Tile, bytes]]:
        """The partial tiles with their bytes, and the bundle of the framed entries that fill none."""
        partials = [
            (tile, self.levels[tile.level]) for tile in partial_tiles(self.size) if tile.level != ENTRIES
        ]
        if framed:
            partials.append((Tile(ENTRIES, self.size // TILE_WIDTH, len(framed)), b"".join(framed)))
        return partials


def edge_root(edges: Sequence[bytes]) -> bytes:
    """The root of the tree whose right edge has these hashes, level 0 first."""
    return range_root([root for edge in reversed(edges) for root in compact_range(edge)])
