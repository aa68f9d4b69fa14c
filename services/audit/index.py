"""The audit's own index: what is committed of the log, how far the events are consumed, where whose entries are.

It is committed with each integration, and so holds no more than the log needs; what else follows from the entries is
a projection with a file and a lag of its own (`projected`).

Aggregates' ids are random: in one tree over all of them each entry would touch another page, and appending would slow
down as the log grows. So each stretch of entries has a tree of its own, which fits the cache, and a look goes through
all stretches: two thirds of a millisecond at ten million entries.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from services.audit.log import EMPTY_TREE, TreeState
from shared.bus import Positions, Taken
from shared.events import Record
from shared.store.rows import write

FILE = "index.db"
NO_HEADS: Mapping[str, int] = {}
VERSION = 2
"""Of what follows from the entries here: an index that has another is made anew from the log."""

_STRETCH_BITS = 16
_KEY_BYTES = 12
"""Of an aggregate's digest: two that share one are found together, and told apart by their entries."""
_AT_ONCE = 4096
"""Entries that are written together when the index is made anew."""

_STANDS = """
CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS positions (stream TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS heads (aggregate TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
"""
_PLACES = (
    "CREATE TABLE places (stretch INTEGER NOT NULL, aggregate BLOB NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (stretch, aggregate, at)) WITHOUT ROWID"
)
_FIND = """
WITH RECURSIVE stretches(one) AS (SELECT 0 UNION ALL SELECT one + 1 FROM stretches WHERE one < ?)
SELECT at FROM stretches CROSS JOIN places ON stretch = one AND aggregate = ? ORDER BY at
"""
_ONE_STREAM = """
BEGIN;
INSERT INTO positions SELECT 'events', position + 1 FROM state;
ALTER TABLE state DROP COLUMN position;
COMMIT;
"""
"""Before there were many streams, the state itself said how far the one was taken."""
_ONCE_HERE = ("entries", "cases", "owed", "unsettled", "balance")
"""Tables that stood here before the projection had a file of its own."""


class Index:
    """One SQLite file. Written by the audit's thread alone; read from the event loop."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._writer = connect(path)
        self._writer.executescript(_STANDS)
        if any(column[1] == "position" for column in self._writer.execute("PRAGMA table_info(state)")):
            self._writer.executescript(_ONE_STREAM)
        self._reader = connect(path)
        self.state = EMPTY_TREE
        self.positions: dict[str, int] = {}
        self.reload()
        if self.outdated and not self.state.size:
            self.make_anew(())

    @property
    def outdated(self) -> bool:
        """Whether it holds what another version of the program made of the log."""
        return int(self._writer.execute("PRAGMA user_version").fetchone()[0]) != VERSION

    def make_anew(self, entries: Iterable[bytes]) -> None:
        """Make anew what follows from the entries: from all that are committed, in their order. Raises sqlite3.Error.

        It is one transaction: where it fails, nothing has changed.
        """
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            for table in ("places", *_ONCE_HERE):
                self._writer.execute(f"DROP TABLE IF EXISTS {table}")
            self._writer.execute(_PLACES)
            numbered = enumerate(entries)
            while some := list(islice(numbered, _AT_ONCE)):
                self._place((at, record) for at, entry in some if (record := Record.of(entry)))
            self._writer.execute(f"PRAGMA user_version = {VERSION}")

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

    def own_places(self, aggregate: str) -> list[int]:
        """The same as `places`, for the audit's thread."""
        return self._places(self._writer, aggregate)

    def places(self, aggregate: str) -> list[int]:
        """Where the entries of an aggregate are, in the log's order. For the event loop."""
        return self._places(self._reader, aggregate)

    def _places(self, connection: sqlite3.Connection, aggregate: str) -> list[int]:
        last = self.state.size >> _STRETCH_BITS
        return [row[0] for row in connection.execute(_FIND, (last, _key(aggregate))).fetchall()]

    def commit(
        self,
        state: TreeState,
        positions: Positions,
        taken: Sequence[Taken],
        heads: Mapping[str, int] = NO_HEADS,
    ) -> None:
        """What the log has from here on, `taken` being what is new; durable then. Raises sqlite3.Error."""
        numbered = enumerate(taken, self.state.size)
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._place((at, one) for at, one in numbered if isinstance(one, Record))
            self._writer.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (state.size, state.root))
            self._writer.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            write(self._writer, "INSERT OR REPLACE INTO heads", list(heads.items()))
        self.state = state
        self.positions.update(positions)

    def _place(self, numbered: Iterable[tuple[int, Record]]) -> None:
        rows = sorted((at >> _STRETCH_BITS, _key(record.subject), at) for at, record in numbered)
        write(self._writer, "INSERT INTO places", rows)

    def close(self) -> None:
        """Close both connections."""
        self._writer.close()
        self._reader.close()


def _key(aggregate: str) -> bytes:
    return blake2b(aggregate.encode(), digest_size=_KEY_BYTES).digest()


def connect(path: Path, *, read_only: bool = False, synchronous: str = "FULL") -> sqlite3.Connection:
    """A connection to a file of the audit's. Raises sqlite3.Error."""
    if read_only:
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint=16384")
    connection.execute("PRAGMA cache_size=-32768")
    return connection
