"""Ways to tamper with a log directory, each of which knows what it made wrong: the entry, or the tile that holds it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from services.audit.log import LogReader, TreeState, from_directory, sign_checkpoint
from services.audit.log.merkle import HASH_SIZE, leaf_hash, perfect_root
from services.audit.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    edge_root,
    frame_entries,
    hashes_at,
    levels,
    split_bundle,
    tile_at,
)
from tests.unit.log_samples import SIGNER, files_of

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


# These change what lies above or at the right edge, where each would hide another's trace: one at a time.
Single = Callable[[Target, random.Random], set[Wrong]]


def flip_upper(log: Target, chance: random.Random) -> set[Wrong]:
    tile = chance.choice(log.upper())
    log.write(tile.path, flipped(log.read(tile.path), chance.randrange(tile.width * HASH_SIZE), chance))
    return {(tile.path, None)}


def cut_upper(log: Target, chance: random.Random) -> set[Wrong]:
    path = chance.choice(log.upper()).path
    data = log.read(path)
    log.write(path, data[: chance.randrange(len(data))])
    return {(path, None)}


def drop_upper(log: Target, chance: random.Random) -> set[Wrong]:
    path = chance.choice(log.upper()).path
    log.write(path, None)
    return {(path, None)}


def lower_for_upper(log: Target, chance: random.Random) -> set[Wrong]:
    """The hashes of level 0 where those above them belong."""
    tile = chance.choice(log.upper())
    data = log.read(Tile(0, chance.choice(log.bundles)).path)[: tile.width * HASH_SIZE]
    log.write(tile.path, data)
    return {(tile.path, None)}


def flip_edge_entry(log: Target, chance: random.Random) -> set[Wrong]:
    edge = log.edge(ENTRIES)
    assert edge is not None
    entries, _ = split_bundle(log.read(edge.path), edge.width)
    at = chance.randrange(edge.width)
    entries[at] = flipped(entries[at], chance.randrange(len(entries[at])), chance)
    log.write(edge.path, joined(entries))
    return {(edge.path, edge.start + at)}


def flip_edge_hash(log: Target, chance: random.Random) -> set[Wrong]:
    edge = log.edge(0)
    assert edge is not None
    at = chance.randrange(edge.width * HASH_SIZE)
    log.write(edge.path, flipped(log.read(edge.path), at, chance))
    return {(edge.path, edge.start + at // HASH_SIZE)}


def older_edge(log: Target, chance: random.Random) -> set[Wrong]:
    """An older partial file in the newer one's place."""
    edge = log.edge(chance.choice((ENTRIES, 0)))
    assert edge is not None
    older = chance.choice(log.older(edge))
    log.write(edge.path, log.read(older))
    return {(edge.path, edge.start + int(older.rpartition("/")[2]) if edge.level == ENTRIES else None)}


def full_for_partial(log: Target, chance: random.Random) -> set[Wrong]:
    """A full file where the partial one belongs."""
    edge = log.edge(chance.choice((ENTRIES, 0)))
    assert edge is not None
    log.write(edge.path, log.read(Tile(edge.level, chance.choice(log.bundles)).path))
    return {(edge.path, edge.start if edge.level == ENTRIES else None)}


def change_older_edge(log: Target, chance: random.Random) -> set[Wrong]:
    """A partial tile that an older checkpoint needs says something else than the newer one."""
    edge = log.edge(0)
    assert edge is not None
    path = chance.choice(log.older(edge))
    data = log.read(path)
    at = chance.randrange(len(data))
    log.write(path, flipped(data, at, chance))
    return {(path, edge.start + at // HASH_SIZE)}


def change_checkpoint(log: Target, chance: random.Random) -> set[Wrong]:
    note = log.read("checkpoint")
    at = chance.randrange(len(note))
    changed = chance.choice(
        (flipped(note, at, chance), note[:at], note[:at] + b"0" + note[at:], note[:at] + note[at + 1 :])
    )
    log.write("checkpoint", changed)
    return {("checkpoint", None)}


def set_back(log: Target, chance: random.Random) -> set[Wrong]:
    """The checkpoint of an older, smaller tree, truly signed: only a checkpoint kept elsewhere tells."""
    edge = log.edge(0)
    assert edge is not None
    size = edge.start + int(chance.choice(log.older(edge)).rpartition("/")[2])
    state = TreeState(size, LogReader(from_directory(log.directory)).root(size))
    log.write("checkpoint", sign_checkpoint(SIGNER.name, state, SIGNER))
    return {("checkpoint", None)}


def sign_another_root(log: Target, chance: random.Random) -> set[Wrong]:
    """The right key, another root."""
    state = TreeState(log.size, chance.randbytes(HASH_SIZE))
    log.write("checkpoint", sign_checkpoint(SIGNER.name, state, SIGNER))
    return {("checkpoint", None)}


def sign_another_past(log: Target, chance: random.Random) -> set[Wrong]:
    """One entry rewritten, with every tile above it and the signature: only a checkpoint kept elsewhere tells."""
    number, at = chance.choice(log.bundles), chance.randrange(TILE_WIDTH)
    entries = log.entries(number)
    entries[at] = b"never said"
    log.write(Tile(ENTRIES, number).path, joined(entries))
    hash_ = leaf_hash(entries[at])
    index = number * TILE_WIDTH + at
    for level in levels(log.size):
        tile = tile_at(level, index // TILE_WIDTH, log.size)
        if tile is None:
            break
        within = index % TILE_WIDTH
        for path in [tile.path, *([] if tile.full else log.older(tile))]:
            data = log.read(path)
            if within * HASH_SIZE < len(data):
                log.write(path, data[: within * HASH_SIZE] + hash_ + data[(within + 1) * HASH_SIZE :])
        hash_, index = perfect_root(log.read(tile.path)) if tile.full else b"", tile.number
    edges = [log.read(edge.path) if (edge := log.edge(level)) else b"" for level in levels(log.size)]
    state = TreeState(log.size, edge_root(edges))
    log.write("checkpoint", sign_checkpoint(SIGNER.name, state, SIGNER))
    return {("checkpoint", None)}


SINGLE: tuple[Single, ...] = (
    flip_upper,
    cut_upper,
    drop_upper,
    lower_for_upper,
    flip_edge_entry,
    flip_edge_hash,
    older_edge,
    full_for_partial,
    change_older_edge,
    change_checkpoint,
    set_back,
    sign_another_root,
    sign_another_past,
)
