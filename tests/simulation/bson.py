"""Documents as MongoDB finds and changes them: the operators that the store uses, and no others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

Bson = dict[str, Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, wanted: value == wanted,
    "$in": lambda value, wanted: value in wanted,
    "$lt": lambda value, wanted: _ordered(value, wanted) and value < wanted,
    "$lte": lambda value, wanted: _ordered(value, wanted) and value <= wanted,
    "$gt": lambda value, wanted: _ordered(value, wanted) and value > wanted,
    "$gte": lambda value, wanted: _ordered(value, wanted) and value >= wanted,
}


def _ordered(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted)


def values(document: Any, path: str) -> Iterator[Any]:
    """What stands at a path; of each element where a list stands on the way."""
    name, _, rest = path.partition(".")
    if isinstance(document, list):
        for one in document:
            yield from values(one, path)
    elif isinstance(document, dict) and name in document:
        if rest:
            yield from values(document[name], rest)
        else:
            yield document[name]


def matches(document: Bson, asked: Mapping[str, Any]) -> bool:
    """Whether a document is one of those asked for."""
    for path, wanted in asked.items():
        if path == "$and":
            holds = all(matches(document, one) for one in wanted)
        elif path == "$or":
            holds = any(matches(document, one) for one in wanted)
        else:
            holds = _matches(list(values(document, path)), wanted)
        if not holds:
            return False
    return True


def _matches(found: Sequence[Any], wanted: Any) -> bool:
    """Whether any of what stands at a path is what is wanted; of an array, also any of its elements."""
    found = [*found, *(one for some in found if isinstance(some, list) for one in some)]
    if not isinstance(wanted, dict):
        return wanted in found
    for operator, value in wanted.items():
        if operator == "$exists":
            if bool(found) != value:
                return False
        elif not any(_COMPARE[operator](one, value) for one in found):
            return False
    return True


def new(asked: Mapping[str, Any]) -> Bson:
    """The document that an upsert begins with."""
    return {name: value for name, value in asked.items() if not isinstance(value, dict)}


def changed(document: Bson, change: Mapping[str, Any], *, inserted: bool) -> Bson:
    """The document after an update."""
    after = dict(document)
    for operator, fields in change.items():
        if operator == "$setOnInsert" and not inserted:
            continue
        for path, value in fields.items():
            _change(after, operator, path, value)
    return after


def _change(after: Bson, operator: str, path: str, value: Any) -> None:
    *ways, name = path.split(".")
    place = after
    for way in ways:
        place[way] = dict(place.get(way, {}))
        place = place[way]
    if operator in ("$set", "$setOnInsert"):
        place[name] = value
    elif operator == "$unset":
        place.pop(name, None)
    elif operator == "$inc":
        place[name] = place.get(name, 0) + value
    elif operator == "$max":
        place[name] = max(place.get(name, value), value)
    elif operator == "$push":
        place[name] = [*place.get(name, []), *value["$each"]]
    elif operator == "$pull":
        if name in place:
            place[name] = [one for one in place[name] if not matches(one, value)]
    else:
        raise LookupError(f"the model of MongoDB does not know {operator}: give it what MongoDB does by it")


def in_order(documents: Sequence[Bson], by: Sequence[tuple[str, int]]) -> list[Bson]:
    """Sorted; a list counts as its least element going up, and its greatest going down."""
    found = list(documents)
    for path, direction in reversed(by):

        def place(one: Bson, path: str = path, direction: int = direction) -> tuple[bool, Any]:
            some = list(values(one, path))
            return (True, min(some) if direction > 0 else max(some)) if some else (False, 0)

        found.sort(key=place, reverse=direction < 0)
    return found


def shown(document: Bson, fields: Mapping[str, int] | None) -> Bson:
    """A copy with what was asked for, and its id; or without what was not."""
    if not fields:
        return dict(document)
    if not any(fields.values()):
        return {name: value for name, value in document.items() if name not in fields}
    return {
        name: part
        for name, value in document.items()
        if (part := _shown(value, name, fields.keys() | {"_id"})) is not None
    }


def _shown(value: Any, at: str, wanted: Collection[str]) -> Any:
    """What is wanted of a value; None where nothing is."""
    if at in wanted:
        return value
    if not any(one.startswith(f"{at}.") for one in wanted):
        return None
    if isinstance(value, list):
        return [_shown(one, at, wanted) for one in value if isinstance(one, dict)]
    if not isinstance(value, dict):
        return None
    parts = {name: _shown(one, f"{at}.{name}", wanted) for name, one in value.items()}
    return {name: one for name, one in parts.items() if one is not None}
