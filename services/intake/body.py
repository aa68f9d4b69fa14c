"""Routes by which messages come in: a body is read no further than it may be, and what is refused is counted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from shared import metrics
from shared.rights import Guard, guard_of
from shared.web.limit import at_most, own_limit, up_to
from shared.web.problems import Problem

REFUSALS = frozenset({400, 413, 422})
"""Answers by which a sender is told that nothing was kept, and why."""


def receiving(channel: str, most: int) -> type[APIRoute]:
    """The kind of route that takes messages of a channel, at most `most` bytes a call."""

    class Receiving(up_to(most)):  # type: ignore[misc]
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def counted(request: Request) -> Response:
                try:
                    response: Response = await handle(request)
                except (Problem, HTTPException, RequestValidationError) as error:
                    _count(channel, _status(error))
                    raise
                except ClientDisconnect:  # nobody is there to be told
                    return Response(status_code=400)
                _count(channel, response.status_code)
                return response

            return counted

    return Receiving


def direct(channel: str, most: int) -> type[APIRoute]:
    """The same for the busiest door: its endpoint reads the request itself, so the framework need not.

    It is in the OpenAPI like any other, with the parameters it names; it is called with the request, the principal
    whose right was looked at, and nothing else (LIMITS.md: the framework's own work is most of a request's).
    """

    class Direct(receiving(channel, most)):  # type: ignore[misc]
        @cached_property
        def guard(self) -> Guard | None:
            return guard_of(self.dependant)

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            guard = self.guard
            if guard is None or scope["method"] not in self.methods:
                await super().handle(scope, receive, send)
                return
            own_limit(scope)
            request = Request(scope, at_most(receive, most), send)
            try:
                response: Response = await self.endpoint(request, await guard(request))
            except (Problem, HTTPException) as error:
                _count(channel, _status(error))
                raise
            except ClientDisconnect:  # nobody is there to be told
                return
            _count(channel, response.status_code)
            await response(scope, receive, send)

    return Direct


def _status(error: Problem | HTTPException | RequestValidationError) -> int:
    if isinstance(error, RequestValidationError):
        return 422
    return error.status if isinstance(error, Problem) else error.status_code


def _count(channel: str, status: int) -> None:
    if status in REFUSALS:
        metrics.RECEIVED.labels(channel, "refused").inc()
