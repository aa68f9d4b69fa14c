"""What a projection of the trail has: the numbers in it are given as names come, so rows are compared by names."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from services.audit.projected import Projection
from shared.events import Record

Rows = dict[str, list[tuple[Any, ...]]]

_QUERIES = {
    "entries": "SELECT id, at FROM entries JOIN aggregates ON aggregate = number ORDER BY 1, 2",
    "listed": "SELECT at, time, t.word, d.word FROM listed LEFT JOIN words AS t ON t.number = type"
    " LEFT JOIN words AS d ON d.number = department ORDER BY at",
    "matters": "SELECT id, matter FROM aggregates ORDER BY 1",
    "members": "SELECT id, aggregate FROM members JOIN aggregates ON number = members.matter ORDER BY 1, 2",
    **{
        table: f"SELECT * FROM {table} ORDER BY 1, 2"
        for table in ("cases", "owed", "unsettled", "balance", "spans", "cursor")
    },
}


def rows(path: Path) -> Rows:
    """Everything in a projection's file."""
    with closing(sqlite3.connect(path)) as projection:
        return {name: projection.execute(query).fetchall() for name, query in _QUERIES.items()}


def project_all(projection: Projection, entries: list[bytes], last: bytes) -> None:
    """Project entries as they are read from a log, all at once."""
    projection.commit([_record(entry) for entry in entries], last)


def _record(entry: bytes) -> Record | None:
    try:
        return Record.read("", entry)
    except ValueError:
        return None
