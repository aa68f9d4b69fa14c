"""A stopped installation, made as large as one likes: each of its aggregates so many times, under other ids.

What stands then is consistent: documents, their events, the log over them and its index are of one history.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice

from services.audit.index import FILE, Index
from services.audit.log import LogWriter, Signer
from services.embedded import COLLECTIONS
from shared.events import Record
from shared.rights.accounts import ACCOUNTS, KEYS
from shared.settings import Settings
from shared.store.rows import write

_AN_ID = re.compile(rb"(?<=[a-z]_)[0-9a-f]{32}\b")
_AT_ONCE = 8192
Row = tuple[int, str, bytes]
_ONCE = {"organisation", "calendars", "trail", ACCOUNTS.name, KEYS.name}
"""Collections that there is one of each of: they are not multiplied."""


def renamed(text: bytes, copy: int) -> bytes:
    """The same with every id another one, each copy its own: the same ids become the same."""
    if not copy:
        return text
    return _AN_ID.sub(lambda found: b"%032x" % (int(found[0], 16) ^ copy), text)


def multiply(settings: Settings, times: int) -> int:
    """Have everything so many times; answers how many entries the log has then. The store has the originals first."""
    with closing(sqlite3.connect(settings.data / "throughline.db", isolation_level=None)) as main:
        main.execute("PRAGMA synchronous=OFF")
        events = main.execute(
            "SELECT topic, subject, sequence, value FROM events ORDER BY position"
        ).fetchall()
        alike = [row for row in events if not _single(row[1])]
        position = len(events)
        main.execute("BEGIN")
        for copy in range(1, times):
            rows = [
                (position + at, topic, _name(subject, copy), sequence, renamed(value, copy))
                for at, (topic, subject, sequence, value) in enumerate(alike, 1)
            ]
            write(main, "INSERT INTO events", rows)
            position += len(rows)
        for collection in COLLECTIONS:
            if collection.name not in _ONCE:
                _documents(main, f"doc_{collection.name}", times)
        main.execute("COMMIT")
        return _log(settings, main)


def _single(subject: str) -> bool:
    return _AN_ID.search(subject.encode()) is None


def _name(id: str, copy: int) -> str:
    return renamed(id.encode(), copy).decode()


def _documents(main: sqlite3.Connection, table: str, times: int) -> None:
    cursor = main.execute(f"SELECT * FROM {table}")
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    id, body = names.index("id"), names.index("body")
    for copy in range(1, times):
        made = []
        for row in rows:
            cells = list(row)
            cells[id], cells[body] = _name(row[id], copy), renamed(row[body], copy)
            made.append(tuple(cells))
        main.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", made)


def _log(settings: Settings, main: sqlite3.Connection) -> int:
    """Append what is not in the log yet, as the audit would."""
    log, keys = settings.data / "audit" / "log", settings.data / "keys"
    origin = (log / "checkpoint").read_text().partition("\n")[0]
    index = Index(settings.data / "audit" / FILE)
    taken = index.positions["events"] - 1
    values = (
        row
        for row in main.execute(
            "SELECT position, topic, value FROM events WHERE position > ? ORDER BY position", (taken,)
        )
    )
    with LogWriter(log, index.state) as writer:
        for some in _batches(values):
            state = writer.integrate([value for _, _, value in some])
            records = [Record.read(topic, value) for _, topic, value in some]
            index.commit(state, {"events": some[-1][0] + 1}, records)
        writer.publish(index.state, Signer(origin, (keys / "log.ed25519").read_bytes()))
        size = index.state.size
    index.close()
    return size


def _batches(values: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(values, _AT_ONCE)):
        yield some
