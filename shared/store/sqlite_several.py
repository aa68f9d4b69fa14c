"""Fields of several values in the embedded store: an array in the document's row, and a table to find it by.

The table has a row for each value, with the other fields of the index that the field heads. Triggers keep it; where a
field is empty before and after, which is the rule, they run nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import orjson

from shared.store import Collection, FieldValue


def stored(value: FieldValue) -> str | int | None:
    """A field's value as its column has it."""
    if isinstance(value, tuple):
        return orjson.dumps(list(dict.fromkeys(value))).decode() if value else None
    return value


def told(collection: Collection, columns: Iterable[str | int | None]) -> Iterator[FieldValue]:
    """The fields' values, from their columns."""
    for name, value in zip(collection.fields, columns, strict=True):
        array = name in collection.several and isinstance(value, str)
        yield tuple(orjson.loads(str(value))) if array else value


def create(main: sqlite3.Connection, documents: str, index: Sequence[str]) -> None:
    """The table of an index that such a field heads, and what keeps it."""
    field, *others = (f"f_{name}" for name in index)
    table = f"{documents}_{index[0]}"
    keys = ", ".join((field, *others, "id"))
    kinds = "".join(f", {name}" for name in others)
    main.execute(f"CREATE TABLE IF NOT EXISTS {table} ({field} TEXT NOT NULL, id TEXT NOT NULL{kinds})")
    main.execute(f"CREATE INDEX IF NOT EXISTS {table}_{'_'.join(index[1:])} ON {table} ({keys})")
    placed = ", ".join(("value", *(f"NEW.{name}" for name in others), "NEW.id"))
    insert = f"INSERT INTO {table} ({keys}) SELECT {placed} FROM json_each(NEW.{field})"  # noqa: S608
    gone = " AND ".join((*(f"{name} IS OLD.{name}" for name in others), "id = OLD.id"))
    delete = f"DELETE FROM {table} WHERE {field} IN (SELECT value FROM json_each(OLD.{field})) AND {gone}"  # noqa: S608
    moved = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in (field, *others))
    main.execute(
        f"CREATE TRIGGER IF NOT EXISTS {table}_new AFTER INSERT ON {documents}"
        f" WHEN NEW.{field} IS NOT NULL BEGIN {insert}; END"
    )
    main.execute(
        f"CREATE TRIGGER IF NOT EXISTS {table}_changed AFTER UPDATE ON {documents}"
        f" WHEN (OLD.{field} IS NOT NULL OR NEW.{field} IS NOT NULL) AND ({moved})"
        f" BEGIN {delete}; {insert}; END"
    )
