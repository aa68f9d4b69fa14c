"""Errors as people and programs can act on them: RFC 9457 problem details, or a page for a browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from shared.store import Unavailable
from shared.web.headers import ALWAYS

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:throughline:problem:"
RETRY_SECONDS = 30

ProblemPage = Callable[[Request, "Problem"], Response]


class Problem(Exception):
    """What went wrong with a request: `raise Problem(404, "case-not-found", "No such case", "…")`.

    `code` names the kind of problem for programs, `detail` says to a person what is wrong and what to do;
    `extra` members stand beside them. Never put into it what the asker may not see.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The members of the problem document."""
        core = {"type": TYPE_PREFIX + self.code, "title": self.title, "status": self.status}
        return self.extra | core | ({"detail": self.detail} if self.detail else {})

    def response(self) -> Response:
        """The problem as `application/problem+json`."""
        return Response(orjson.dumps(self.body(), default=str), self.status, self.headers, MEDIA_TYPE)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, rather than a program."""
    return "text/html" in request.headers.get("Accept", "")


def not_found(what: str = "page") -> Problem:
    """What isn't there, or may not be seen: one answer for both, so that it tells nothing."""
    return Problem(404, f"{what}-not-found", f"No such {what}", "It does not exist, or is not open to you.")


_TITLES = {
    400: "The request can't be read",
    404: "Nothing is here",
    405: "This method is not offered here",
    413: "The body is too large",
    415: "This content type is not taken here",
}

_CODES = {413: "body-too-large"}


def _from_http(error: HTTPException) -> Problem:
    title = _TITLES.get(error.status_code, str(error.detail))
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else str(error.detail)
    code = _CODES.get(error.status_code, f"http-{error.status_code}")
    return Problem(error.status_code, code, title, detail, headers=error.headers)


def _from_validation(error: RequestValidationError) -> Problem:
    errors = error.errors()
    for one in errors:
        if one["type"] == "json_invalid":
            where = one["loc"][-1] if one["loc"] else 0
            reason = one.get("ctx", {}).get("error", "")
            return Problem(400, "broken-json", "The body is not JSON", f"At character {where}: {reason}.")
    fields = [
        {"field": _field(one["loc"]), "problem": one["msg"]} for one in errors
    ]  # never the input: it may be personal
    told = "; ".join(f"{one['field']}: {one['problem']}" for one in fields[:5])
    return Problem(
        422,
        "not-valid",
        "The request does not fit",
        f"Correct this and send it again: {told}.",
        errors=fields,
    )


def _field(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location]
    return ".".join(parts[1:] or parts)


def install(app: FastAPI, page: ProblemPage | None = None) -> None:
    """Answer every error of an application as a problem; as `page(request, problem)` where a browser asks."""

    def answer(request: Request, problem: Problem) -> Response:
        if page is None or not wants_page(request):
            return problem.response()
        if problem.code == "sign-in-needed":
            from shared.rights.gate import sign_in_path  # noqa: PLC0415 - the gate raises problems itself

            return RedirectResponse(sign_in_path(request), 303)
        return page(request, problem)

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer(request, error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return answer(request, _from_http(error))

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, _from_validation(error))

    async def on_unavailable(request: Request, error: Exception) -> Response:
        log.warning("web.store_away", path=request.url.path, error=str(error))
        return answer(
            request,
            Problem(
                503,
                "not-now",
                "Nothing can be saved right now",
                "Nothing of your request was kept. Please send it again in a little while.",
                headers={"Retry-After": str(RETRY_SECONDS)},
            ),
        )

    async def on_anything(request: Request, error: Exception) -> Response:
        id = secrets.token_hex(4)
        log.error("web.failed", id=id, method=request.method, route=_route(request), exc_info=error)
        detail = f"It is in the log as {id}; tell the people who look after this installation."
        response = answer(request, Problem(500, "internal", "Something went wrong here", detail, id=id))
        for name, value in ALWAYS.items():  # this answer is given outside all middleware
            response.headers[name] = value
        return response

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(Unavailable, on_unavailable)
    app.add_exception_handler(Exception, on_anything)


def _route(request: Request) -> str:
    """The route's pattern, not the address: a tracking code in it has no place in a log."""
    return getattr(request.scope.get("route"), "path", "?")
