"""Ways to tamper with what lies above a log's bundles, at its right edge, and with its checkpoint: each would hide
another's trace, so they are tried one at a time."""

from __future__ import annotations

import random
from collections.abc import Callable

from services.audit.log import LogReader, TreeState, from_directory, sign_checkpoint
from services.audit.log.merkle import HASH_SIZE, leaf_hash, perfect_root
from services.audit.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    Tile,
    edge_root,
    levels,
    split_bundle,
    tile_at,
)
from tests.unit.log_samples import SIGNER
from tests.unit.tampering import Target, Wrong, flipped, joined

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
