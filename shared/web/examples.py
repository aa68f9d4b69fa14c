"""An example of what a JSON Schema describes: made of the examples of its fields, the same each time."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_OF_FORMAT = {"date-time": "2026-09-30T08:00:00Z", "date": "2026-09-30", "uri": "https://example.org/"}
_DEEPEST = 6
"""Shapes that hold themselves end here."""


def example_of(schema: Json, schemas: Json, depth: int = 0) -> Any:
    """A value that fits a schema; what it refers to stands in `schemas`."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, depth + 1)
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    if schema.get("default") not in (None, "", [], {}):
        return schema["default"]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            some = [one for one in schema[choice] if one.get("type") != "null"]
            return example_of(some[0], schemas, depth)
    return _plain(schema, schemas, depth)


def _plain(schema: Json, schemas: Json, depth: int) -> Any:
    match schema.get("type"):
        case "object":
            if depth > _DEEPEST:
                return {}
            fields: Json = schema.get("properties", {})
            return {name: example_of(field, schemas, depth) for name, field in fields.items()}
        case "array":
            most = 0 if depth > _DEEPEST else max(1, schema.get("minItems", 1))
            return [example_of(schema.get("items", {}), schemas, depth) for _ in range(most)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case "string":
            return _text(schema)
    return {}


def _text(schema: Json) -> str:
    text = _OF_FORMAT.get(
        schema.get("format", ""), str(schema.get("title", "text")).lower().replace(" ", "-")
    )
    return text[: schema.get("maxLength", len(text))]
