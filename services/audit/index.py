"""The audit's own index: what is committed of the log, how far the events are consumed, whose entries are where,
what the console shows.

It is a projection of the log but for a few rows: size, root and positions, which say what the log stands for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from services.audit.log import EMPTY_TREE, TreeState
from services.audit.projection import ENDS, Days, Rows, Unsettled
from shared.bus import Positions, Taken
from shared.events import Record
from shared.store.rows import write

FILE = "index.db"
NO_HEADS: Mapping[str, int] = {}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS positions (stream TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads (aggregate TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (aggregate TEXT NOT NULL, at INTEGER NOT NULL, belongs TEXT,
    PRIMARY KEY (aggregate, at)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cases (matter TEXT PRIMARY KEY, ref TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,
    arrived INTEGER NOT NULL, promise INTEGER, state TEXT NOT NULL, holder TEXT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS cases_ref ON cases (ref);
CREATE INDEX IF NOT EXISTS cases_open_by_state ON cases (holder, state) WHERE state <> 'closed';
CREATE TABLE IF NOT EXISTS owed (matter TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
    since INTEGER NOT NULL, due INTEGER NOT NULL, binding INTEGER NOT NULL, stage INTEGER NOT NULL,
    PRIMARY KEY (matter, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS owed_due ON owed (due) WHERE binding;
CREATE INDEX IF NOT EXISTS owed_aged ON owed (stage, due) WHERE binding AND stage > 1;
CREATE TABLE IF NOT EXISTS unsettled (message TEXT PRIMARY KEY, day TEXT NOT NULL, endpoint TEXT NOT NULL,
    state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balance (day TEXT NOT NULL, endpoint TEXT NOT NULL, received INTEGER NOT NULL,
    attached INTEGER NOT NULL, new INTEGER NOT NULL, quarantined INTEGER NOT NULL, refused INTEGER NOT NULL,
    PRIMARY KEY (day, endpoint)) WITHOUT ROWID;
"""
_ONE_STREAM = """
BEGIN;
INSERT INTO positions SELECT 'events', position + 1 FROM state;
ALTER TABLE state DROP COLUMN position;
COMMIT;
"""
"""Before there were many streams, the state itself said how far the one was taken."""
_COUNT = """
INSERT INTO balance VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET received = received + excluded.received,
    attached = attached + excluded.attached, new = new + excluded.new,
    quarantined = quarantined + excluded.quarantined, refused = refused + excluded.refused
"""


class Standing(NamedTuple):
    """How a case stands, as its entries say; times are milliseconds since 1970."""

    id: str
    ref: str
    kind: str
    channel: str
    arrived: int
    promise: int | None
    state: str
    holder: str


class Lookup:
    """Reading an index: which entries are whose. For one thread at a time."""

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader

    def case_of(self, ref: str) -> str | None:
        """The case that has a ref."""
        row = self._reader.execute("SELECT matter FROM cases WHERE ref = ?", (ref,)).fetchone()
        return row and str(row[0])

    def standing(self, ref: str) -> Standing | None:
        """How the case that has a ref stands."""
        row = self._reader.execute("SELECT * FROM cases WHERE ref = ?", (ref,)).fetchone()
        return row and Standing(*row)

    def of_aggregates(
        self, aggregates: Iterable[str], since: int = 0, limit: int = 1000, *, below: int = 1 << 62
    ) -> list[int]:
        """Where the entries of some aggregates are, in the log's order."""
        names = list(aggregates)
        marks = ", ".join("?" * len(names))
        rows = self._reader.execute(
            f"SELECT DISTINCT at FROM entries WHERE aggregate IN ({marks}) AND at >= ? AND at < ? ORDER BY at LIMIT ?",  # noqa: S608
            (*names, since, below, limit),
        ).fetchall()
        return [row[0] for row in rows]

    def related(self, case: str) -> list[str]:
        """The case and all that belongs to it: its messages and deliveries."""
        rows = self._reader.execute(
            "SELECT DISTINCT belongs FROM entries WHERE aggregate = ? AND belongs IS NOT NULL", (case,)
        ).fetchall()
        return [case, *(row[0] for row in rows)]

    def whose(self, aggregates: Iterable[str], limit: int) -> list[tuple[int, str]]:
        """The entries of some aggregates in the log's order, each with the aggregate whose own it is."""
        names = list(aggregates)
        marks = ", ".join("?" * len(names))
        rows = self._reader.execute(
            f"SELECT at, aggregate FROM entries WHERE aggregate IN ({marks})"  # noqa: S608
            # what only belongs to a case stands there too, beside whose own it is
            " ORDER BY at, belongs IS NOT NULL LIMIT ?",
            (*names, 2 * limit),
        ).fetchall()
        found: dict[int, str] = {}
        for at, aggregate in rows:
            found.setdefault(at, aggregate)
        return list(found.items())[:limit]

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()


