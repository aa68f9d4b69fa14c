"""Verifying a whole log: every byte of it leads to the signed root, or what doesn't is named.

The entries are read once, in order, and the tree is built from them; each stored tile is compared with what
was built. Where they differ, the hash above (in the stored parent tile, or the signed root) says which of the
two is wrong. Memory holds one tile a level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from services.audit.log.checkpoint import Checkpoint, open_any_checkpoint, open_checkpoint
from services.audit.log.cosignature import NO_WITNESSES, Policy
from services.audit.log.errors import NoteError, TileError
from services.audit.log.fetch import Fetch, fetch_hashes, from_directory, list_tiles, list_versions
from services.audit.log.merkle import EMPTY_TREE, HASH_SIZE, leaf_hashes, perfect_root
from services.audit.log.report import Problem, Report, unreadable, wrong_below, wrong_hash
from services.audit.log.tiles import (
    ENTRIES,
    TILE_BYTES,
    TILE_WIDTH,
    Tile,
    edge_root,
    hashes_at,
    levels,
    split_bundle,
    tile_at,
)
from shared.note import Verifier

# How many entries are done, of how many; called after each bundle.
Progress = Callable[[int, int], None]


def verify_log(
    source: Path | Fetch,
    vkey: str | Verifier,
    *,
    origin: str | None = None,
    since: bytes | None = None,
    earlier: Sequence[Verifier] = (),
    policy: Policy = NO_WITNESSES,
    progress: Progress | None = None,
) -> Report:
    """Check everything that a log serves; of a directory also every other tile that lies in it.

    `since` is a checkpoint kept from before, by this key or by one of `earlier` that it took over from: the log must
    still contain its tree. `policy` says whose cosignatures the checkpoint must have. `origin` defaults to the key's
    name. What is wrong with the log is in the report; only a malformed `vkey` raises (NoteError).
    """
    log = Verifier.parse(vkey) if isinstance(vkey, str) else vkey
    directory = source if isinstance(source, Path) else None
    fetch = from_directory(source) if isinstance(source, Path) else source
    report = Report()
    try:
        note = fetch("checkpoint")
        checkpoint = open_checkpoint(note, log, origin=origin)
    except (NoteError, OSError) as error:
        report.add(Problem("checkpoint", str(error)))
        return report
    report.checkpoint = checkpoint
    _check_cosigned(note, policy, report)
    verification = _Verification(fetch, directory, checkpoint, report)
    if since is not None:
        verification.expect(since, [log, *earlier], origin or log.name)
    verification.run(progress or (lambda done, size: None))
    return report


def _check_cosigned(note: bytes, policy: Policy, report: Report) -> None:
    try:
        for cosigned in policy.check(note):
            report.note(f"checkpoint: cosigned by {cosigned.witness.name} at {cosigned.at.isoformat()}")
    except NoteError as error:
        report.add(Problem("checkpoint", str(error)))


class _Verification:
    def __init__(self, fetch: Fetch, directory: Path | None, checkpoint: Checkpoint, report: Report) -> None:
        self._fetch = fetch
        self._directory = directory
        self._size, self._root = checkpoint.state
        self._report = report
        self._since: Checkpoint | None = None
        # Of each level, the hashes after the last full tile, built from below.
        self._edges = [b"" for _ in levels(self._size)]
        self._parent: tuple[Tile, bytes] | None = None
        # Tiles whose entries can't be read and that don't lead to the hash above: only the root can tell.
        self._unproven: list[Tile] = []

    def expect(self, since: bytes, keys: Sequence[Verifier], origin: str) -> None:
        try:
            old = open_any_checkpoint(since, keys, origin=origin)
        except NoteError as error:
            self._report.add(Problem("old checkpoint", str(error)))
            return
        if old.state.size > self._size:
            self._report.add(
                Problem(
                    "checkpoint",
                    "the log was set back: it is smaller than the old checkpoint",
                    f"at least {old.state.size} entries",
                    f"{self._size}",
                )
            )
            return
        self._since = old
        if old.state.size == 0:
            self._compare_old(EMPTY_TREE.root)

    def run(self, progress: Progress) -> None:
        for number in range(-(-self._size // TILE_WIDTH)):
            tile = tile_at(0, number, self._size)
            assert tile is not None
            self._settle(tile, self._leaves(tile))
            self._report.entries = tile.start + tile.width
            progress(self._report.entries, self._size)
        for level in levels(self._size)[1:]:
            number, width = divmod(hashes_at(level, self._size), TILE_WIDTH)
            if width:
                self._settle(Tile(level, number, width), self._edges[level])
        root = edge_root(self._edges)
        if root != self._root:
            what = "the entries lead to another root than the signed one"
            self._report.add(Problem("checkpoint", what, self._root.hex(), root.hex()))
            for tile in self._unproven:
                self._report.add(Problem(tile.path, "its hashes don't lead to the signed root"))
        if self._directory:
            self._note_strays(self._directory)

    def _leaves(self, tile: Tile) -> bytes | None:
        """The hashes of a bundle's entries, None where they can't all be read."""
        bundle = Tile(ENTRIES, tile.number, tile.width)
        try:
            path, data = self._read_bundle(bundle)
        except OSError as error:
            last = bundle.start + bundle.width - 1
            self._report.add(unreadable(bundle, error, f"entries {bundle.start}–{last}"))
            return None
        entries, rest = split_bundle(data, bundle.width)
        hashes = leaf_hashes(entries)
        if len(entries) == bundle.width and (not rest or path != bundle.path):
            return hashes
        stored = self._stored(tile, report=False) or b""
        wrong = next(_differences(stored, hashes), len(entries))
        got = f"{len(entries)} entries and {rest} bytes"
        if wrong < bundle.width:
            what = "can't be read from here on: the bundle is cut or a length is wrong"
            problem = Problem(path, what, f"{bundle.width} entries", got, bundle.start + wrong)
        else:
            problem = Problem(path, "bytes behind the last entry", f"{bundle.width} entries", got)
        self._report.add(problem)
        return None

    def _read_bundle(self, bundle: Tile) -> tuple[str, bytes]:
        try:
            return bundle.path, self._fetch(bundle.path)
        except FileNotFoundError:
            if bundle.full:
                raise
            return bundle.full_path, self._fetch(bundle.full_path)

    def _settle(self, tile: Tile, built: bytes | None) -> None:
        """Compare a stored tile with what was built from below, and hand its root up."""
        stored = self._stored(tile)
        hashes = built if built is not None and built == stored else self._judge(tile, built, stored)
        if self._directory:
            self._check_versions(self._directory, tile, hashes)
            if tile.level == 0:
                self._check_versions(self._directory, Tile(ENTRIES, tile.number, tile.width), hashes)
        if tile.level == 0:
            self._check_old(tile, hashes)
        if not tile.full:
            self._edges[tile.level] = hashes
            return
        above = tile.level + 1
        self._edges[above] += perfect_root(hashes)
        if len(self._edges[above]) == TILE_BYTES:
            full, self._edges[above] = self._edges[above], b""
            self._settle(Tile(above, tile.number // TILE_WIDTH), full)

    def _stored(self, tile: Tile, *, report: bool = True) -> bytes | None:
        try:
            return fetch_hashes(self._fetch, tile)
        except TileError as error:
            problem = Problem(error.path, str(error).removeprefix(f"{error.path}: "))
        except OSError as error:
            problem = unreadable(tile, error, f"{tile.width} hashes")
        if report:
            self._report.add(problem)
        return None

    def _judge(self, tile: Tile, built: bytes | None, stored: bytes | None) -> bytes:
        """Say which of the two is wrong, and go on with the other."""
        if built is None or stored is None:
            # What is missing is reported already; what stands in for it must still lead to the signed root.
            if stored is not None and not self._leads_up(tile, stored):
                self._unproven.append(tile)
            return built or stored or bytes(tile.width * HASH_SIZE)
        if self._leads_up(tile, built):
            for at in _differences(built, stored):
                self._report.add(wrong_hash(tile, at, _hash(built, at), _hash(stored, at)))
            return built
        entries_wrong = self._leads_up(tile, stored)
        for at in _differences(built, stored):
            expected, got = _hash(stored, at), _hash(built, at)
            self._report.add(wrong_below(tile, at, expected, got, sure=entries_wrong))
        return stored if entries_wrong else built

    def _leads_up(self, tile: Tile, hashes: bytes) -> bool:
        if not tile.full:
            edges = [hashes if level == tile.level else edge for level, edge in enumerate(self._edges)]
            return edge_root(edges) == self._root
        above, at = divmod(tile.number, TILE_WIDTH)
        parent = tile_at(tile.level + 1, above, self._size)
        assert parent is not None
        if self._parent is None or self._parent[0] != parent:
            self._parent = parent, self._stored(parent, report=False) or b""
        return perfect_root(hashes) == _hash(self._parent[1], at)

    def _check_versions(self, directory: Path, tile: Tile, hashes: bytes) -> None:
        """Compare the other files of a tile (partial ones, of old or later sizes) with its hashes."""
        for version in list_versions(directory, tile):
            if version.width == tile.width:
                continue
            try:
                data = self._fetch(version.path)
            except OSError as error:
                self._report.add(unreadable(version, error, "a readable file"))
                continue
            self._check_version(version, data, hashes[: version.width * HASH_SIZE], tile.width)

    def _check_version(self, version: Tile, data: bytes, hashes: bytes, signed_width: int) -> None:
        signed = min(version.width, signed_width)
        if version.level == ENTRIES:
            entries, rest = split_bundle(data, signed)
            got = leaf_hashes(entries)
            whole = len(entries) == signed and (not rest or version.width > signed)
        else:
            got = data[: signed * HASH_SIZE]
            whole = len(data) == version.width * HASH_SIZE
        for at in _differences(hashes, got):
            self._report.add(wrong_hash(version, at, _hash(hashes, at), _hash(got, at)))
        if whole:
            return
        if version.width > signed_width:
            self._report.note(f"{version.path}: past the signed tree, and not whole")
        else:
            what = "isn't as long as its name says"
            self._report.add(Problem(version.path, what, f"{version.width}", f"{len(data)} bytes"))

    def _check_old(self, tile: Tile, hashes: bytes) -> None:
        old = self._since.state.size if self._since else 0
        if tile.start < old <= tile.start + tile.width:
            self._compare_old(edge_root([hashes[: (old - tile.start) * HASH_SIZE], *self._edges[1:]]))

    def _compare_old(self, root: bytes) -> None:
        assert self._since is not None
        size, expected = self._since.state
        if root != expected:
            what = f"the log's first {size} entries aren't those of the old checkpoint"
            self._report.add(Problem("checkpoint", what, expected.hex(), root.hex()))

    def _note_strays(self, directory: Path) -> None:
        for path, tile in list_tiles(directory):
            if tile is None:
                self._report.note(f"{path}: not a tile's name")
            elif tile.start + tile.width > hashes_at(tile.level, self._size):
                self._report.note(f"{path}: past the signed tree of {self._size} entries")


def _hash(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH_SIZE : (at + 1) * HASH_SIZE]


def _differences(left: bytes, right: bytes) -> Iterator[int]:
    """The positions, as far as both go, whose hashes differ."""
    for at in range(min(len(left), len(right)) // HASH_SIZE):
        if _hash(left, at) != _hash(right, at):
            yield at
