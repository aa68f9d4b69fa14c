"""What is asked of the embedded store's tables: the SQL of each query, so that a test can read its plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.store import Collection, Where

Query = tuple[str, list[str | int]]

_MOST_MERGED = 100
"""Of more values, `in` reads the order's own index from end to end: a statement has room for 500 parts."""


def find(
    collection: Collection,
    where: Sequence[Where],
    *,
    order: str,
    descending: bool,
    after: tuple[str | int, str] | None,
    limit: int,
) -> Query:
    """(id, version, body, due, `order`) of a page.

    Of each value of an `in` the documents stand in order in an index, and what is read of them is merged: sorted, or
    looked for among all others, many would be read for the few that are shown.
    """
    parts: list[str] = []
    values: list[str | int] = []
    direction, past = ("DESC", "<") if descending else ("ASC", ">")
    for conditions in _apart(collection, where, order):
        place = _Place.of(collection, conditions)
        ordered = place.column(order)
        holds, asked = place.conditions(conditions)
        holds.append(f"{ordered} IS NOT NULL")
        if after is not None:
            holds.append(f"({ordered}, {place.id}) {past} (?, ?)")
            asked += after
        parts.append(
            f"SELECT {place.id} AS id, version, body, due, {ordered} AS f_{order} FROM {place.tables}"  # noqa: S608
            f" WHERE {' AND '.join(holds)}"
        )
        values += asked
    ends = f" ORDER BY f_{order} {direction}, id {direction} LIMIT {int(limit)}"
    return " UNION ALL ".join(parts) + ends, values


def count(collection: Collection, where: Sequence[Where], *, order: str | None, cap: int) -> Query:
    """How many match, looked for no further than `cap`."""
    listed = [] if order is None else [Where(order, "not null")]
    place = _Place.of(collection, where)
    holds, values = place.conditions([*where, *listed])
    matching = f"SELECT 1 FROM {place.tables} WHERE {' AND '.join(holds) or '1'} LIMIT {int(cap)}"  # noqa: S608
    return f"SELECT count(*) FROM ({matching})", values  # noqa: S608


def _apart(collection: Collection, where: Sequence[Where], order: str) -> list[Sequence[Where]]:
    """The conditions for each value of an `in` that an index has in order."""
    equal = {one.field for one in where if one.is_ == "="}
    for at, one in enumerate(where):
        if one.is_ != "in" or not isinstance(one.value, Sequence) or not 0 < len(one.value) <= _MOST_MERGED:
            continue
        if any(_in_order(index, equal, one.field, order) for index in collection.indexes):
            return [
                [*where[:at], replace(one, is_="=", value=value), *where[at + 1 :]]
                for value in dict.fromkeys(one.value)
            ]
    return [where]


def _in_order(index: Sequence[str], equal: set[str], field: str, order: str) -> bool:
    before = index[: index.index(order)] if order in index else ()
    return field in before and equal.issuperset(set(before) - {field})


@dataclass(frozen=True)
class _Place:
    """Where a query looks: the documents, or first the table of a field of several values."""

    tables: str
    inside: Sequence[str] | None = None
    """What stands in the table of several values, where one is asked."""

    @classmethod
    def of(cls, collection: Collection, where: Sequence[Where]) -> _Place:
        field = next((one.field for one in where if one.is_ == "has"), None)
        documents = f"doc_{collection.name}"
        if field is None:
            return cls(documents)
        index = next(index for index in collection.indexes if index[0] == field)
        # CROSS JOIN keeps this order: from the few that have the value to their documents.
        return cls(f"{documents}_{field} h CROSS JOIN {documents} d ON d.id = h.id", index)

    @property
    def id(self) -> str:
        return "id" if self.inside is None else "h.id"

    def column(self, field: str) -> str:
        """Where a field stands."""
        if self.inside is None:
            return f"f_{field}"
        return f"{'h' if field in self.inside[1:] else 'd'}.f_{field}"

    def conditions(self, where: Sequence[Where]) -> tuple[list[str], list[str | int]]:
        """All of them, and the values they ask for."""
        holds: list[str] = []
        values: list[str | int] = []
        looked_up = next((one for one in where if one.is_ == "has"), None)
        for one in where:
            column = self.column(one.field)
            if one is looked_up:
                holds.append(f"h.f_{one.field} = ?")
            elif one.is_ == "has":
                holds.append(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)")  # noqa: S608
            elif one.is_ == "in":
                assert isinstance(one.value, Sequence)
                holds.append(f"{column} IN ({', '.join('?' * len(one.value))})")
                values.extend(one.value)
                continue
            elif one.is_ in ("null", "not null"):
                holds.append(f"{column} IS {one.is_.upper()}")
                continue
            else:
                holds.append(f"{column} {one.is_} ?")
            assert isinstance(one.value, str | int)
            values.append(one.value)
        return holds, values
