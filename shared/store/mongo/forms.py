"""What stands in a document, and how it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel

from shared.events import Record
from shared.store import Collection, Document, FieldValue, Where
from shared.store.instants import instant, milliseconds

Bson = dict[str, Any]

STATE = {"version": 1, "body": 1, "due": 1}
"""What of it is a `Document`."""

_OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "in": "$in", "has": "$eq"}
"""Asked of an array, `$eq` asks for one of its elements."""


def document(found: Bson) -> Document:
    """An aggregate's state."""
    due = found.get("due")
    return Document(found["_id"], found["version"], found["body"], None if due is None else instant(due))


def found_by(collection: Collection, given: Mapping[str, FieldValue]) -> Bson:
    """A document's fields. What is null, or has no value of several, is left out; several values are an array."""
    kept = {name: given.get(name) for name in collection.fields}
    return {
        name: list(dict.fromkeys(value)) if isinstance(value, tuple) else value
        for name, value in kept.items()
        if value not in (None, ())
    }


def unpublished(record: Record) -> Bson:
    """An event, within its aggregate's document and, once it is published, in `events`."""
    return {
        "sequence": record.sequence,
        "time": milliseconds(record.time),
        "topic": record.topic,
        "value": record.value,
    }


def event_id(subject: str, sequence: int) -> str:
    """By which a published event is found."""
    return f"{subject}/{sequence}"


def events_of(subject: str) -> Bson:
    """All of one aggregate: a range of the one index that `events` has, from behind `/` to before what follows it."""
    return {"_id": {"$gt": f"{subject}/", "$lt": f"{subject}0"}, "subject": subject}


def record(found: Bson) -> Record:
    """An event, from either place."""
    return Record.read(found["topic"], found["value"])


def indexes(collection: Collection) -> list[IndexModel]:
    """What does not wait, and what has no value for an index's first field, takes no room in it."""
    some: list[tuple[str, ...]] = [("due", "_id"), ("unpublished.time",)]
    some += [
        tuple(key if key == "_id" else f"f.{key}" for key in collection.keys(index, "_id"))
        for index in collection.indexes
    ]
    return [
        IndexModel([(key, 1) for key in keys], partialFilterExpression={keys[0]: {"$exists": True}})
        for keys in some
    ]


def conditions(where: Sequence[Where]) -> list[Bson]:
    """A query's conditions."""
    return [_condition(one) for one in where]


def _condition(one: Where) -> Bson:
    if one.is_ in ("null", "not null"):
        return {f"f.{one.field}": {"$exists": one.is_ == "not null"}}
    value = list(one.value) if one.is_ == "in" and isinstance(one.value, Sequence) else one.value
    return {f"f.{one.field}": {_OPERATORS[one.is_]: value}}
