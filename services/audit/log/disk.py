"""The few things a log does to a disk, each a step that can fail; tests put a failing one in its place."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.audit.log.errors import LockedError


class Disk:
    """File-system steps. Nothing written or renamed is durable before its `sync`."""

    def write(self, path: Path, data: bytes) -> None:
        """Create or replace a file."""
        path.write_bytes(data)

    def make_directory(self, path: Path) -> None:
        path.mkdir(exist_ok=True)

    def sync(self, path: Path) -> None:
        """Make a file's bytes, or a directory's names, durable."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Rename atomically over the target."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Remove a file, or a directory with all in it; one that is gone already is fine."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def lock(path: Path, what: str) -> int:
    """Hold a directory alone by a lock on a file in it; answers the descriptor, which lets go when it is closed.

    Raises LockedError where another process has it, which is said to do `what`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LockedError(f"{path.parent}: another process {what}") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_durably(disk: Disk, root: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write files below `root` and sync them, then the directories that got new names."""
    dirty: dict[Path, None] = {}
    for name, data in files:
        path = root / name
        for directory in _missing(path.parent):
            disk.make_directory(directory)
            dirty[directory.parent] = None
        disk.write(path, data)
        dirty[path.parent] = None
    # All writes come first: the first sync then carries most of the others' journal.
    for name, _ in files:
        disk.sync(root / name)
    for directory in dirty:
        disk.sync(directory)


def replace_durably(disk: Disk, path: Path, data: bytes) -> None:
    """Put new bytes in a file's place such that a reader, or a crash, sees the old or the new ones."""
    temporary = path.with_name(f".{path.name}.new")
    disk.write(temporary, data)
    disk.sync(temporary)
    disk.replace(temporary, path)
    disk.sync(path.parent)


def put_durably(disk: Disk, root: Path, name: str, data: bytes) -> None:
    """The same of a file below `root`, whose directories are made where they are missing."""
    path = root / name
    for directory in _missing(path.parent):
        disk.make_directory(directory)
        disk.sync(directory.parent)
    replace_durably(disk, path, data)


def remove_durably(disk: Disk, paths: Iterable[Path]) -> None:
    """Remove files or directories such that a crash doesn't bring them back."""
    parents: dict[Path, None] = {}
    for path in paths:
        disk.remove(path)
        parents[path.parent] = None
    for parent in parents:
        if parent.is_dir():
            disk.sync(parent)


def _missing(directory: Path) -> list[Path]:
    missing: list[Path] = []
    while not directory.is_dir():
        missing.insert(0, directory)
        directory = directory.parent
    return missing
