"""Where a log is read from: a directory, an HTTP prefix, or any function that does the same."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from os import walk
from pathlib import Path

from services.audit.log.errors import TileError
from services.audit.log.tiles import Tile, check_hashes, decode_bundle, parse_path, split_bundle

# path below the log → its bytes. FileNotFoundError: nothing there; another OSError: it can't be read.
Fetch = Callable[[str], bytes]

MAX_RESOURCE = 256 * (2 + 65_535)  # a full bundle of the longest entries


def from_directory(directory: Path) -> Fetch:
    """Read a log's own directory."""

    def fetch(path: str) -> bytes:
        return (directory / path).read_bytes()

    return fetch


def from_url(prefix: str, *, timeout: float = 30.0) -> Fetch:
    """Read a log served under an http or https prefix; `timeout` in seconds a request."""
    if not prefix.startswith(("http://", "https://")):
        raise ValueError(f"not an http prefix: {prefix}")

    def fetch(path: str) -> bytes:
        url = f"{prefix.rstrip('/')}/{path}"
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310  the scheme is checked above
                body: bytes = response.read(MAX_RESOURCE + 1)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (404, 410):
                    raise FileNotFoundError(f"{url}: {error.code}") from None
                raise OSError(f"{url}: {error.code} {error.reason}") from None
        if len(body) > MAX_RESOURCE:
            raise OSError(f"{url}: more than {MAX_RESOURCE} bytes")
        return body

    return fetch


def fetch_hashes(fetch: Fetch, tile: Tile) -> bytes:
    """A hash tile's bytes, from the full tile where the partial one is gone. Raises TileError, OSError."""
    try:
        return check_hashes(fetch(tile.path), tile)
    except FileNotFoundError:
        if tile.full:
            raise
    full = Tile(tile.level, tile.number)
    return check_hashes(fetch(full.path), full)[: tile.width * 32]


def fetch_entries(fetch: Fetch, bundle: Tile) -> list[bytes]:
    """A bundle's entries, from the full bundle where the partial one is gone. Raises TileError, OSError."""
    try:
        return decode_bundle(fetch(bundle.path), bundle)
    except FileNotFoundError:
        if bundle.full:
            raise
    entries, _ = split_bundle(fetch(bundle.full_path), bundle.width)
    if len(entries) < bundle.width:
        raise TileError(bundle.full_path, f"expected {bundle.width} entries at least, got {len(entries)}")
    return entries


def list_tiles(directory: Path) -> Iterator[tuple[str, Tile | None]]:
    """Every file below `tile/`, by path, with the tile it names (None: no legal name)."""
    for parent, folders, files in walk(directory / "tile"):
        folders.sort()
        prefix = Path(parent).relative_to(directory).as_posix()
        for name in sorted(files):
            path = f"{prefix}/{name}"
            try:
                yield path, parse_path(path)
            except TileError:
                yield path, None


def list_versions(directory: Path, tile: Tile) -> list[Tile]:
    """The full and partial files present of one tile, whatever their width."""
    found = [Tile(tile.level, tile.number)] if (directory / tile.full_path).is_file() else []
    folder = directory / f"{tile.full_path}.p"
    if folder.is_dir():
        widths = sorted(int(path.name) for path in folder.iterdir() if _is_width(path.name))
        found += [Tile(tile.level, tile.number, width) for width in widths]
    return found


def _is_width(name: str) -> bool:
    return name.isascii() and name.isdigit() and name[0] != "0" and int(name) < 256
