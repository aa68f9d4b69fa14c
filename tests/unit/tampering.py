"""Ways to tamper with a log directory, each of which knows what it made wrong: the entry, or the tile that holds it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from services.audit.log.merkle import HASH_SIZE
from services.audit.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    frame_entries,
    hashes_at,
    levels,
    split_bundle,
    tile_at,
)
from tests.unit.log_samples import files_of

Wrong = tuple[str, int | None]
"""A file, and the entry of it where it is one."""


class Target:
    """A whole log, whose files are changed and put back."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self.size = size
        self.bundles = range(size // TILE_WIDTH)
        """The numbers of full bundles, and so of full tiles of hashes."""
        self._before: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        return (self.directory / path).read_bytes()

    def write(self, path: str, data: bytes | None) -> None:
        """Change a file, or take it away."""
        before = self.read(path)
        assert data != before, path
        self._before.setdefault(path, before)
        if data is None:
            (self.directory / path).unlink()
        else:
            (self.directory / path).write_bytes(data)

    def restore(self) -> None:
        for path, data in self._before.items():
            (self.directory / path).write_bytes(data)
        self._before.clear()

    def entries(self, number: int) -> list[bytes]:
        entries, rest = split_bundle(self.read(Tile(ENTRIES, number).path), TILE_WIDTH)
        assert not rest
        return entries

    def edge(self, level: int) -> Tile | None:
        """The partial tile that ends a level, None where all of the level's are full."""
        number, width = divmod(hashes_at(level, self.size), TILE_WIDTH)
        return Tile(level, number, width) if width else None

    def upper(self) -> list[Tile]:
        """The tiles above level 0."""
        found = []
        for level in levels(self.size)[1:]:
            for number in range(-(-hashes_at(level, self.size) // TILE_WIDTH)):
                tile = tile_at(level, number, self.size)
                assert tile is not None
                found.append(tile)
        return found

    def older(self, edge: Tile) -> list[str]:
        """The partial files of an edge that older checkpoints needed."""
        prefix = f"{edge.full_path}.p/"
        return [path for path in files_of(self.directory) if path.startswith(prefix) and path != edge.path]


def flipped(data: bytes, at: int, chance: random.Random) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def joined(entries: list[bytes]) -> bytes:
    return b"".join(frame_entries(entries))


def starts(entries: list[bytes]) -> list[int]:
    """Where each entry's length stands in its bundle."""
    found, at = [], 0
    for entry in entries:
        found.append(at)
        at += 2 + len(entry)
    return found


# Each of these changes something of the full tiles or bundles whose numbers it draws, and answers what is wrong then.
Local = Callable[[Target, random.Random, Iterator[int]], set[Wrong]]


def flip_entry(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    entries, at = log.entries(bundle.number), chance.randrange(TILE_WIDTH)
    entries[at] = flipped(entries[at], chance.randrange(len(entries[at])), chance)
    log.write(bundle.path, joined(entries))
    return {(bundle.path, bundle.start + at)}


def flip_length(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    at = chance.randrange(TILE_WIDTH)
    place = starts(log.entries(bundle.number))[at] + chance.randrange(2)
    log.write(bundle.path, flipped(log.read(bundle.path), place, chance))
    return {(bundle.path, bundle.start + at)}


def cut_bundle(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    data, at = log.read(bundle.path), starts(log.entries(bundle.number))
    kept = chance.randrange(len(data))
    log.write(bundle.path, data[:kept])
    return {(bundle.path, bundle.start + max(number for number, start in enumerate(at) if start <= kept))}


def insert_bytes(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    data, at = log.read(bundle.path), starts(log.entries(bundle.number))
    place = chance.randrange(len(data))
    more = bytes([data[place] ^ 0x80]) + chance.randbytes(chance.randrange(40))
    log.write(bundle.path, data[:place] + more + data[place:])
    return {(bundle.path, bundle.start + max(number for number, start in enumerate(at) if start <= place))}


def append_bytes(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    log.write(bundle.path, log.read(bundle.path) + chance.randbytes(chance.randint(1, 40)))
    return {(bundle.path, None)}


def drop_entry(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    entries, at = log.entries(bundle.number), chance.randrange(TILE_WIDTH)
    del entries[at]
    log.write(bundle.path, joined(entries))
    return {(bundle.path, bundle.start + at)}


def insert_entry(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    entries, at = log.entries(bundle.number), chance.randrange(TILE_WIDTH)
    entries.insert(at, b"never said")
    log.write(bundle.path, joined(entries))
    return {(bundle.path, bundle.start + at)}


def repeat_entry(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    entries = log.entries(bundle.number)
    at, other = chance.sample(range(TILE_WIDTH), 2)
    entries[at] = entries[other]
    log.write(bundle.path, joined(entries))
    return {(bundle.path, bundle.start + at)}


def swap_entries(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    entries = log.entries(bundle.number)
    at, other = chance.sample(range(TILE_WIDTH), 2)
    entries[at], entries[other] = entries[other], entries[at]
    log.write(bundle.path, joined(entries))
    return {(bundle.path, bundle.start + at), (bundle.path, bundle.start + other)}


def swap_entries_between(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    left, right = Tile(ENTRIES, next(numbers)), Tile(ENTRIES, next(numbers))
    one, other = log.entries(left.number), log.entries(right.number)
    at, to = chance.randrange(TILE_WIDTH), chance.randrange(TILE_WIDTH)
    one[at], other[to] = other[to], one[at]
    log.write(left.path, joined(one))
    log.write(right.path, joined(other))
    return {(left.path, left.start + at), (right.path, right.start + to)}


def drop_bundle(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    path = Tile(ENTRIES, next(numbers)).path
    log.write(path, None)
    return {(path, None)}


def bundle_as_it_once_was(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    """The file of an older, smaller tree in the place of the full one."""
    bundle = Tile(ENTRIES, next(numbers))
    width = chance.randrange(1, TILE_WIDTH)
    log.write(bundle.path, joined(log.entries(bundle.number)[:width]))
    return {(bundle.path, bundle.start + width)}


def hashes_for_entries(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    bundle = Tile(ENTRIES, next(numbers))
    log.write(bundle.path, log.read(Tile(0, bundle.number).path))
    return {(bundle.path, bundle.start)}


def flip_hash(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    tile, at = Tile(0, next(numbers)), chance.randrange(TILE_WIDTH * HASH_SIZE)
    log.write(tile.path, flipped(log.read(tile.path), at, chance))
    return {(tile.path, tile.start + at // HASH_SIZE)}


def swap_hashes(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    tile = Tile(0, next(numbers))
    data = log.read(tile.path)
    hashes = [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
    at, other = chance.sample(range(TILE_WIDTH), 2)
    hashes[at], hashes[other] = hashes[other], hashes[at]
    log.write(tile.path, b"".join(hashes))
    return {(tile.path, tile.start + at), (tile.path, tile.start + other)}


def cut_tile(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    path = Tile(0, next(numbers)).path
    data = log.read(path)
    log.write(path, data[: chance.randrange(len(data))])
    return {(path, None)}


def lengthen_tile(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    path = Tile(0, next(numbers)).path
    log.write(path, log.read(path) + chance.randbytes(HASH_SIZE))
    return {(path, None)}


def drop_tile(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    path = Tile(0, next(numbers)).path
    log.write(path, None)
    return {(path, None)}


def entries_for_hashes(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    tile = Tile(0, next(numbers))
    log.write(tile.path, log.read(Tile(ENTRIES, tile.number).path))
    return {(tile.path, None)}


LOCAL: tuple[Local, ...] = (
    flip_entry,
    flip_length,
    cut_bundle,
    insert_bytes,
    append_bytes,
    drop_entry,
    insert_entry,
    repeat_entry,
    swap_entries,
    swap_entries_between,
    drop_bundle,
    bundle_as_it_once_was,
    hashes_for_entries,
    flip_hash,
    swap_hashes,
    cut_tile,
    lengthen_tile,
    drop_tile,
    entries_for_hashes,
)


def swap_bundles(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    return _swap_files(log, Tile(ENTRIES, next(numbers)), Tile(ENTRIES, next(numbers)))


def swap_tiles(log: Target, chance: random.Random, numbers: Iterator[int]) -> set[Wrong]:
    return _swap_files(log, Tile(0, next(numbers)), Tile(0, next(numbers)))


def _swap_files(log: Target, left: Tile, right: Tile) -> set[Wrong]:
    data = log.read(left.path)
    log.write(left.path, log.read(right.path))
    log.write(right.path, data)
    return {(tile.path, tile.start + at) for tile in (left, right) for at in range(TILE_WIDTH)}


WIDE: tuple[Local, ...] = (swap_bundles, swap_tiles)
"""So much is wrong after one of these that a report, which lists a thousand problems, has no room for another."""
