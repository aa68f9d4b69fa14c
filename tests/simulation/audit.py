"""The audit's directory: the real log and index on a disk in memory, with a death possible before every write."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import tzinfo
from pathlib import Path

from services.audit.following.memory import Memory, Moved
from services.audit.index import NO_HEADS, Index
from services.audit.log import LogWriter, TreeState
from services.audit.log.disk import Disk
from services.audit.projected import Projection
from shared.bus import Positions, Taken
from shared.events import Record
from tests.simulation.faults import Faults
from tests.simulation.loop import PROCESS

FAULTS: ContextVar[Faults] = ContextVar("faults")
SIGNED: ContextVar[list[bytes]] = ContextVar("signed")
"""Every checkpoint that any audit signed, also where it died before it stood."""


class FaultyDisk(Disk):
    """A disk at which a process may die between any two steps. What was written stays: power does not fail here."""

    def write(self, path: Path, data: bytes) -> None:
        FAULTS.get().instant("a tile")
        path.write_bytes(data)

    def sync(self, path: Path) -> None:
        """Memory is as durable as it gets."""

    def replace(self, source: Path, target: Path) -> None:
        SIGNED.get().append(source.read_bytes())
        FAULTS.get().instant("before a checkpoint")
        source.replace(target)
        FAULTS.get().instant("after a checkpoint")

    @staticmethod
    def writer(directory: Path, committed: TreeState) -> LogWriter:
        """A writer on such a disk, which its process's death lets go of."""
        made = LogWriter(directory, committed, disk=FaultyDisk())
        if (process := PROCESS.get()) is not None:
            process.at_death(made.close)
        return made


class FaultyIndex(Index):
    """An index whose process may die before and after a commit."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        for connection in (self._writer, self._reader):
            connection.execute("PRAGMA synchronous=OFF")
        if (process := PROCESS.get()) is not None:
            process.at_death(self.close)

    def commit(
        self,
        state: TreeState,
        positions: Positions,
        taken: Sequence[Taken],
        heads: Mapping[str, int] = NO_HEADS,
    ) -> None:
        faults = FAULTS.get()
        faults.instant("before an index commit")
        if faults.happens("full", "index"):
            raise sqlite3.OperationalError("database or disk is full")
        super().commit(state, positions, taken, heads)
        faults.instant("after an index commit")


class FaultyProjection(Projection):
    """A projection whose process may die before and after a commit."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        super().__init__(path, zone)
        self._writer.execute("PRAGMA synchronous=OFF")
        if (process := PROCESS.get()) is not None:
            process.at_death(self.close)

    def commit(self, records: Sequence[Record | None], last: bytes) -> None:
        faults = FAULTS.get()
        faults.instant("before a projection's commit")
        super().commit(records, last)
        faults.instant("after a projection's commit")


class FaultyMemory(Memory):
    """What the follower remembers, whose process may die before and after it does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if (process := PROCESS.get()) is not None:
            process.at_death(self.close)

    def commit(self, moved: Moved) -> None:
        faults = FAULTS.get()
        faults.instant("before a batch is remembered")
        if faults.happens("full", "memory"):
            raise sqlite3.OperationalError("database or disk is full")
        super().commit(moved)
        faults.instant("after a batch is remembered")
