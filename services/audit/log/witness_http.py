"""A witness over HTTP: `POST /add-checkpoint` for logs, `GET /<origin's SHA-256>/checkpoint` for whoever watches."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.audit.log.errors import StateError
from services.audit.log.witness import MAX_REQUEST, Refused, WitnessBook

log = structlog.get_logger()


def application(book: WitnessBook) -> Starlette:
    """The witness's two routes, and its verifier key at `/vkey`."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            body = await _body(request)
            line = await asyncio.to_thread(book.add_checkpoint, body)
        except Refused as error:
            log.info("witness.refused", status=error.status, why=str(error))
            if error.size is not None:
                # Named in full: a media type of text would get a charset, which the specification has not.
                return Response(f"{error.size}\n", error.status, {"Content-Type": "text/x.tlog.size"})
            return _problem(error.status, str(error))
        except ClientDisconnect:
            return Response(status_code=400)
        except (OSError, StateError) as error:
            log.error("witness.not_recorded", error=str(error))  # noqa: TRY400  the message says it all
            return _problem(
                503, "the checkpoint can't be recorded now, and so is not cosigned; ask again later"
            )
        return PlainTextResponse(line)

    async def checkpoint(request: Request) -> Response:
        found = await asyncio.to_thread(book.checkpoint, request.path_params["id"])
        if found is None:
            return _problem(
                404, "nothing is cosigned of a log of that name: ask by the SHA-256 of its origin, in hex"
            )
        return PlainTextResponse(found, headers={"Cache-Control": "no-cache"})

    async def vkey(request: Request) -> Response:
        return PlainTextResponse(book.signer.verifier.vkey + "\n")

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/vkey", vkey),
            Route("/{id:str}/checkpoint", checkpoint),
        ]
    )


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_REQUEST:
            raise Refused(413, f"the request is longer than {MAX_REQUEST} bytes")
    return body


def _problem(status: int, detail: str) -> Response:
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Response(json.dumps(problem), status, media_type="application/problem+json")
