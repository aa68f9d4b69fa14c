"""The sketches of what was said and answered: which earlier text is most alike, and how common a term is.

One SQLite file of the audit's own. Each sketch stands under the reference of its content and dies with it; so do its
terms' shares of the counts. Nothing here can be read back without the installation's key, and little with it.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from services.audit.facts.sketch import Sketch, likeness, share, unpacked
from shared.store.rows import write

FILE = "sketches.db"
SHAPE = 1
"""The version of the tables: a file that has another is made anew, from the contents that are still there."""
NEWEST = 24
"""So many of the latest texts of a band are looked at: of a text that comes a thousand times the last ones will do."""

Sort = Literal["message", "answer"]

_TABLES = {
    "sketches": "(place INTEGER PRIMARY KEY, ref TEXT NOT NULL, event TEXT NOT NULL, matter TEXT NOT NULL,"
    " sort TEXT NOT NULL, hashes BLOB NOT NULL, salient BLOB NOT NULL, bands BLOB NOT NULL)",
    "bands": "(band INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (band, place)) WITHOUT ROWID",
    "counts": "(term INTEGER PRIMARY KEY, texts INTEGER NOT NULL)",
}
_INDEXES = (
    "CREATE INDEX sketches_ref ON sketches (ref)",
    "CREATE INDEX sketches_matter ON sketches (matter, sort)",
)
_COUNTED = "ON CONFLICT DO UPDATE SET texts = texts + excluded.texts"
_ALL = -1
"""In the counts: how many messages there are."""


class Alike(NamedTuple):
    """The earlier text that is most alike; `degree` in basis points."""

    event: str
    degree: int


class Sketches:
    """The file, for one thread at a time. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute("PRAGMA secure_delete=ON")
        if self._file.execute("PRAGMA user_version").fetchone()[0] != SHAPE:
            self.clear()

    def clear(self) -> None:
        """Forget all of them."""
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            for table, columns in _TABLES.items():
                self._file.execute(f"DROP TABLE IF EXISTS {table}")
                self._file.execute(f"CREATE TABLE {table} {columns}")
            for index in _INDEXES:
                self._file.execute(index)
            self._file.execute(f"PRAGMA user_version = {SHAPE}")

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is kept meanwhile is committed together, or not at all."""
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            yield

    def keep(self, row: Row) -> None:
        """Keep a text's sketch, once; within `at_once`."""
        file, sketch = self._file, row.sketch
        new = file.execute(
            "INSERT OR IGNORE INTO sketches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.place,
                row.ref,
                row.event,
                row.case,
                row.sort,
                sketch.packed(),
                array("I", row.salient).tobytes(),
                array("q", sketch.bands).tobytes(),
            ),
        ).rowcount
        if not new:
            return
        write(
            file, "INSERT OR IGNORE INTO bands", [(band, row.place) for band in dict.fromkeys(sketch.bands)]
        )
        if row.sort == "message":
            write(file, "INSERT INTO counts", [(term, 1) for term in (_ALL, *sketch.hashes)], _COUNTED)

    def most_alike(self, sketch: Sketch, sort: Sort, case: str, place: int) -> Alike | None:
        """The earlier text of another case that is most alike, the latest of several.

        Of a message by what both share, of an answer by how much of it the earlier one has.
        """
        measure = likeness if sort == "message" else share
        best: Alike | None = None
        for event, packed in self._candidates(sketch, sort, case, place):
            degree = measure(sketch.hashes, unpacked(packed))
            if degree and (best is None or degree > best.degree):
                best = Alike(event, degree)
        return best

    def _candidates(self, sketch: Sketch, sort: Sort, case: str, place: int) -> Iterator[tuple[str, bytes]]:
        places: dict[int, None] = {}
        for band in sketch.bands:
            rows = self._file.execute(
                "SELECT place FROM bands WHERE band = ? AND place < ? ORDER BY place DESC LIMIT ?",
                (band, place, NEWEST),
            )
            places.update((row[0], None) for row in rows.fetchall())
        for one in sorted(places, reverse=True):
            row = self._file.execute(
                "SELECT event, hashes FROM sketches WHERE place = ? AND sort = ? AND matter <> ?",
                (one, sort, case),
            ).fetchone()
            if row is not None:
                yield row

    def salient(self, case: str, place: int) -> frozenset[int]:
        """The salient terms of what the sender said in a case before a place in the log."""
        rows = self._file.execute(
            "SELECT salient FROM sketches WHERE matter = ? AND sort = 'message' AND place < ?", (case, place)
        )
        return frozenset[int]().union(*(unpacked(row[0]) for row in rows.fetchall()))

    def common(self, terms: Sequence[int]) -> tuple[int, dict[int, int]]:
        """How many messages there are, and how many of them have each of these terms."""
        found: dict[int, int] = {}
        left = iter((_ALL, *terms))
        while some := list(islice(left, 500)):
            marks = ", ".join("?" * len(some))
            rows = self._file.execute(f"SELECT * FROM counts WHERE term IN ({marks})", some)  # noqa: S608
            found |= dict(rows.fetchall())
        return found.pop(_ALL, 0), found

    def forget(self, refs: Iterable[str]) -> int:
        """Destroy what derives from contents: sketches, bands, counts. Answers how many there were.

        The bytes are overwritten, in the file and in what is written ahead of it.
        """
        file, gone = self._file, 0
        with file:
            file.execute("BEGIN IMMEDIATE")
            for ref in refs:
                rows = file.execute(
                    "SELECT place, sort, hashes, bands FROM sketches WHERE ref = ?", (ref,)
                ).fetchall()
                for place, sort, packed, bands in rows:
                    self._destroy(place, sort, packed, bands)
                gone += len(rows)
            file.execute("DELETE FROM counts WHERE texts <= 0")
        if gone:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _destroy(self, place: int, sort: str, packed: bytes, bands: bytes) -> None:
        kept = array("q")
        kept.frombytes(bands)
        self._file.executemany(
            "DELETE FROM bands WHERE band = ? AND place = ?", ((band, place) for band in kept)
        )
        if sort == "message":
            self._file.executemany(
                "UPDATE counts SET texts = texts - 1 WHERE term = ?",
                ((one,) for one in (_ALL, *unpacked(packed))),
            )
        self._file.execute("DELETE FROM sketches WHERE place = ?", (place,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Row(NamedTuple):
    """A text's sketch, and where it comes from."""

    place: int
    """The entry's index in the log."""
    ref: str
    """Its content's reference."""
    event: str
    case: str
    sort: Sort
    sketch: Sketch
    salient: tuple[int, ...] = ()
