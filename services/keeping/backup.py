"""A backup of an embedded installation, which may be at work: the trail first, so that it is never ahead of its store.

    index, checkpoint → tiles of that tree → store → keys → large contents → manifest

Each backup is a folder of its own and whole; what never changes is linked from the one before. Keys go elsewhere: there
is one backup of them, always the newest. What derives from content (mails in the outbox, sketches) is in none.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from services.audit.index import FILE as INDEX
from services.audit.log import EMPTY_TREE, LogError, StateError, TreeState
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
from services.audit.log_keys import HANDOVER
from services.audit.moving import standing
from services.keeping.manifest import MANIFEST, Manifest, tree_of
from shared.generation import read_generation
from shared.settings import Settings

COMING = ".coming"
_A_STEP = 4096
"""Pages of a database that are copied between two words about progress."""

Progress = Callable[[str, int, int], None]


class NoInstallation(OSError):
    """There is nothing to back up; says where."""


def backup(settings: Settings, target: Path, keys: Path, progress: Progress, keep: int | None = None) -> Path:
    """Back up; answers the folder that was made. `keep` is how many backups stay, the newest.

    Raises OSError, sqlite3.Error or LogError, and has then made nothing that counts as a backup; it is run again.
    """
    data = settings.data
    if not (data / "throughline.db").is_file():
        raise NoInstallation(
            2, "there is no embedded installation here: name its directory with --data", str(data)
        )
    target.mkdir(parents=True, exist_ok=True)
    before = newest(target)
    now = datetime.now(UTC)
    coming = target / COMING
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(mode=0o700)
    tree, checkpoint = _trail(data, coming, before, progress)
    _database(data / "throughline.db", coming / "throughline.db", "store", progress)
    _keep_keys(settings, keys, progress)
    _contents(data / "content", coming / "content", before, progress)
    shutil.copy2(settings.org, coming / "organisation.yaml")
    Manifest.of(coming, now, tree, checkpoint, read_generation(data)).write(coming)
    _sync(coming)
    made = target / now.strftime("%Y%m%dT%H%M%S.%fZ")
    coming.rename(made)
    _sync_folder(target)
    for old in backups(target)[: -keep if keep else 0]:
        shutil.rmtree(old)
    return made


def backups(target: Path) -> list[Path]:
    """The whole backups in a folder, the oldest first."""
    return sorted(path.parent for path in target.glob(f"*/{MANIFEST}") if path.parent.name != COMING)


def newest(target: Path) -> Path | None:
    """The newest whole backup in a folder."""
    found = backups(target)
    return found[-1] if found else None


def _trail(data: Path, coming: Path, before: Path | None, progress: Progress) -> tuple[TreeState, bytes]:
    """The index as of one moment, and the tiles of its tree. The checkpoint is one from before that moment."""
    log, audit = data / "audit" / "log", coming / "audit"
    audit.mkdir()
    if not (data / "audit" / INDEX).is_file():
        return EMPTY_TREE, b""
    checkpoint = (log / "checkpoint").read_bytes() if (log / "checkpoint").is_file() else b""
    _database(data / "audit" / INDEX, audit / INDEX, "index", progress)
    tree, _ = standing(coming)
    sizes = [tree.size] + ([tree_of(checkpoint).size] if checkpoint else [])
    wanted = list(dict.fromkeys(tile for size in sizes for tile in _tiles(size)))
    for done, tile in enumerate(wanted, 1):
        _tile(log, audit / "log", before and before / "audit" / "log", tile)
        if not done % 256 or done == len(wanted):
            progress("trail", done, len(wanted))
    if checkpoint:
        (audit / "log").mkdir(exist_ok=True)
        (audit / "log" / "checkpoint").write_bytes(checkpoint)
    if (log / HANDOVER).is_dir():
        shutil.copytree(log / HANDOVER, audit / "log" / HANDOVER)
    old = data / "audit" / "generations"
    if old.is_dir():
        shutil.copytree(old, audit / "generations")
    return tree, checkpoint


def _tiles(size: int) -> Iterator[Tile]:
    """Every tile of a tree."""
    for level in (ENTRIES, *levels(size)):
        for number in range(-(-hashes_at(level, size) // TILE_WIDTH)):
            tile = tile_at(level, number, size)
            assert tile is not None
            yield tile


def _tile(log: Path, target: Path, before: Path | None, tile: Tile) -> None:
    path = target / tile.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if tile.full and before is not None and (before / tile.path).is_file():
        os.link(before / tile.path, path)
        return
    path.write_bytes(_read(log, tile))


def _read(log: Path, tile: Tile) -> bytes:
    """A tile, cut out of a wider one where the log has grown meanwhile. Raises LogError where there is none."""
    folder = log / f"{tile.full_path}.p"
    for _ in range(3):  # between looking and reading, a partial one may become a full one
        wider = (
            sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())
            if folder.is_dir()
            else []
        )
        for width in (*(one for one in wider if one >= tile.width), TILE_WIDTH):
            try:
                whole = (log / Tile(tile.level, tile.number, width).path).read_bytes()
            except FileNotFoundError:
                continue
            if width == tile.width:
                return whole
            if tile.level != ENTRIES:
                return whole[: tile.width * 32]
            return b"".join(frame_entries(split_bundle(whole, tile.width)[0]))
    raise StateError(
        f"{log}: {tile.path} is missing, which its index says is there. See `throughline trail verify`"
    )


def _database(source: Path, target: Path, what: str, progress: Progress) -> None:
    """A database as of one moment, whoever writes meanwhile."""
    with closing(
        sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    ) as old:
        # A moment held open: else each write of another begins the copy anew.
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target)) as new:
            old.backup(
                new, pages=_A_STEP, progress=lambda _, left, total: progress(what, total - left, total)
            )
            new.execute("PRAGMA journal_mode=DELETE")  # one file, without a log of its own beside it
    target.chmod(0o600)


def _keep_keys(settings: Settings, keys: Path, progress: Progress) -> None:
    """The content keys as they are now, and the installation's secrets, in the place of those kept before."""
    keys.parent.mkdir(parents=True, exist_ok=True)
    coming = keys.with_name(f".{keys.name}{COMING}")
    database = coming.with_suffix(".db")
    for path in (coming, database):
        path.unlink(missing_ok=True)
    _database(settings.data / "keys.db", database, "keys", progress)
    descriptor = os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(database, "keys.db", filter=_bare)
        for path in sorted(settings.keys_directory.iterdir()):
            if path.is_file() and not path.name.endswith(".new"):
                tar.add(path, f"keys/{path.name}", filter=_bare)
        if settings.keys_directory != settings.data / "keys":
            for path in sorted((settings.data / "keys").glob("log*.ed25519")):
                tar.add(path, f"keys/{path.name}", filter=_bare)
    database.unlink()
    _sync_file(coming)
    coming.replace(keys)
    _sync_folder(keys.parent)