class Index(Lookup):
    """One SQLite file. Written by the audit's thread alone; read from the event loop."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._days = Days(zone)
        self._writer = connect(path)
        self._writer.executescript(_SCHEMA)
        if any(column[1] == "position" for column in self._writer.execute("PRAGMA table_info(state)")):
            self._writer.executescript(_ONE_STREAM)
        super().__init__(connect(path))
        self.state = EMPTY_TREE
        self.positions: dict[str, int] = {}
        self.reload()

    def reload(self) -> None:
        """Take what is committed for what stands, after a commit that failed or may have."""
        if self._writer.in_transaction:
            self._writer.rollback()
        row = self._writer.execute("SELECT size, root FROM state").fetchone()
        if row is not None:
            self.state = TreeState(*row)
        self.positions = dict(self._writer.execute("SELECT stream, next FROM positions"))

    def heads(self, aggregates: Iterable[str]) -> dict[str, int]:
        """The highest sequence that the log has of each aggregate, where heads are kept. For the audit's thread."""
        names = list(aggregates)
        marks = ", ".join("?" * len(names))
        found = self._writer.execute(f"SELECT * FROM heads WHERE aggregate IN ({marks})", names)  # noqa: S608
        return dict(found.fetchall())

    def places(self, aggregate: str) -> list[int]:
        """Where the entries of an aggregate are. For the audit's thread."""
        found = self._writer.execute("SELECT at FROM entries WHERE aggregate = ? ORDER BY at", (aggregate,))
        return [row[0] for row in found.fetchall()]

    def commit(
        self,
        state: TreeState,
        positions: Positions,
        taken: Sequence[Taken],
        heads: Mapping[str, int] = NO_HEADS,
    ) -> None:
        """What the log has from here on, `taken` being what is new; durable then. Raises sqlite3.Error."""
        rows = Rows(self._days, self._unsettled)
        for at, one in enumerate(taken, self.state.size):
            if isinstance(one, Record):
                rows.add(at, one)
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._write(rows)
            self._writer.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (state.size, state.root))
            self._writer.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            write(self._writer, "INSERT OR REPLACE INTO heads", list(heads.items()))
        self.state = state
        self.positions.update(positions)

    def _write(self, rows: Rows) -> None:
        main = self._writer
        write(main, "INSERT OR IGNORE INTO entries", rows.entries)
        write(main, "INSERT OR IGNORE INTO cases", [(case, *row) for case, row in rows.opened.items()])
        write(
            main,
            "UPDATE cases SET state = v.column2, holder = coalesce(v.column3, holder) FROM (",
            [(case, *row) for case, row in rows.moved.items()],
            ") AS v WHERE matter = v.column1",
        )
        write(main, "DELETE FROM owed WHERE matter IN (", [(case,) for case in rows.closed], ")")
        write(
            main,
            "INSERT OR REPLACE INTO owed",
            [(case, one, *row) for case, owed in rows.owed.items() for one, row in owed.items()],
        )
        aged = "UPDATE owed SET stage = max(stage, ?) WHERE matter = ? AND id = ?"
        main.executemany(aged, rows.aged)  # one obligation may age twice in a batch
        write(main, "DELETE FROM owed WHERE (matter, id) IN (", rows.ended, ")")
        write(
            main,
            "INSERT OR REPLACE INTO unsettled",
            [(message, *waits) for message, waits in rows.unsettled.items() if waits],
        )
        write(
            main,
            "DELETE FROM unsettled WHERE message IN (",
            [(message,) for message, waits in rows.unsettled.items() if not waits],
            ")",
        )
        counts = (
            (*of, counts["received"], *(counts[end] for end in ENDS)) for of, counts in rows.balance.items()
        )
        main.executemany(_COUNT, counts)

    def _unsettled(self, message: str) -> Unsettled | None:
        row = self._writer.execute(
            "SELECT day, endpoint, state FROM unsettled WHERE message = ?", (message,)
        ).fetchone()
        return Unsettled(*row) if row else None

    def close(self) -> None:
        """Close both connections."""
        self._writer.close()
        super().close()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to an index. Raises sqlite3.Error."""
    if read_only:
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=16384")
    connection.execute("PRAGMA cache_size=-32768")
    return connection
