"""How an event speaks of content: by reference, with a salted commitment (DESIGN.md sections 3 and 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from shared.events.envelope import Part


class ContentRef(Part):
    """Where content is kept, and `HMAC-SHA256(salt, content)` in hex: who may open it can prove it unchanged."""

    ref: str
    commitment: str
    size: int


def references(value: object) -> Iterator[str]:
    """The references of every content that an event, or a part of one, speaks of."""
    if isinstance(value, ContentRef):
        yield value.ref
    elif isinstance(value, BaseModel):
        for _, part in value:
            yield from references(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from references(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from references(part)