def _bare(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without whose they were here."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def read_keys(keys: Path) -> dict[str, bytes]:
    """What a backup of keys holds: `keys.db`, and each secret as `keys/NAME`. Raises OSError where it is none."""
    try:
        with tarfile.open(fileobj=BytesIO(keys.read_bytes())) as tar:
            return {
                one.name: file.read()
                for one in tar.getmembers()
                if (file := tar.extractfile(one)) is not None
            }
    except tarfile.TarError as error:
        raise OSError(f"{keys} is no backup of keys: {error}") from error


def _contents(source: Path, target: Path, before: Path | None, progress: Progress) -> None:
    """Sealed contents that are files. One that is erased meanwhile is not there any more, here either."""
    target.mkdir()
    found = [path for path in source.glob("*/*") if path.is_file()]
    for done, path in enumerate(found, 1):
        kept = target / path.parent.name / path.name
        kept.parent.mkdir(exist_ok=True)
        earlier = before and before / "content" / path.parent.name / path.name
        try:
            if earlier is not None and earlier.is_file():
                os.link(earlier, kept)
            else:
                shutil.copyfile(path, kept)
        except FileNotFoundError:
            kept.unlink(missing_ok=True)
        progress("contents", done, len(found))


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        (_sync_folder if path.is_dir() else _sync_file)(path)
    _sync_folder(folder)


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


__all__ = ["LogError", "NoInstallation", "backup", "backups", "newest", "read_keys"]
