"""Opening a log directory at the tree that its index says is committed.

Whatever a crash left, the committed tree is there: its tiles were durable before it was committed. What the
directory has beyond was never signed, and is removed.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from services.audit.log.checkpoint import parse_checkpoint
from services.audit.log.disk import Disk, remove_durably, write_durably
from services.audit.log.errors import LogError, NoteError, StateError
from services.audit.log.fetch import from_directory, list_tiles, list_versions
from services.audit.log.merkle import EMPTY_TREE, HASH_SIZE, TreeState, leaf_hashes, root_at
from services.audit.log.reader import LogReader
from services.audit.log.tiles import (
    ENTRIES,
    TILE_WIDTH,
    RightEdge,
    Tile,
    frame_entries,
    hashes_at,
    levels,
    split_bundle,
)
from shared.note import split_note


def published_state(checkpoint: Path) -> TreeState:
    """The tree of the checkpoint that is in place, the empty one where there is none. Raises StateError."""
    try:
        return parse_checkpoint(split_note(checkpoint.read_bytes())[0]).state
    except FileNotFoundError:
        return EMPTY_TREE
    except NoteError as error:
        raise StateError(f"{checkpoint}: {error}") from error


def recover(
    directory: Path, disk: Disk, committed: TreeState, published: TreeState
) -> tuple[RightEdge, list[bytes]]:
    """The right edge and the framed entries of the last bundle; the directory is then exactly that tree.

    Raises StateError, having changed nothing, when the directory has less or other, or the checkpoint is
    ahead or of another tree.
    """
    if published.size > committed.size:
        raise StateError(
            f"{directory}: the checkpoint is ahead of the index: "
            f"expected at most {committed.size} entries, got {published.size}"
        )
    edge = _read_edge(directory, committed)
    tail = _read_tail(directory, edge)
    _check_published(directory, edge, published)
    beyond, filled = _sort_tiles(directory, committed.size)
    partials = [(tile.path, data) for tile, data in edge.partials(tail)]
    missing = [(path, data) for path, data in partials if not _holds(directory / path, data)]
    write_durably(disk, directory, missing)
    remove_durably(disk, beyond)
    remove_durably(disk, filled)
    return edge, tail


def _read_edge(directory: Path, committed: TreeState) -> RightEdge:
    edges = []
    for level in levels(committed.size):
        number, width = divmod(hashes_at(level, committed.size), TILE_WIDTH)
        edges.append(_read_hashes(directory, Tile(level, number, width)) if width else b"")
    edge = RightEdge(committed.size, tuple(edges))
    if edge.root != committed.root:
        raise StateError(
            f"{directory}: tiles differ from the index at {committed.size} entries: "
            f"expected root {committed.root.hex()}, got {edge.root.hex()}"
        )
    return edge


def _read_hashes(directory: Path, tile: Tile) -> bytes:
    for version in _candidates(directory, tile):
        data = (directory / version.path).read_bytes()
        if len(data) == version.width * HASH_SIZE:
            return data[: tile.width * HASH_SIZE]
    raise StateError(f"{directory}: behind the index: {tile.path} is missing or cut")


def _read_tail(directory: Path, edge: RightEdge) -> list[bytes]:
    number, width = divmod(edge.size, TILE_WIDTH)
    if not width:
        return []
    bundle = Tile(ENTRIES, number, width)
    for version in _candidates(directory, bundle):
        entries, _ = split_bundle((directory / version.path).read_bytes(), width)
        if leaf_hashes(entries) == edge.levels[0]:
            return frame_entries(entries)
    raise StateError(f"{directory}: behind the index: {bundle.path} is missing, cut or not what tile/0 says")


def _candidates(directory: Path, tile: Tile) -> list[Tile]:
    # Where a later state was never committed, only its wider tile may be left.
    versions = list_versions(directory, tile)
    return sorted((version for version in versions if version.width >= tile.width), key=lambda it: it.width)


def _check_published(directory: Path, edge: RightEdge, published: TreeState) -> None:
    if published.size == edge.size:
        got = edge.root
    else:
        recovered = {tile.path: data for tile, data in edge.partials([])}
        on_disk = from_directory(directory)
        reader = LogReader(lambda path: recovered.get(path) or on_disk(path))
        try:
            got = root_at(published.size, reader.hash_reader(edge.size))
        except (LogError, OSError) as error:
            raise StateError(f"{directory}: behind the index: {error}") from error
    if got != published.root:
        raise StateError(
            f"{directory}: the checkpoint at {published.size} entries isn't of this tree: "
            f"expected root {got.hex()}, got {published.root.hex()}"
        )


def _sort_tiles(directory: Path, size: int) -> tuple[list[Path], list[Path]]:
    """The tiles past the tree, and the folders of partial tiles that have become full ones."""
    full: Counter[int] = Counter()
    beyond: list[Path] = []
    filled: dict[Path, None] = {}
    for name, tile in list_tiles(directory):
        if tile is None:
            continue
        count = hashes_at(tile.level, size)
        if tile.start + tile.width > count:
            beyond.append(directory / name)
        elif tile.full:
            full[tile.level] += 1
        elif tile.start + TILE_WIDTH <= count:
            filled[(directory / name).parent] = None
    for level in (ENTRIES, *levels(size)):
        wanted = hashes_at(level, size) // TILE_WIDTH
        if full[level] < wanted:
            where = "tile/entries" if level == ENTRIES else f"tile/{level}"
            raise StateError(
                f"{directory}: behind the index: expected {wanted} full tiles in {where}, got {full[level]}"
            )
    return beyond, list(filled)


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
