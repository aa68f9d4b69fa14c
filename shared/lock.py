"""One process to a data directory: an advisory lock (flock) on a file in it, which the kernel gives back at the end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class Locked(RuntimeError):
    """Another process holds the lock; says which, and what to do."""


class Lock:
    """The lock on `path`, usually `<data>/lock`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take it now, or raise Locked; it is never waited for."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise Locked(
                f"{self._path.parent} is in use{f' by process {holder}' if holder else ''}:"
                " stop the server that runs there first, or name another directory with --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    @property
    def descriptor(self) -> int | None:
        """Where it is held: a process that is given this holds the lock too, as long as it lives."""
        return self._descriptor

    def release(self) -> None:
        """Give it back. The file stays: removing it could take another process's lock away."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


MOVED = "moved"
"""The file in a directory that says where its installation has gone."""


def refuse_moved(directory: Path) -> None:
    """Raise Locked where the installation lives in a cluster by now: two would both answer and mail."""
    if (directory / MOVED).is_file():
        raise Locked(
            f"{directory}: this installation was moved to a cluster and lives there: start it with `throughline serve`."
            f" Remove {directory / MOVED} only if the cluster's services never ran."
        )
