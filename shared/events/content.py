"""How an event speaks of content: by reference, with a salted commitment (DESIGN.md sections 3 and 7)."""

from __future__ import annotations

from shared.events.envelope import Part


class ContentRef(Part):
    """Where content is kept, and `HMAC-SHA256(salt, content)` in hex: who may open it can prove it unchanged."""

    ref: str
    commitment: str
    size: int
