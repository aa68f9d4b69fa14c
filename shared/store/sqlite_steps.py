"""Steps and claims as the embedded store writes them: many to a statement, and a conflict is its own step's alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from shared.store import Collection, Conflict, Step
from shared.store import sqlite_several as several
from shared.store.instants import milliseconds
from shared.store.rows import Row, write

Claims = Mapping[str, str]


def _index(main: sqlite3.Connection, name: str, what: str) -> None:
    """An index, made anew where an older version had another under its name."""
    wanted = f"CREATE INDEX {name} {what}"
    found = main.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (name,)
    ).fetchone()
    if found == (wanted,):
        return
    main.execute(f"DROP INDEX IF EXISTS {name}")
    main.execute(wanted)


class Table:
    """The documents of one collection."""

    def __init__(self, collection: Collection) -> None:
        self.name = f"doc_{collection.name}"
        self._collection = collection
        columns = ["version", "due", "body", *(f"f_{name}" for name in collection.fields)]
        sets = ", ".join(f"{name} = v.column{number}" for number, name in enumerate(columns, 1))
        self._insert = f"INSERT OR IGNORE INTO {self.name} ({', '.join(columns)}, id)"
        self._update = f"UPDATE {self.name} SET {sets} FROM ("  # noqa: S608
        self._where = f") AS v WHERE id = v.column{len(columns) + 1} AND version = v.column{len(columns) + 2}"

    def create(self, main: sqlite3.Connection) -> None:
        """The table and its indexes, where they are not there as they should be.

        A field that an older version did not know is null in its documents until they are saved again.
        """
        table = self.name
        main.execute(
            f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, version INTEGER NOT NULL, due INTEGER,"
            f" body BLOB NOT NULL)"
        )
        there = {row[1] for row in main.execute(f"PRAGMA table_info({table})")}
        for name, kind in self._collection.fields.items():
            if f"f_{name}" not in there:
                main.execute(
                    f"ALTER TABLE {table} ADD COLUMN f_{name} {'INTEGER' if kind is int else 'TEXT'}"
                )
        main.execute(f"CREATE INDEX IF NOT EXISTS {table}_due ON {table} (due) WHERE due IS NOT NULL")
        for index in self._collection.indexes:
            if index[0] in self._collection.several:
                several.create(main, table, index)
                continue
            keys = ", ".join(key if key == "id" else f"f_{key}" for key in self._collection.keys(index, "id"))
            _index(main, f"{table}_{'_'.join(index)}", f"ON {table} ({keys}) WHERE f_{index[0]} IS NOT NULL")

    def save(self, main: sqlite3.Connection, steps: Sequence[Step]) -> list[Step]:
        """Write the documents of these steps; answers those that are in conflict and were not written."""
        new = [step for step in steps if not step.expected]
        changed = [step for step in steps if step.expected]
        main.execute("SAVEPOINT documents")
        written = write(main, self._insert, [self._row(step) for step in new])
        written += write(
            main, self._update, [(*self._row(step), step.expected) for step in changed], self._where
        )
        conflicts: list[Step] = []
        if written != len(steps):  # somewhere among them: find out which
            main.execute("ROLLBACK TO documents")
            conflicts = [step for step in steps if not self._save_one(main, step)]
        main.execute("RELEASE documents")
        return conflicts

    def _save_one(self, main: sqlite3.Connection, step: Step) -> bool:
        if step.expected:
            return write(main, self._update, [(*self._row(step), step.expected)], self._where) == 1
        return write(main, self._insert, [self._row(step)]) == 1

    def _row(self, step: Step) -> Row:
        due = None if step.due is None else milliseconds(step.due)
        found_by = (several.stored(step.fields.get(name)) for name in self._collection.fields)
        return (step.expected + len(step.records), due, step.body, *found_by, step.id)


class Steps:
    """Writes steps to the tables of all collections."""

    def __init__(self, collections: Iterable[Collection]) -> None:
        self.tables = {collection.name: Table(collection) for collection in collections}

    def create(self, main: sqlite3.Connection) -> None:
        """All tables, where they are not there."""
        for table in self.tables.values():
            table.create(main)

    def write(
        self, main: sqlite3.Connection, keys: sqlite3.Connection, steps: Sequence[Step]
    ) -> list[Conflict | None]:
        """The documents and contents of steps, but for those in conflict. Their events are the group commit's."""
        conflicts: set[int] = set()
        by_table = sorted(steps, key=_collection)
        for name, some in groupby(by_table, key=_collection):
            conflicts.update(id(step) for step in self.tables[name].save(main, list(some)))
        sealed = [one for step in steps if id(step) not in conflicts for one in step.contents]
        write(keys, "INSERT INTO keys", [(one.ref, one.key) for one in sealed])
        write(main, "INSERT INTO contents", [(one.ref, one.owner, one.box) for one in sealed])
        return [
            Conflict(f"{step.id} is not at version {step.expected}") if id(step) in conflicts else None
            for step in steps
        ]


def _collection(step: Step) -> str:
    return step.collection.name


def write_claims(
    main: sqlite3.Connection, _: sqlite3.Connection, asked: Sequence[Claims]
) -> list[dict[str, str]]:
    """Insert each key once, the first one first; the values that stand."""
    pairs = [pair for claims in asked for pair in claims.items()]
    if write(main, "INSERT OR IGNORE INTO claims", pairs) == len(pairs):
        return [dict(claims) for claims in asked]
    standing = {key: _standing(main, key) for key, _ in pairs}
    return [{key: standing[key] for key in claims} for claims in asked]


def _standing(main: sqlite3.Connection, key: str) -> str:
    return str(main.execute("SELECT value FROM claims WHERE key = ?", (key,)).fetchone()[0])
