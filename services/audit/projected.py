"""The projection: what follows from the log's entries, for the console and for queries.

A file of its own, that can lag behind the log and be made anew from it: so a commit that power takes back is no loss.
`lookup` and `figures` read it.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from services.audit.days import Days
from services.audit.index import connect
from services.audit.kept import Listed, Owed, Unsettled
from services.audit.projection import ENDS, Rows
from shared.events import Record
from shared.events.obligations import OF_SUPERVISION
from shared.store.rows import write

FILE = "projection.db"
VERSION = 3
"""Of what is made of the entries: a file that has another is made anew from the log."""
SPAN_BITS = 12
"""Of so many entries together the earliest and the latest time are kept."""
_NAMES_KEPT = 1 << 16
"""Aggregates whose numbers are remembered: those of which most is heard just now."""

_TABLES = """
CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, last BLOB NOT NULL);
CREATE TABLE aggregates (id TEXT PRIMARY KEY, number INTEGER NOT NULL, matter TEXT) WITHOUT ROWID;
CREATE TABLE entries (aggregate INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (aggregate, at)) WITHOUT ROWID;
CREATE TABLE members (matter INTEGER NOT NULL, aggregate TEXT NOT NULL, PRIMARY KEY (matter, aggregate)) WITHOUT ROWID;
CREATE TABLE words (number INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE listed (at INTEGER PRIMARY KEY, time INTEGER, type INTEGER, department INTEGER);
CREATE INDEX listed_type ON listed (type);
CREATE INDEX listed_department ON listed (department, type) WHERE department IS NOT NULL;
CREATE INDEX listed_led ON listed (department) WHERE department IS NOT NULL;
CREATE TABLE spans (span INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL);
CREATE TABLE cases (matter TEXT PRIMARY KEY, ref TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL,
    arrived INTEGER NOT NULL, promise INTEGER, state TEXT NOT NULL, holder TEXT NOT NULL, pause TEXT NOT NULL)
    WITHOUT ROWID;
CREATE UNIQUE INDEX cases_ref ON cases (ref);
CREATE INDEX cases_open_by_state ON cases (holder, state, pause) WHERE state <> 'closed';
CREATE TABLE owed (matter TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL,
    since INTEGER NOT NULL, due INTEGER NOT NULL, binding INTEGER NOT NULL, stage INTEGER NOT NULL,
    rung INTEGER NOT NULL, still INTEGER NOT NULL, PRIMARY KEY (matter, id)) WITHOUT ROWID;
CREATE INDEX owed_due ON owed (due) WHERE binding;
CREATE INDEX owed_aged ON owed (stage, due) WHERE binding AND stage > 1;
CREATE TABLE unsettled (message TEXT PRIMARY KEY, day TEXT NOT NULL, endpoint TEXT NOT NULL, state TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE balance (day TEXT NOT NULL, endpoint TEXT NOT NULL, received INTEGER NOT NULL, attached INTEGER NOT NULL,
    new INTEGER NOT NULL, quarantined INTEGER NOT NULL, refused INTEGER NOT NULL, PRIMARY KEY (day, endpoint))
    WITHOUT ROWID;
"""
_OUTLIVE = "(" + ", ".join(f"'{kind}'" for kind in sorted(OF_SUPERVISION)) + ")"
"""What a case owes beyond its close."""
_COUNT = """
INSERT INTO balance VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET received = received + excluded.received,
    attached = attached + excluded.attached, new = new + excluded.new,
    quarantined = quarantined + excluded.quarantined, refused = refused + excluded.refused
"""
_SPAN = """
INSERT INTO spans VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET earliest = min(earliest, excluded.earliest),
    latest = max(latest, excluded.latest)
"""
_CHANGE = (
    "UPDATE cases SET kind = coalesce(v.column2, kind), promise = coalesce(v.column3, promise),"
    " state = coalesce(v.column4, state), holder = coalesce(v.column5, holder),"
    " pause = coalesce(v.column6, pause) FROM ("
)


class Cursor(NamedTuple):
    """How far the log is projected: how many of its entries, and the leaf hash of the last of them."""

    size: int = 0
    last: bytes = b""


class Projection:
    """The file's one writer; for one thread. Any call may raise sqlite3.Error, and has then changed nothing."""

    def __init__(self, path: Path, zone: tzinfo) -> None:
        self.path = path
        self._days = Days(zone)
        self._writer = connect(path, synchronous="NORMAL")
        if int(self._writer.execute("PRAGMA user_version").fetchone()[0]) != VERSION:
            self._writer.close()
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
            self._writer = connect(path, synchronous="NORMAL")
            self.clear()
        self.reload()

    def reload(self) -> None:
        """Take what is committed for what stands, after a commit that failed or may have."""
        if self._writer.in_transaction:
            self._writer.rollback()
        row = self._writer.execute("SELECT size, last FROM cursor").fetchone()
        self.cursor = Cursor(*row) if row else Cursor()
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._words: dict[str, int] = {
            word: number for number, word in self._writer.execute("SELECT * FROM words")
        }
        (last,) = self._writer.execute("SELECT max(number) FROM aggregates").fetchone()
        self._next = 1 + (last or 0)

    def clear(self) -> None:
        """Begin anew: nothing is projected from here on."""
        with self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            tables = self._writer.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                self._writer.execute(f"DROP TABLE {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                self._writer.execute(statement)
            self._writer.execute(f"PRAGMA user_version = {VERSION}")
        self.reload()

    def commit(self, records: Sequence[Record | None], last: bytes) -> None:
        """Take the entries that follow; of one that is no event of ours None. `last` is the last one's leaf hash."""
        rows = Rows(self._days, _Earlier(self._writer))
        for at, record in enumerate(records, self.cursor.size):
            rows.add(at, record)
        cursor = Cursor(self.cursor.size + len(records), last)
        try:
            with self._writer:
                self._writer.execute("BEGIN IMMEDIATE")
                self._write_entries(rows)
                self._write_cases(rows)
                self._write_messages(rows)
                self._writer.execute("INSERT OR REPLACE INTO cursor VALUES (1, ?, ?)", cursor)
        except BaseException:
            self.reload()
            raise
        self.cursor = cursor

    def _write_entries(self, rows: Rows) -> None:
        main, listed = self._writer, rows.listed
        named = {one.aggregate: None for one in listed if one.aggregate is not None}
        named |= dict.fromkeys(rows.matters)
        named |= dict.fromkeys(case for case, _ in rows.members)
        numbers = self._number(list(named))
        write(
            main,
            "UPDATE aggregates SET matter = v.column2 FROM (",
            list(rows.matters.items()),
            ") AS v WHERE id = v.column1",
        )
        own = sorted((numbers[one.aggregate], one.at) for one in listed if one.aggregate is not None)
        write(main, "INSERT INTO entries", own)
        write(
            main,
            "INSERT OR IGNORE INTO members",
            sorted((numbers[case], aggregate) for case, aggregate in rows.members),
        )
        write(
            main,
            "INSERT INTO listed",
            [(one.at, one.time, self._word(one.type), self._word(one.department)) for one in listed],
        )
        main.executemany(_SPAN, _spans(listed))

    def _number(self, names: Sequence[str]) -> dict[str, int]:
        """The number of each aggregate; the next ones to those that have none."""
        kept = self._numbers
        found = {name: kept[name] for name in names if name in kept}
        unknown = [name for name in names if name not in found]
        for at in range(0, len(unknown), 500):
            some = unknown[at : at + 500]
            marks = ", ".join("?" * len(some))
            known = self._writer.execute(f"SELECT id, number FROM aggregates WHERE id IN ({marks})", some)  # noqa: S608
            found |= dict(known.fetchall())
        new = [name for name in unknown if name not in found]
        found |= zip(new, range(self._next, self._next + len(new)), strict=True)
        self._next += len(new)
        write(self._writer, "INSERT INTO aggregates", sorted((name, found[name], None) for name in new))
        for name in names:
            kept[name] = found[name]
            kept.move_to_end(name)
        while len(kept) > _NAMES_KEPT:
            kept.popitem(last=False)
        return found

    def _word(self, word: str | None) -> int | None:
        """The number of a type's or a department's name."""
        if word is None:
            return None
        if (number := self._words.get(word)) is None:
            number = self._words[word] = len(self._words) + 1
            self._writer.execute("INSERT INTO words VALUES (?, ?)", (number, word))
        return number

    def _write_cases(self, rows: Rows) -> None:
        main = self._writer
        opened = [
            (case, one.ref, one.kind, one.channel, one.arrived, one.promise, one.state, one.holder, one.pause)
            for case, one in rows.opened.items()
        ]
        write(main, "INSERT OR IGNORE INTO cases", opened)
        changed = [
            (case, one.kind, one.promise, one.state, one.holder, one.pause)
            for case, one in rows.changed.items()
        ]
        write(main, _CHANGE, changed, ") AS v WHERE matter = v.column1")
        write(
            main,
            f"DELETE FROM owed WHERE kind NOT IN {_OUTLIVE} AND matter IN (",  # noqa: S608  our own constants
            [(case,) for case in rows.closed],
            ")",
        )
        owed = [(case, one, *row) for case, owed in rows.owed.items() for one, row in owed.items()]
        write(main, "INSERT OR REPLACE INTO owed", owed)
        aged = "UPDATE owed SET stage = max(stage, ?), rung = max(rung, ?) WHERE matter = ? AND id = ?"
        main.executemany(aged, ((*how_far, *one) for one, how_far in rows.aged.items()))
        write(main, "DELETE FROM owed WHERE (matter, id) IN (", list(rows.ended), ")")

    def _write_messages(self, rows: Rows) -> None:
        main = self._writer
        waiting = [(message, *waits) for message, waits in rows.unsettled.items() if waits]
        write(main, "INSERT OR REPLACE INTO unsettled", waiting)
        settled = [(message,) for message, waits in rows.unsettled.items() if not waits]
        write(main, "DELETE FROM unsettled WHERE message IN (", settled, ")")
        counts = (
            (*of, counts["received"], *(counts[end] for end in ENDS)) for of, counts in rows.balance.items()
        )
        main.executemany(_COUNT, counts)

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


def _spans(listed: Iterable[Listed]) -> list[tuple[int, int, int]]:
    times: dict[int, list[int]] = {}
    for one in listed:
        if one.time is not None:
            times.setdefault(one.at >> SPAN_BITS, []).append(one.time)
    return [(span, min(some), max(some)) for span, some in times.items()]


class _Earlier:
    """What the batches before have left, as the file has it."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def matter(self, aggregate: str) -> str | None:
        row = self._file.execute("SELECT matter FROM aggregates WHERE id = ?", (aggregate,)).fetchone()
        return str(row[0]) if row and row[0] else None

    def unsettled(self, message: str) -> Unsettled | None:
        row = self._file.execute(
            "SELECT day, endpoint, state FROM unsettled WHERE message = ?", (message,)
        ).fetchone()
        return Unsettled(*row) if row else None

    def holder(self, case: str) -> str | None:
        row = self._file.execute("SELECT holder FROM cases WHERE matter = ?", (case,)).fetchone()
        return row and str(row[0])

    def owed(self, case: str) -> list[tuple[str, Owed]]:
        rows = self._file.execute("SELECT * FROM owed WHERE matter = ?", (case,)).fetchall()
        return [(id, Owed(*row)) for _, id, *row in rows]
