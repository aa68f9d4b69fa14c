"""An embedded store that stands still, read from end to end so that it can be moved."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from shared.store import Collection, StoreError
from shared.store.sqlite_several import told

PAGE = 200
Rows = list[tuple[Any, ...]]


class Leaving:
    """Reads a store's files. Nobody may write meanwhile: whoever opens this holds the installation's lock."""

    def __init__(self, directory: Path) -> None:
        self._content = directory / "content"
        if not (directory / "throughline.db").is_file():
            raise StoreError(f"{directory}: there is no installation here: name its directory with --data")
        try:
            self._main = sqlite3.connect(directory / "throughline.db", isolation_level=None)
            self._main.execute("ATTACH ? AS secrets", (str(directory / "keys.db"),))
        except sqlite3.Error as error:
            raise StoreError(f"{directory}: the store can't be read: {error}") from error

    def close(self) -> None:
        """Close the files."""
        self._main.close()

    def one(self, sql: str, *values: object) -> int:
        """A number that a query answers."""
        return int(self._main.execute(sql, values).fetchone()[0] or 0)

    def position(self) -> int:
        """Where the last event stands."""
        return self.one("SELECT max(position) FROM events")

    def answered(self, groups: Sequence[str]) -> int:
        """Up to where every one of these groups has answered everything."""
        found = dict(self._main.execute("SELECT name, position FROM cursors").fetchall())
        return min((int(found.get(group, 0)) for group in groups), default=0)

    def heads(self, until: int) -> Rows:
        """Each aggregate's highest sequence among the events up to a position."""
        sql = "SELECT subject, max(sequence) FROM events WHERE position <= ? GROUP BY subject"
        return self._main.execute(sql, (until,)).fetchall()

    def count(self, table: str) -> int:
        """How many rows a table has; none where there is no such table yet."""
        there = self.one("SELECT count(*) FROM sqlite_master WHERE name = ?", table)
        return self.one(f"SELECT count(*) FROM {table}") if there else 0  # noqa: S608

    def documents(self, collection: Collection) -> Iterator[Rows]:
        """(id, version, due, body, fields…), page by page."""
        table = f"doc_{collection.name}"
        if self.count(table):
            columns = "".join(f", f_{name}" for name in collection.fields)
            for page in self._pages(f"SELECT id, version, due, body{columns} FROM {table} ORDER BY id"):  # noqa: S608
                yield [(*row[:4], *told(collection, row[4:])) for row in page]

    def events(self, since: int, until: int) -> Iterator[Rows]:
        """(subject, sequence, topic, value) past `since` up to `until`, in order."""
        sql = "SELECT subject, sequence, topic, value FROM events WHERE position > ? AND position <= ?"
        yield from self._pages(f"{sql} ORDER BY position", since, until)

    def claims(self) -> Iterator[Rows]:
        """(key, value)."""
        yield from self._pages("SELECT key, value FROM claims ORDER BY key")

    def contents(self) -> Iterator[Rows]:
        """(ref, owner, box, key), the box also where it lies in a file; None where it is gone."""
        sql = "SELECT ref, owner, box, key FROM contents LEFT JOIN secrets.keys USING (ref) ORDER BY ref"
        for page in self._pages(sql):
            yield [(ref, owner, box or self._file(ref), key) for ref, owner, box, key in page]

    def held(self) -> Rows:
        """(group, key, position, reason, topic, value) of what is held back."""
        return self._main.execute(
            "SELECT name, key, h.position, reason, topic, value FROM held h JOIN events e ON e.position = h.position"
            " ORDER BY h.position"
        ).fetchall()

    def _pages(self, sql: str, *values: object) -> Iterator[Rows]:
        cursor = self._main.execute(sql, values)
        while page := cursor.fetchmany(PAGE):
            yield page

    def _file(self, ref: str) -> bytes | None:
        path = self._content / hashlib.sha256(ref.encode()).hexdigest()[:2] / ref
        return path.read_bytes() if path.is_file() else None
