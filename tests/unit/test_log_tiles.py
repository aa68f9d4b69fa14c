from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.log import EntryError, TileError, leaf_hashes, tree_root
from services.audit.log.tiles import (
    ENTRIES,
    RightEdge,
    Tile,
    decode_bundle,
    frame_entries,
    levels,
    parse_path,
    partial_tiles,
    tile_at,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(1, 1000), "tile/1/x001/000"),
        (Tile(0, 1234067, 8), "tile/0/x001/x234/067.p/8"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
        (Tile(63, 5), "tile/63/005"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@settings(deadline=None)
@given(st.builds(Tile, st.sampled_from([ENTRIES, 0, 1, 7, 63]), st.integers(0, 1 << 62), st.integers(1, 256)))
def test_every_path_is_read_back(tile: Tile) -> None:
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000.p",
        "tile/0/000.p/0",
        "tile/0/000.p/08",
        "tile/0/000.p/256",
        "tile/0/000/8",
        "tile/0/000 ",
        "tile/0/٠٠٠",
        "/tile/0/000",
        "checkpoint",
    ],
)
def test_no_second_spelling_of_a_path_is_read(path: str) -> None:
    with pytest.raises(TileError):
        parse_path(path)


@pytest.mark.parametrize(
    ("size", "partials"),
    [
        (0, []),
        (1, ["tile/entries/000.p/1", "tile/0/000.p/1"]),
        (256, ["tile/1/000.p/1"]),
        (70_000, ["tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]),
        (65_536, ["tile/2/000.p/1"]),
    ],
)
def test_a_tree_has_the_partial_tiles_of_its_size(size: int, partials: list[str]) -> None:
    assert [tile.path for tile in partial_tiles(size)] == partials


def test_a_tree_has_no_tile_past_its_size() -> None:
    assert tile_at(0, 272, 70_000) == Tile(0, 272)
    assert tile_at(0, 273, 70_000) == Tile(0, 273, 112)
    assert tile_at(0, 274, 70_000) is None
    assert tile_at(3, 0, 70_000) is None
    assert [len(levels(size)) for size in (0, 1, 255, 256, 65_535, 65_536)] == [0, 1, 1, 2, 2, 3]


def test_a_bundle_frames_each_entry_with_two_bytes_of_length() -> None:
    framed = b"".join(frame_entries([b"one", b"", b"x" * 65_535]))
    assert framed[:7] == b"\x00\x03one\x00\x00"
    assert decode_bundle(framed, Tile(ENTRIES, 0, 3)) == [b"one", b"", b"x" * 65_535]


def test_an_entry_that_is_too_long_is_refused() -> None:
    with pytest.raises(EntryError, match="65535 bytes"):
        frame_entries([b"x" * 65_536])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\x03one\x00\x03tw", r"entry 257 is cut"),
        (b"\x00\x03one\x00", r"entry 257 is cut"),
        (b"\x00\x03one", r"entry 257 is cut"),
        (b"", r"entry 256 is cut"),
        (b"\x00\x03one\x00\x03two!", r"1 bytes behind its 2 entries"),
    ],
)
def test_a_bundle_of_other_than_its_entries_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(TileError, match=reason) as failure:
        decode_bundle(data, Tile(ENTRIES, 1, 2))
    assert failure.value.path == "tile/entries/001.p/2"


@settings(deadline=None)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_an_edge_grown_in_any_batches_has_the_root_of_all(batches: list[int]) -> None:
    hashes = leaf_hashes(str(number).encode() for number in range(sum(batches)))
    edge, filled, at = RightEdge(), [], 0
    for batch in batches:
        edge, tiles = edge.grow(hashes[at * 32 : (at + batch) * 32])
        filled += tiles
        at += batch
    assert edge.state == (at, tree_root(hashes))
    assert b"".join(data for tile, data in filled if tile.level == 0) + b"".join(edge.levels[:1]) == hashes
    assert [tile for tile, _ in edge.partials([])] == list(partial_tiles(at))[1:] if at % 256 else True
