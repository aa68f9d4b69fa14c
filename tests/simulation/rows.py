"""Documents in memory, found as the store's port says they are found."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.store import Document, FieldValue, Step, Wanted, Where
from shared.store.instants import instant, milliseconds

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Row:
    """One document."""

    id: str
    version: int
    body: bytes
    due: int | None
    fields: dict[str, FieldValue]

    @classmethod
    def of(cls, step: Step) -> Row:
        """What a step makes of its document."""
        due = None if step.due is None else milliseconds(step.due)
        fields = {name: _kept(step.fields.get(name)) for name in step.collection.fields}
        return cls(step.id, step.expected + len(step.records), step.body, due, fields)

    @property
    def document(self) -> Document:
        return Document(self.id, self.version, self.body, None if self.due is None else instant(self.due))

    def matches(self, where: Sequence[Where]) -> bool:
        """Whether all conditions hold."""
        return all(_holds(self.fields.get(one.field), one) for one in where)


def _kept(value: FieldValue) -> FieldValue:
    return None if value == () else value


def _holds(value: FieldValue, one: Where) -> bool:
    if one.is_ in ("null", "not null"):
        return (value is None) == (one.is_ == "null")
    if value is None:
        return False
    if one.is_ == "has":
        assert isinstance(value, tuple)
        return one.value in value
    if one.is_ == "in":
        assert isinstance(one.value, Sequence)
        return value in one.value
    return _COMPARE[one.is_](value, one.value)


def find(
    rows: Iterable[Row],
    where: Sequence[Where],
    order: str,
    *,
    descending: bool,
    after: tuple[str | int, str] | None,
    limit: int,
) -> list[tuple[Document, str | int]]:
    """Rows in the order of a field and then id, from just past `after` on."""
    found: list[tuple[Any, str, Row]] = [
        (value, row.id, row)
        for row in rows
        if (value := row.fields.get(order)) is not None and row.matches(where)
    ]
    found.sort(key=lambda one: one[:2], reverse=descending)
    if after is not None:
        found = [one for one in found if (one[:2] < after if descending else one[:2] > after)]
    return [(row.document, value) for value, _, row in found[:limit]]


def due(rows: Iterable[Row], until: datetime, limit: int, wanted: Wanted) -> list[Document]:
    """What is due and wanted, the longest due first."""
    last = int(until.timestamp() * 1000)
    found = [(row.due, row.id, row.document) for row in rows if row.due is not None and row.due <= last]
    found.sort(key=lambda one: one[:2])
    return [one for at, id, one in found if wanted(id, instant(at))][:limit]


def next_due(rows: Iterable[Row]) -> datetime | None:
    """The earliest instant at which any is due."""
    first = min((row.due for row in rows if row.due is not None), default=None)
    return None if first is None else instant(first)
