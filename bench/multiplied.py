"""A projection made as large as one likes: what was projected of one block, once more for each copy of it.

It is what projecting the copies makes (a test compares them), in minutes instead of a quarter of an hour.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from services.audit.projected import SPAN_BITS

_TABLES = ("aggregates", "entries", "members", "listed", "cases", "owed")
_COPIES = """
INSERT INTO aggregates SELECT :named(id), number + :aggregates, :named(matter) FROM temp.aggregates_once;
INSERT INTO entries SELECT aggregate + :aggregates, at + :entries FROM temp.entries_once;
INSERT INTO members SELECT matter + :aggregates, :named(aggregate) FROM temp.members_once;
INSERT INTO listed SELECT at + :entries, time + :later, type, department FROM temp.listed_once;
INSERT INTO cases SELECT :named(matter), :named(ref), kind, channel, arrived, promise, state, holder,
    pause FROM temp.cases_once;
INSERT INTO owed SELECT :named(matter), id, kind, owner, since, due, binding, stage, rung, still
    FROM temp.owed_once
"""


def multiply(path: Path, copies: int, later: timedelta, last: bytes) -> None:
    """Have the block that is projected so many times; `later` is how far the copies are apart, `last` the leaf hash of
    the last entry."""
    with closing(sqlite3.connect(path, isolation_level=None)) as projection:
        projection.execute("PRAGMA synchronous=OFF")
        projection.execute("PRAGMA cache_size=-1048576")
        (block,) = projection.execute("SELECT size FROM cursor").fetchone()
        (known,) = projection.execute("SELECT max(number) FROM aggregates").fetchone()
        for table in _TABLES:
            projection.execute(f"CREATE TEMP TABLE {table}_once AS SELECT * FROM main.{table}")
        for copy in range(1, copies):
            projection.execute("BEGIN")
            values = {"aggregates": copy * known, "entries": copy * block}
            values["later"] = round(later.total_seconds() * 1000) * copy
            for statement in _COPIES.split(";"):
                projection.execute(_named(statement, copy), values)
            projection.execute("COMMIT")
        projection.execute("DELETE FROM spans")
        projection.execute(
            "INSERT INTO spans SELECT at >> :bits, min(time), max(time) FROM listed GROUP BY at >> :bits",
            {"bits": SPAN_BITS},
        )
        projection.execute("DELETE FROM unsettled")
        projection.execute("UPDATE cursor SET size = ?, last = ?", (copies * block, last))
        projection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _named(statement: str, copy: int) -> str:
    """The copy's ids: an id ends with the number of its copy."""
    for column in ("id", "matter", "aggregate", "ref"):
        statement = statement.replace(
            f":named({column})", f"substr({column}, 1, length({column}) - 4) || '{copy:04x}'"
        )
    return statement
