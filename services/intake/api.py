"""Intake over HTTP: messages and transcripts come in; receipts."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError

from services.intake.body import direct, receiving
from services.intake.channels import phone
from services.intake.channels.web import BODY, MOST_A_CALL, MessageBody, NotReadable, incoming, split
from services.intake.following import following
from services.intake.message import Message
from services.intake.receiving import Door, Received
from services.intake.transcripts import TranscriptRefused
from shared import metrics
from shared.aggregate import Aggregates
from shared.events.messages import Kind
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.web.problems import Problem

MAX_KEY = 500
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=MAX_KEY, description="Sent twice under one key, it is one message"
    ),
]
Id = Annotated[
    str, Path(max_length=60, description="A message's id", examples=["msg_a2b3c4d5e6f7a2b3c4d5e6f7a2"])
]


class Accepted(BaseModel):
    """A message that is durable. Keep the receipt: our signed promise that the trail will have it."""

    message_id: str
    outcome: Literal["accepted", "quarantined", "refused"]
    receipt: str
    tracking: str | None = Field(
        None,
        description="The secret code that follows it. An anonymous message's is told this once: sent again, it is "
        "answered without the code, and nobody can find it out. Then send it anew, under another key",
    )
    ref: str | None = None
    repeated: bool = False


class NotAccepted(BaseModel):
    """A message of a batch that was not taken, and what to do."""

    outcome: Literal["refused"] = "refused"
    reason: str
    detail: str


class CallQuery(BaseModel):
    """What the telephone system knows of the call, as query parameters."""

    call_id: str | None = Query(
        None, max_length=200, description="Its id there: sent twice, it is one message"
    )
    caller: str | None = Query(None, max_length=40, description="The number to call back")
    name: str | None = Query(None, max_length=200)
    called_at: datetime | None = None
    language: Literal["zh-Hant", "zh-Hans", "en"] | None = None
    agent: str | None = Query(None, max_length=100, description="Who took the call")
    kind: Kind | None = None

    def call(self) -> phone.Call:
        """As the channel takes it."""
        return phone.Call(**self.model_dump())


_MESSAGES: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Sent twice under one key, it is one message",
            "schema": {"type": "string", "maxLength": MAX_KEY},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        MessageBody.model_json_schema(ref_template="#/components/schemas/{model}"),
                        {"type": "array", "maxItems": MOST_A_CALL, "items": {"type": "object"}},
                    ]
                },
                "example": {"channel": "web", "text": "人民路的路燈不亮"},
            },
            "application/cloudevents+json": {"schema": {"type": "object"}},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    },
}
_TRANSCRIPTS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/vtt": {
                "schema": {"type": "string"},
                "example": "WEBVTT\n\n00:00.000 --> 00:02.000\n您好",
            },
            "application/x-subrip": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The body can't be read: no JSON, or no batch"},
    413: {"description": "The body is too large"},
    422: {"description": "It is no message: the problem says which field and why"},
    503: {"description": "Nothing can be kept now; `Retry-After` says when to come again"},
}


def routers(house: House, door: Door, messages: Aggregates[Message]) -> list[APIRouter]:
    """The routes of the open door."""
    most = house.settings.max_body
    return [
        _messages(most, door, messages),
        _transcripts(most, door),
        _receipts(door),
    ]


def _messages(most: int, door: Door, messages: Aggregates[Message]) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["intake"], route_class=direct("web", most))

    async def one(raw: bytes, own_key: str | None, principal: Principal) -> Received | NotAccepted:
        try:
            body = BODY.validate_json(raw)
        except ValidationError as error:
            broken = any(problem["type"] == "json_invalid" for problem in error.errors(include_url=False))
            return NotAccepted(reason="json" if broken else "invalid", detail=explain(error))
        came = incoming(body, own_key=own_key, endpoint=endpoint_of(principal))
        return await door.receive(await following(body.in_reply_to, came, door, messages))

    @routes.post(
        "/messages",
        status_code=202,
        response_model=Accepted | list[Accepted | NotAccepted],
        openapi_extra=_MESSAGES,
        responses=_PROBLEMS,
    )
    async def post_messages(
        request: Request, principal: Annotated[Principal, requires(Right.SUBMIT)]
    ) -> Response:
        """Hand over one message, or up to a hundred. `202` means that they are durable."""
        raw, key = await request.body(), _idempotency_key(request)
        try:
            items, batch = split(raw, request.headers.get("content-type", ""), request.headers)
        except NotReadable as error:
            raise Problem(400, error.code, "The body can't be read", str(error)) from error
        if not batch:
            item, own = items[0]
            answer = await one(item, own or key, principal)
            if isinstance(answer, NotAccepted):
                status = 400 if answer.reason == "json" else 422
                raise Problem(status, answer.reason, "This is no message we can take", answer.detail)
            return _accepted(orjson.dumps(shown(answer)))
        answers = await _all(
            one(item, own or (key and f"{key}/{at}"), principal) for at, (item, own) in enumerate(items)
        )
        refused = sum(isinstance(answer, NotAccepted) for answer in answers)
        metrics.RECEIVED.labels("web", "refused").inc(refused)
        return _accepted(orjson.dumps([shown(answer) for answer in answers]))

    return routes


def _transcripts(most: int, door: Door) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["intake"], route_class=receiving("phone", most))

    @routes.post("/transcripts", status_code=202, openapi_extra=_TRANSCRIPTS, responses=_PROBLEMS)
    async def post_transcript(
        request: Request,
        principal: Annotated[Principal, requires(Right.SUBMIT)],
        call: Annotated[CallQuery, Query()],
        idempotency_key: Key = None,
    ) -> Accepted:
        """Hand over a call as WebVTT, SRT, or the JSON of Whisper and other services, known by its shape."""
        raw, content_type = await request.body(), request.headers.get("content-type")
        endpoint = endpoint_of(principal).replace("http", "phone", 1)
        try:
            came = await asyncio.to_thread(
                phone.incoming, raw, content_type, call.call(), own_key=idempotency_key, endpoint=endpoint
            )
        except TranscriptRefused as error:
            raise Problem(422, error.reason_code, error.message, error.remedy) from error
        return Accepted.model_validate(shown(await door.receive(came)))

    return routes


def _receipts(door: Door) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["intake"])

    @routes.get(
        "/receipts/{message_id}",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "A signed note"},
            404: {"description": "No such message"},
        },
    )
    async def get_receipt(
        message_id: Id, principal: Annotated[Principal, requires(Right.PUBLIC)]
    ) -> Response:
        """The receipt of a message, the same bytes each time. Whoever knows the id may have it."""
        received = await door.again(message_id)
        if received is None:
            raise Problem(
                404, "no-such-message", "No such message", f"Nothing was received under {message_id}."
            )
        name = f'attachment; filename="{received.message_id}.receipt"'
        return Response(received.receipt, media_type="text/plain", headers={"Content-Disposition": name})

    return routes


def endpoint_of(principal: Principal) -> str:
    """The endpoint's name in the balance of what came in: a machine's own, or the open one."""
    return f"http:{principal.id}" if principal.kind == "machine" else "http"


async def _all(answering: Any) -> list[Received | NotAccepted]:
    """Every answer. Raises only once each has come to its end: what is kept then, is kept."""
    answers: list[Received | NotAccepted] = []
    for answer in await asyncio.gather(*answering, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer
        answers.append(answer)
    return answers


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and len(key) > MAX_KEY:
        detail = f"Idempotency-Key has {len(key)} characters; it may have {MAX_KEY}."
        raise Problem(422, "not-valid", "The request does not fit", detail)
    return key


def _accepted(body: bytes) -> Response:
    return Response(body, status_code=202, media_type="application/json")


def shown(answer: Received | NotAccepted) -> dict[str, Any]:
    """An answer as JSON, without what is not known."""
    if isinstance(answer, NotAccepted):
        return answer.model_dump()
    found = {
        "message_id": answer.message_id,
        "outcome": answer.outcome,
        "receipt": answer.receipt,
        "tracking": answer.tracking,
        "repeated": answer.repeated,
        "ref": answer.ref,
    }
    return {name: value for name, value in found.items() if value is not None}


def explain(error: ValidationError) -> str:
    """Each field that is wrong, and why, in one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:5]
    )
