"""Reading the projection: which entries are whose, how a case stands, which entries match."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from services.audit.index import connect
from services.audit.projected import SPAN_BITS
from services.audit.projection import milliseconds

MOST_LOOKED_AT = 20_000
"""Entries that a page looks at for those whose time fits; where it finds too few among them it says where to go on."""


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


@dataclass(frozen=True)
class Asked:
    """Which entries somebody wants: those that fit all that is given."""

    case: str | None = None
    """A case's id: its own entries and those of all that belongs to it."""
    type: str | None = None
    department: str | None = None
    """Entries of cases while this department led them (`kept.Listed`)."""
    since: datetime | None = None
    until: datetime | None = None
    """Entries whose time is at or after `since` and before `until`."""


class Found(NamedTuple):
    """Where entries that fit are, in the log's order, and where to go on; None where nothing is left to look at."""

    places: list[int]
    following: int | None


class Lookup:
    """Reading a projection. For one thread at a time."""

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader

    @classmethod
    def open(cls, path: Path) -> Lookup:
        """Over a connection of its own. Raises sqlite3.Error."""
        return cls(connect(path, read_only=True))

    def hold(self) -> None:
        """See the projection as it stands now, until it is closed."""
        self._reader.execute("BEGIN")
        _ = self.size

    @property
    def size(self) -> int:
        """How many of the log's entries are projected."""
        row = self._reader.execute("SELECT size FROM cursor").fetchone()
        return int(row[0]) if row else 0

    def case_of(self, ref: str) -> str | None:
        """The case that has a ref."""
        row = self._reader.execute("SELECT matter FROM cases WHERE ref = ?", (ref,)).fetchone()
        return row and str(row[0])

    def matter_of(self, aggregate: str) -> str | None:
        """The case that a message, a delivery, a fact or a finding belongs to."""
        row = self._reader.execute("SELECT matter FROM aggregates WHERE id = ?", (aggregate,)).fetchone()
        return str(row[0]) if row and row[0] else None

    def ref_of(self, aggregate: str) -> str | None:
        """The ref of a case, or of the case that an aggregate belongs to."""
        row = self._reader.execute(
            "SELECT ref FROM aggregates JOIN cases ON cases.matter = coalesce(aggregates.matter, id) WHERE id = ?",
            (aggregate,),
        ).fetchone()
        return row and str(row[0])

    def departments_of(self, places: Sequence[int]) -> dict[int, str]:
        """Who led the case of each entry then, of those that belong to one. At most some thousands at once."""
        marks = ", ".join("?" * len(places))
        rows = self._reader.execute(
            f"SELECT at, word FROM listed JOIN words ON number = department WHERE at IN ({marks})",  # noqa: S608
            places,
        )
        return dict(rows.fetchall())

    def standing(self, ref: str) -> Standing | None:
        """How the case that has a ref stands."""
        row = self._reader.execute("SELECT * FROM cases WHERE ref = ?", (ref,)).fetchone()
        return row and Standing(*row)

    def of_aggregates(
        self, aggregates: Iterable[str], since: int = 0, limit: int = 1000, *, below: int = 1 << 62
    ) -> list[int]:
        """Where the entries of some aggregates are, in the log's order."""
        names = list(aggregates)
        rows = self._reader.execute(
            f"SELECT at FROM {_entries(names)} AND at >= ? AND at < ? ORDER BY at LIMIT ?",  # noqa: S608
            (*names, since, below, limit),
        ).fetchall()
        return [row[0] for row in rows]

    def related(self, case: str) -> list[str]:
        """The case and all that belongs to it: its messages and deliveries, facts and findings about it."""
        rows = self._reader.execute(
            "SELECT aggregate FROM members WHERE matter = (SELECT number FROM aggregates WHERE id = ?)",
            (case,),
        ).fetchall()
        return [case, *(row[0] for row in rows)]

    def whose(self, aggregates: Iterable[str], limit: int) -> list[tuple[int, str]]:
        """The entries of some aggregates in the log's order, each with the aggregate whose own it is."""
        names = list(aggregates)
        return self._reader.execute(
            f"SELECT at, id FROM {_entries(names)} ORDER BY at LIMIT ?",  # noqa: S608
            (*names, limit),
        ).fetchall()

    def find(self, asked: Asked, start: int, stop: int, limit: int) -> Found:
        """The entries in [start, stop) that fit, as many as `limit`."""
        start, stop = self._within(asked, start, stop)
        found: list[int] = []
        since = milliseconds(asked.since) if asked.since else None
        until = milliseconds(asked.until) if asked.until else None
        for looked_at, (at, time) in enumerate(self._matching(asked, start, stop)):
            if len(found) == limit or looked_at == MOST_LOOKED_AT:
                return Found(found, at)
            if _fits(time, since, until):
                found.append(at)
        return Found(found, None)

    def _within(self, asked: Asked, start: int, stop: int) -> tuple[int, int]:
        """What of a range can have entries of the wanted time. Times nearly ascend: a span before which all is earlier,
        and one after which all is later, bound them well."""
        if asked.since is not None:
            row = self._reader.execute(
                "SELECT min(span) FROM spans WHERE latest >= ?", (milliseconds(asked.since),)
            ).fetchone()
            start = max(start, row[0] << SPAN_BITS) if row[0] is not None else stop
        if asked.until is not None:
            row = self._reader.execute(
                "SELECT max(span) FROM spans WHERE earliest < ?", (milliseconds(asked.until),)
            ).fetchone()
            stop = min(stop, row[0] + 1 << SPAN_BITS) if row[0] is not None else start
        return start, stop

    def _matching(self, asked: Asked, start: int, stop: int) -> Iterator[tuple[int, int | None]]:
        """The entries that fit but for their time, read one by one."""
        where, values = ["at >= ?", "at < ?"], [start, stop]
        for column, word in (("type", asked.type), ("department", asked.department)):
            if word is not None:
                row = self._reader.execute("SELECT number FROM words WHERE word = ?", (word,)).fetchone()
                if row is None:
                    return iter(())
                where.append(f"{column} = ?")
                values.append(row[0])
        source, names = "listed", []
        if asked.case is not None:
            names = self.related(asked.case)
            own = f"(SELECT at AS place FROM {_entries(names)})"  # noqa: S608
            source = f"{own} CROSS JOIN listed ON at = place"
        sql = f"SELECT at, time FROM {source} WHERE {' AND '.join(where)} ORDER BY at"  # noqa: S608
        return self._reader.execute(sql, (*names, *values))

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()


def _entries(names: list[str]) -> str:
    return f"aggregates CROSS JOIN entries ON aggregate = number WHERE id IN ({', '.join('?' * len(names))})"


def _fits(time: int | None, since: int | None, until: int | None) -> bool:
    if since is None and until is None:
        return True
    return time is not None and (since is None or time >= since) and (until is None or time < until)
