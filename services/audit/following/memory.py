"""What the follower remembers between batches: how far it is, whose aggregates are whose, when to look again.

One SQLite file beside the index. All of it follows from the log and can be made anew: it is written with its cursor in
one commit, and who loses it begins at the first entry, raising nothing twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from shared.store.rows import write

FILE = "checks.db"
SHAPE = 1
"""The version of the tables: a file that has another is made anew."""

_TABLES = {
    "state": "(one INTEGER PRIMARY KEY CHECK (one = 1), cursor INTEGER NOT NULL, last BLOB NOT NULL, at INTEGER)",
    "joined": "(aggregate TEXT NOT NULL, matter TEXT NOT NULL, PRIMARY KEY (aggregate, matter))",
    "waits": "(matter TEXT PRIMARY KEY, at INTEGER NOT NULL)",
    "folds": "(name TEXT PRIMARY KEY, tuned TEXT NOT NULL, kept TEXT NOT NULL)",
    "raised": "(finding TEXT PRIMARY KEY)",
    "failed": "(name TEXT NOT NULL, place INTEGER NOT NULL, matter TEXT, why TEXT NOT NULL, PRIMARY KEY (name, place))",
}
_INDEXES = (
    "CREATE INDEX joined_matter ON joined (matter)",
    "CREATE INDEX waits_at ON waits (at)",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Kept(NamedTuple):
    """A house check's state, as JSON, and which version and parameters made it."""

    tuned: str
    state: str


class Failed(NamedTuple):
    """Where a check failed: `throughline check run` looks there again."""

    check: str
    place: int
    case: str | None
    why: str


@dataclass
class Moved:
    """What a batch changes."""

    cursor: int
    last: bytes
    """The last entry's leaf hash: who follows another log from here on is told by it."""
    latest: datetime | None
    joined: list[tuple[str, str]] = field(default_factory=list)
    waits: dict[str, datetime | None] = field(default_factory=dict)
    """By case, when time alone may show something; None where it can't any more."""
    folds: dict[str, Kept] = field(default_factory=dict)
    raised: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


class Memory:
    """The file, for one thread at a time. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        if self._file.execute("PRAGMA user_version").fetchone()[0] != SHAPE:
            self.forget()
        self.cursor = 0
        self.last = b""
        self.latest: datetime | None = None
        self.reload()

    def forget(self) -> None:
        """Begin anew at the log's first entry."""
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            for table, columns in _TABLES.items():
                self._file.execute(f"DROP TABLE IF EXISTS {table}")
                self._file.execute(f"CREATE TABLE {table} {columns} WITHOUT ROWID")
            for index in _INDEXES:
                self._file.execute(index)
            self._file.execute("INSERT INTO state VALUES (1, 0, x'', NULL)")
            self._file.execute(f"PRAGMA user_version = {SHAPE}")
        self.reload()

    def reload(self) -> None:
        """Take what is committed for what stands."""
        if self._file.in_transaction:
            self._file.rollback()
        self.cursor, self.last, at = self._file.execute("SELECT cursor, last, at FROM state").fetchone()
        self.latest = None if at is None else _EPOCH + at * _MILLISECOND

    def cases_of(self, aggregate: str) -> list[str]:
        """The cases that an aggregate belongs to."""
        rows = self._file.execute("SELECT matter FROM joined WHERE aggregate = ?", (aggregate,))
        return [row[0] for row in rows.fetchall()]

    def members(self, case: str) -> list[str]:
        """The aggregates that belong to a case."""
        rows = self._file.execute("SELECT aggregate FROM joined WHERE matter = ? ORDER BY aggregate", (case,))
        return [row[0] for row in rows.fetchall()]

    def due(self, until: datetime, limit: int) -> list[str]:
        """Cases in which time alone may have shown something by then, the longest waiting first."""
        rows = self._file.execute(
            "SELECT matter FROM waits WHERE at <= ? ORDER BY at, matter LIMIT ?",
            (_milliseconds(until), limit),
        )
        return [row[0] for row in rows.fetchall()]

    def fold(self, check: str) -> Kept | None:
        """What a house check remembered."""
        row = self._file.execute("SELECT tuned, kept FROM folds WHERE name = ?", (check,)).fetchone()
        return row and Kept(*row)

    def raised(self, findings: Sequence[str]) -> set[str]:
        """Which of these findings were raised."""
        marks = ", ".join("?" * len(findings))
        rows = self._file.execute(f"SELECT finding FROM raised WHERE finding IN ({marks})", findings)  # noqa: S608
        return {row[0] for row in rows.fetchall()}

    def failed(self) -> list[Failed]:
        """Where checks failed."""
        return [Failed(*row) for row in self._file.execute("SELECT * FROM failed ORDER BY place, name")]

    def commit(self, moved: Moved) -> None:
        """Remember a batch, all of it or nothing."""
        try:
            with self._file:
                self._file.execute("BEGIN IMMEDIATE")
                self._write(moved)
        except BaseException:
            self.reload()
            raise
        self.cursor, self.last, self.latest = moved.cursor, moved.last, moved.latest

    def _write(self, moved: Moved) -> None:
        file = self._file
        write(file, "INSERT OR IGNORE INTO joined", moved.joined)
        waits = [(case, _milliseconds(at)) for case, at in moved.waits.items() if at is not None]
        write(file, "INSERT OR REPLACE INTO waits", waits)
        over = [(case,) for case, at in moved.waits.items() if at is None]
        write(file, "DELETE FROM waits WHERE matter IN (", over, ")")
        write(file, "INSERT OR REPLACE INTO folds", [(name, *kept) for name, kept in moved.folds.items()])
        write(file, "INSERT OR IGNORE INTO raised", [(one,) for one in moved.raised])
        write(file, "INSERT OR REPLACE INTO failed", moved.failed)
        at = None if moved.latest is None else _milliseconds(moved.latest)
        file.execute("UPDATE state SET cursor = ?, last = ?, at = ?", (moved.cursor, moved.last, at))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _milliseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MILLISECOND
