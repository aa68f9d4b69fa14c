"""The embedded store: one SQLite file, written by `GroupCommit`, read here.

Documents, events, claims, cursors and sealed content stand in `throughline.db`; content keys in `keys.db`, which is
committed first, so that content never stands without its key. Whoever waits is answered after the fsync.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from shared.events import Record
from shared.store import Collection, Document, Step, StoreError, Wanted, Where, everything
from shared.store import sqlite_queries as queries
from shared.store.group_commit import Committed, GroupCommit
from shared.store.instants import instant
from shared.store.sqlite_contents import SqliteContents
from shared.store.sqlite_held import SqliteHeldBack
from shared.store.sqlite_steps import Steps, write_claims

T = TypeVar("T")

WAL_PAGES = 16384  # checkpoints are rare and large: ×1.26 (LIMITS.md)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, topic TEXT NOT NULL, subject TEXT NOT NULL,
    sequence INTEGER NOT NULL, value BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS events_of ON events (subject, sequence);
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (ref TEXT PRIMARY KEY, owner TEXT NOT NULL, box BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (name TEXT NOT NULL, key TEXT NOT NULL, position INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (name, key, position)) WITHOUT ROWID;
"""
_KEYS_SCHEMA = "CREATE TABLE IF NOT EXISTS keys (ref TEXT PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID"


def _execute(
    main: sqlite3.Connection, _: sqlite3.Connection, asked: Sequence[tuple[str, tuple[Any, ...]]]
) -> list[None]:
    for sql, values in asked:
        main.execute(sql, values)
    return [None] * len(asked)


class SqliteStore:
    """The store of an embedded installation. `open` in a running loop, `close` before it ends."""

    only_writer = True

    def __init__(self, directory: Path, collections: Iterable[Collection]) -> None:
        self.directory = directory
        self._steps = Steps(collections)
        self._write_steps = self._steps.write  # one object, by which the group commit knows jobs of a kind
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="store-reader")

    async def open(self) -> None:
        """Open or create the files and start the writer. Raises StoreError where they can't be used."""
        self._loop = asyncio.get_running_loop()
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._writer = self._connect("throughline.db")
            self._keys = self._connect("keys.db")
            self._keys.execute("PRAGMA secure_delete=ON")
            self._create()
            self._reader = self._connect("throughline.db")
            self._lists = self._connect("throughline.db")
            self._key_reader = self._connect("keys.db")
        except sqlite3.Error as error:
            raise StoreError(f"{self.directory}: the store can't be opened: {error}") from error
        self._commits = GroupCommit(self._writer, self._keys, str(self.directory))
        self.held_back = SqliteHeldBack(self._reader, self._submit)
        self.contents = SqliteContents(self._reader, self._key_reader, self._commits, self.directory)

    async def close(self) -> None:
        """Write what was handed over, then end the writer."""
        await self._commits.close()
        self._readers.shutdown()
        for connection in (self._writer, self._keys, self._reader, self._lists, self._key_reader):
            connection.close()

    def on_commit(self, hear: Committed) -> None:
        """Call `hear` on the loop with every batch of events, with their positions, after its fsync."""
        self._commits.on_commit(hear)

    @property
    def position(self) -> int:
        """The position of the last event committed."""
        return self._commits.position

    def _connect(self, name: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.directory / name, isolation_level=None, check_same_thread=False, timeout=10
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        connection.execute("PRAGMA cache_size=-65536")
        return connection

    def _create(self) -> None:
        self._writer.executescript(_SCHEMA)
        self._keys.execute(_KEYS_SCHEMA)
        self._steps.create(self._writer)

    def _submit(self, sql: str, *values: object) -> asyncio.Future[Any]:
        return self._commits.submit(_execute, (sql, values))

    async def commit(self, step: Step) -> None:
        await self._commits.submit(self._write_steps, step, step.records)

    async def claim(self, claims: Mapping[str, str]) -> dict[str, str]:
        standing: dict[str, str] = await self._commits.submit(write_claims, claims)
        return standing

    async def claimed(self, key: str) -> str | None:
        row = self._reader.execute("SELECT value FROM claims WHERE key = ?", (key,)).fetchone()
        return row and str(row[0])

    async def load(self, collection: Collection, id: str) -> Document | None:
        row = self._reader.execute(
            f"SELECT version, body, due FROM doc_{collection.name} WHERE id = ?",  # noqa: S608
            (id,),
        ).fetchone()
        return row and Document(id, row[0], row[1], None if row[2] is None else instant(row[2]))

    async def due(
        self, collection: Collection, until: datetime, limit: int, wanted: Wanted = everything
    ) -> list[Document]:
        sql = (
            f"SELECT id, version, body, due, rowid FROM doc_{collection.name}"  # noqa: S608
            " WHERE due <= ? AND (due, rowid) > (?, ?) ORDER BY due, rowid LIMIT ?"
        )
        found: list[Document] = []
        last, past = int(until.timestamp() * 1000), (-(2**62), 0)
        while len(found) < limit:
            rows = self._reader.execute(sql, (last, *past, limit)).fetchall()
            some = (Document(id, version, body, instant(due)) for id, version, body, due, _ in rows)
            found += [one for one in some if one.due is not None and wanted(one.id, one.due)]
            if len(rows) < limit:
                break
            past = rows[-1][3:]
        return found[:limit]

    async def next_due(self, collection: Collection) -> datetime | None:
        row = self._reader.execute(
            f"SELECT min(due) FROM doc_{collection.name} WHERE due IS NOT NULL"  # noqa: S608
        ).fetchone()
        return None if row[0] is None else instant(row[0])

    async def history(self, id: str) -> list[Record]:
        rows = self._reader.execute(
            "SELECT topic, value FROM events WHERE subject = ? ORDER BY sequence", (id,)
        ).fetchall()
        return [Record.read(topic, value) for topic, value in rows]

    async def find(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str,
        descending: bool = False,
        after: tuple[str | int, str] | None = None,
        limit: int = 50,
    ) -> list[tuple[Document, str | int]]:
        sql, values = queries.find(
            collection, where, order=order, descending=descending, after=after, limit=limit
        )
        rows = await self._read(lambda: self._lists.execute(sql, values).fetchall())
        return [
            (Document(row[0], row[1], row[2], None if row[3] is None else instant(row[3])), row[4])
            for row in rows
        ]

    async def count(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str | None = None,
        cap: int = 10_000,
    ) -> int:
        sql, values = queries.count(collection, where, order=order, cap=cap)
        row = await self._read(lambda: self._lists.execute(sql, values).fetchone())
        return int(row[0])

    async def _read(self, read: Callable[[], T]) -> T:
        """Lists may take long: they are read by a thread of their own."""
        return await self._loop.run_in_executor(self._readers, read)

    async def free_bytes(self) -> int:
        return shutil.disk_usage(self.directory).free

    def events_after(self, position: int, limit: int) -> list[tuple[int, Record]]:
        """Events in the order they were committed, for readers behind the tail kept in memory."""
        rows = self._reader.execute(
            "SELECT position, topic, value FROM events WHERE position > ? ORDER BY position LIMIT ?",
            (position, limit),
        ).fetchall()
        return [(row[0], Record.read(row[1], row[2])) for row in rows]

    def cursor(self, name: str) -> int:
        """How far a reader of the events has come."""
        row = self._reader.execute("SELECT position FROM cursors WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def move_cursor(self, name: str, position: int) -> asyncio.Future[Any]:
        """Remember how far a reader has come: everything up to `position` is answered."""
        return self._submit("INSERT OR REPLACE INTO cursors VALUES (?, ?)", name, position)
