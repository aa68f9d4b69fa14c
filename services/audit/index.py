"""The audit's own index: what is committed of the log, how far the events are consumed, whose entries are where,
what the console shows.

It is a projection of the log but for a few rows: size, root and positions, which say what the log stands for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from services.audit.log import EMPTY_TREE, TreeState
from services.audit.projection import ENDS, Days, Owed, Rows, Unsettled
from shared.bus import Positions, Taken
from shared.events import Record
from shared.store.rows import write

FILE = "index.db"
NO_HEADS: Mapping[str, int] = {}
_AT_ONCE = 4096
"""Entries that are projected together when the index is made anew."""

PROJECTION = 1
"""The version of what follows from the entries alone: an index that has another is made anew from the log."""

_STANDS = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS positions (stream TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads (aggregate TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
"""
_TABLES = {
    "entries": "(aggregate TEXT NOT NULL, at INTEGER NOT NULL, belongs TEXT, PRIMARY KEY (aggregate, at))",
    "cases": "(matter TEXT PRIMARY KEY, ref TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,"
    " arrived INTEGER NOT NULL, promise INTEGER, state TEXT NOT NULL, holder TEXT NOT NULL, pause TEXT NOT NULL)",
    "owed": "(matter TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL, since INTEGER NOT NULL,"
    " due INTEGER NOT NULL, binding INTEGER NOT NULL, stage INTEGER NOT NULL, rung INTEGER NOT NULL,"
    " still INTEGER NOT NULL, PRIMARY KEY (matter, id))",
    "unsettled": "(message TEXT PRIMARY KEY, day TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL)",
    "balance": "(day TEXT NOT NULL, endpoint TEXT NOT NULL, received INTEGER NOT NULL, attached INTEGER NOT NULL,"
    " new INTEGER NOT NULL, quarantined INTEGER NOT NULL, refused INTEGER NOT NULL, PRIMARY KEY (day, endpoint))",
}
_INDEXES = (
    "CREATE UNIQUE INDEX cases_ref ON cases (ref)",
    "CREATE INDEX cases_open_by_state ON cases (holder, state, pause) WHERE state <> 'closed'",
    "CREATE INDEX owed_due ON owed (due) WHERE binding",
    "CREATE INDEX owed_aged ON owed (stage, due) WHERE binding AND stage > 1",
)
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
    pause: str
    """Why its clock stands still; empty while it runs."""


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
        self._writer.executescript(_STANDS)
        if any(column[1] == "position" for column in self._writer.execute("PRAGMA table_info(state)")):
            self._writer.executescript(_ONE_STREAM)
        super().__init__(connect(path))
        self.state = EMPTY_TREE
        self.positions: dict[str, int] = {}
        self.reload()
        if self.outdated and not self.state.size:
            self.project(())

    @property
    def outdated(self) -> bool:
        """Whether it holds what another version of the program made of the log."""
        return int(self._writer.execute("PRAGMA user_version").fetchone()[0]) != PROJECTION

    def project(self, entries: Iterable[bytes]) -> None:
        """Make anew what follows from the entries: from all that are committed, in their order. Raises sqlite3.Error.

        It is one transaction: where it fails, nothing has changed.
        """
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            for table, columns in _TABLES.items():
                self._writer.execute(f"DROP TABLE IF EXISTS {table}")
                self._writer.execute(f"CREATE TABLE {table} {columns} WITHOUT ROWID")
            for index in _INDEXES:
                self._writer.execute(index)
            numbered = enumerate(entries)
            while some := list(islice(numbered, _AT_ONCE)):
                self._write(self._rows((at, record) for at, entry in some if (record := _event(entry))))
            self._writer.execute(f"PRAGMA user_version = {PROJECTION}")

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
        numbered = enumerate(taken, self.state.size)
        rows = self._rows((at, one) for at, one in numbered if isinstance(one, Record))
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._write(rows)
            self._writer.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (state.size, state.root))
            self._writer.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            write(self._writer, "INSERT OR REPLACE INTO heads", list(heads.items()))
        self.state = state
        self.positions.update(positions)

    def _rows(self, numbered: Iterable[tuple[int, Record]]) -> Rows:
        rows = Rows(self._days, _Earlier(self._writer))
        for at, record in numbered:
            rows.add(at, record)
        return rows

    def _write(self, rows: Rows) -> None:
        main = self._writer
        write(main, "INSERT OR IGNORE INTO entries", rows.entries)
        write(
            main,
            "INSERT OR IGNORE INTO cases",
            [
                (
                    case,
                    one.ref,
                    one.kind,
                    one.channel,
                    one.arrived,
                    one.promise,
                    one.state,
                    one.holder,
                    one.pause,
                )
                for case, one in rows.opened.items()
            ],
        )
        write(
            main,
            "UPDATE cases SET kind = coalesce(v.column2, kind), promise = coalesce(v.column3, promise),"
            " state = coalesce(v.column4, state), holder = coalesce(v.column5, holder),"
            " pause = coalesce(v.column6, pause) FROM (",
            [
                (case, one.kind, one.promise, one.state, one.holder, one.pause)
                for case, one in rows.changed.items()
            ],
            ") AS v WHERE matter = v.column1",
        )
        write(main, "DELETE FROM owed WHERE matter IN (", [(case,) for case in rows.closed], ")")
        write(
            main,
            "INSERT OR REPLACE INTO owed",
            [(case, one, *row) for case, owed in rows.owed.items() for one, row in owed.items()],
        )
        aged = "UPDATE owed SET stage = max(stage, ?), rung = max(rung, ?) WHERE matter = ? AND id = ?"
        main.executemany(aged, ((*how_far, *one) for one, how_far in rows.aged.items()))
        write(main, "DELETE FROM owed WHERE (matter, id) IN (", list(rows.ended), ")")
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

    def close(self) -> None:
        """Close both connections."""
        self._writer.close()
        super().close()


class _Earlier:
    """What the batches before have left, as the index has it."""

    def __init__(self, index: sqlite3.Connection) -> None:
        self._index = index

    def unsettled(self, message: str) -> Unsettled | None:
        row = self._index.execute(
            "SELECT day, endpoint, state FROM unsettled WHERE message = ?", (message,)
        ).fetchone()
        return Unsettled(*row) if row else None

    def holder(self, case: str) -> str | None:
        row = self._index.execute("SELECT holder FROM cases WHERE matter = ?", (case,)).fetchone()
        return row and str(row[0])

    def owed(self, case: str) -> list[tuple[str, Owed]]:
        rows = self._index.execute("SELECT * FROM owed WHERE matter = ?", (case,)).fetchall()
        return [(id, Owed(*row)) for _, id, *row in rows]


def _event(entry: bytes) -> Record | None:
    try:
        return Record.read("", entry)
    except ValueError:
        return None


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
