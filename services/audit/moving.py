"""The trail moves house: its log, its index and the key that signs it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from services.audit.guard import NAME, Signed
from services.audit.index import FILE
from services.audit.log import EMPTY_TREE, LogReader, StateError, TreeState, from_directory
from services.audit.log.merkle import root_at
from services.audit.projected import FILE as PROJECTED
from shared.store.registers import Registers
from shared.store.rows import write

MOVER = "migrate"


def standing(data: Path) -> tuple[TreeState, int]:
    """The tree that a stopped installation's index has, and up to which position of its events."""
    path = data / "audit" / FILE
    if not path.is_file():
        return EMPTY_TREE, 0
    with closing(sqlite3.connect(path)) as index:
        row = index.execute("SELECT size, root FROM state").fetchone()
        position = index.execute("SELECT next FROM positions WHERE stream = 'events'").fetchone()
    return (TreeState(*row) if row else EMPTY_TREE), (position[0] - 1 if position else 0)


def copy(data: Path, audit: Path, heads: Iterable[tuple[str, int]]) -> TreeState:
    """Copy log, index and log key to where the cluster's audit will look; answers the tree that the copy has.

    `heads` is each aggregate's highest sequence in the log: by it an event that comes again is known. Raises StateError
    where another trail is there, or where the copy's tiles do not make the root that its index says.
    """
    wanted, _ = standing(data)
    there, coming = audit / "audit", audit / "audit.coming"
    if there.exists():
        if standing(audit)[0] != wanted:
            raise StateError(f"{there}: there is another trail: name an empty directory with --audit")
        return _checked(there / "log", wanted)
    shutil.rmtree(coming, ignore_errors=True)
    coming.mkdir(parents=True)
    if (data / "audit").is_dir():
        shutil.copytree(data / "audit" / "log", coming / "log")
        _copy_index(data / "audit" / FILE, coming / FILE, heads)
        _copy_projection(data / "audit" / PROJECTED, coming / PROJECTED)
        _checked(coming / "log", wanted)
    keys = audit / "keys"
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    for key in (data / "keys").glob("log*.ed25519"):
        shutil.copy2(key, keys / key.name)
    os.sync()
    coming.rename(there)
    return wanted


def _copy_index(source: Path, target: Path, heads: Iterable[tuple[str, int]]) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        with new:
            write(new, "INSERT OR REPLACE INTO heads", list(heads))
            new.execute("DELETE FROM positions")  # of the one stream that there was


def _copy_projection(source: Path, target: Path) -> None:
    """So that it need not be made anew: it follows from the entries, which are the same."""
    if source.is_file():
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)


def _checked(log: Path, wanted: TreeState) -> TreeState:
    if wanted.size:
        found = root_at(wanted.size, LogReader(from_directory(log)).hash_reader(wanted.size))
        if found != wanted.root:
            raise StateError(
                f"{log}: its {wanted.size} entries have root {found.hex()}, not {wanted.root.hex()}"
            )
    return wanted


async def register(registers: Registers, origin: str, state: TreeState) -> None:
    """Let no audit sign that has less than this. Raises StateError where something else is signed already."""
    wanted = Signed(1, state.size, state.root.hex(), MOVER).text()
    found = await registers.swap(f"{NAME}/{origin}", None, wanted)
    if found != wanted:
        raise StateError(f"the cluster has signed another tree of {origin}: {found}")
