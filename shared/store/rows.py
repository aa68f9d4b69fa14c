"""Many rows to a statement.

Each call into SQLite lets go of the interpreter's lock and must win it back from the event loop: row by row, two
writers and the loop spent a third of their time handing it to each other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain

Row = Sequence[object]

_SIZES = (64, 16, 4, 1)
"""Rows a statement: few enough sizes that the connection keeps every statement prepared."""


@cache
def _values(width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"VALUES {', '.join([row] * rows)}"


def write(connection: sqlite3.Connection, before: str, rows: Sequence[Row], after: str = "") -> int:
    """Run `before VALUES (…), (…) … after` for all rows, as often as it takes; answers how many rows it changed.

    As in `write(c, "INSERT INTO t", rows)` or `write(c, "DELETE FROM t WHERE (a, b) IN (", rows, ")")`.
    """
    changed = at = 0
    for size in _SIZES:
        while len(rows) - at >= size:
            some = rows[at : at + size]
            sql = f"{before} {_values(len(some[0]), size)} {after}"
            changed += connection.execute(sql, list(chain.from_iterable(some))).rowcount
            at += size
    return changed
