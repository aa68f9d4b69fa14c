"""How the audit's routes say what they answer, in the OpenAPI."""

from __future__ import annotations

from typing import Any

TEXT = "text/plain; charset=utf-8"
NOTE = "— county.example/throughline Az3gl…"
CHECKPOINT = f"county.example/throughline\n1207\nqN8yj…=\n\n{NOTE}\n"
PROOF = f"c2sp.org/tlog-proof@v1\nextra eyJjYXVz…\nindex 41\nKq3c…=\n\n{CHECKPOINT}"


def answers(media: str, example: str | None = None, **problems: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers besides a model: its text or bytes, and its problems."""
    kind: dict[str, Any] = {"schema": {"type": "string"}}
    said: dict[int | str, dict[str, Any]] = {
        int(status[1:]): {"description": text, "content": {"application/problem+json": {}}}
        for status, text in problems.items()
    }
    if media:
        said[200] = {"content": {media: kind | ({"example": example} if example else {})}}
    return said
