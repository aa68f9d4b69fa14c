"""The audit's own index: what is committed of the log, how far the events are consumed, where each aggregate's entries are.

It is a projection of the log but for one row: size, root and position, which say what the log stands for (DESIGN.md section 7).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.audit.log import EMPTY_TREE, TreeState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL,
    position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (at INTEGER PRIMARY KEY, aggregate TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entries_of ON entries (aggregate);
CREATE TABLE IF NOT EXISTS refs (ref TEXT PRIMARY KEY, matter TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS links (matter TEXT NOT NULL, aggregate TEXT NOT NULL, PRIMARY KEY (matter, aggregate)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What one entry adds to the index."""

    aggregate: str
    matter: str | None = None
    """The case that the aggregate belongs to, where this entry says so."""
    ref: str | None = None
    """The case's ref, where this entry gives it one."""


class Index:
    """One SQLite file. Written by the audit's thread alone; read from any."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = _connect(path)
        self._writer.executescript(_SCHEMA)
        self._reader = _connect(path)
        row = self._writer.execute("SELECT size, root, position FROM state").fetchone()
        self.state = TreeState(row[0], row[1]) if row else EMPTY_TREE
        self.position: int = row[2] if row else 0

    def commit(self, state: TreeState, position: int, entries: Sequence[Indexed]) -> None:
        """What the log has from here on; durable when this returns."""
        first = self.state.size
        links = [(one.matter, one.aggregate) for one in entries if one.matter and one.matter != one.aggregate]
        refs = [(one.ref, one.aggregate) for one in entries if one.ref]
        with self._writer:
            self._writer.execute("BEGIN")
            self._writer.executemany(
                "INSERT INTO entries VALUES (?, ?)",
                ((first + offset, one.aggregate) for offset, one in enumerate(entries)),
            )
            self._writer.executemany("INSERT OR IGNORE INTO links VALUES (?, ?)", links)
            self._writer.executemany("INSERT OR IGNORE INTO refs VALUES (?, ?)", refs)
            self._writer.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?)", (state.size, state.root, position)
            )
        self.state, self.position = state, position

    def case_of(self, ref: str) -> str | None:
        """The case that has a ref."""
        row = self._reader.execute("SELECT matter FROM refs WHERE ref = ?", (ref,)).fetchone()
        return row and str(row[0])

    def of_aggregates(self, aggregates: Iterable[str], since: int = 0, limit: int = 1000) -> list[int]:
        """Where the entries of some aggregates are, in the log's order."""
        names = list(aggregates)
        marks = ", ".join("?" * len(names))
        rows = self._reader.execute(
            f"SELECT at FROM entries WHERE aggregate IN ({marks}) AND at >= ? ORDER BY at LIMIT ?",  # noqa: S608
            (*names, since, limit),
        ).fetchall()
        return [row[0] for row in rows]

    def related(self, case: str) -> list[str]:
        """The case and all that belongs to it: its messages and deliveries."""
        rows = self._reader.execute("SELECT aggregate FROM links WHERE matter = ?", (case,)).fetchall()
        return [case, *(row[0] for row in rows)]

    def close(self) -> None:
        """Close both connections."""
        self._writer.close()
        self._reader.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=16384")
    return connection
