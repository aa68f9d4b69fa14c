"""A request's body is read no further than it may be, whoever asks and whatever for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 2**20
"""Bytes of a body where a route does not say otherwise: what people type, with room to spare."""
DRAINED = 8
"""Times the limit that is read, and thrown away, so that the sender hears the answer rather than a broken line."""
_OWN = "throughline.own_limit"


class BodyLimit:
    """Holds every route to `MOST`, but those that have said `own_limit`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in {"GET", "HEAD"}:
            receive = at_most(receive, MOST, scope)
        await self._app(scope, receive, send)


def own_limit(scope: Scope) -> None:
    """This request is limited by its route, from here on."""
    scope[_OWN] = True


def at_most(receive: Receive, most: int, unless: Scope | None = None) -> Receive:
    """What is received, up to `most` bytes of it. Raises HTTPException 413 once there is more."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        if unless is not None and _OWN in unless:
            return message
        seen += len(message.get("body", b""))
        if seen <= most:
            return message
        while message.get("more_body") and seen <= most * DRAINED:
            message = await receive()
            seen += len(message.get("body", b""))
        # No Problem: what FastAPI meets while it reads a body for a route it makes a 400 of, but for this.
        raise HTTPException(
            413, f"At most {most} bytes are taken in one call. Send fewer messages or smaller files."
        )

    return limited


def up_to(most: int) -> type[APIRoute]:
    """The kind of route whose body may have as many bytes as that."""

    class UpTo(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def bounded(request: Request) -> Response:
                own_limit(request.scope)
                return await handle(Request(request.scope, at_most(request.receive, most)))

            return bounded

    return UpTo
