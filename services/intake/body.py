"""Reading a request's body no further than it may be."""

from __future__ import annotations

from fastapi import Request

from shared.web.problems import Problem


async def read_body(request: Request, most: int) -> bytes:
    """The whole body. Raises Problem 413 as soon as it is larger than `most` bytes."""
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > most:
        raise too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_large(most)
        parts.append(part)
    return b"".join(parts)


def too_large(most: int) -> Problem:
    """What a sender is told whose body is over the limit."""
    return Problem(
        413,
        "body-too-large",
        "The body is too large",
        f"At most {most} bytes are taken in one call (THROUGHLINE_MAX_BODY). Send fewer messages or smaller files.",
        limit=most,
    )
