"""Intake over HTTP: messages, receipts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.intake.body import read_body
from services.intake.channels import phone
from services.intake.channels.web import MOST_A_CALL, MessageBody, NotReadable, incoming, split
from services.intake.message import Message
from services.intake.receiving import Door, Incoming, Received
from services.intake.transcripts import TranscriptRefused
from shared import metrics
from shared.aggregate import Aggregates
from shared.events.messages import Kind
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.store import Unavailable
from shared.web.problems import Problem

RETRY_AFTER_SECONDS = 30


class Accepted(BaseModel):
    """A message that is durable. Keep the receipt: it is our signed promise that the message will be in the trail."""

    message_id: str
    outcome: str
    receipt: str
    tracking: str
    ref: str | None = None
    repeated: bool = False


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


class NotAccepted(BaseModel):
    """A message of a batch that was not taken, and what to do."""

    outcome: str = "refused"
    reason: str
    detail: str


_BODY = TypeAdapter(MessageBody)
_SCHEMA: dict[str, Any] = {
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
    }
}


def unavailable(error: Unavailable) -> Problem:
    """What a sender is told when nothing can be kept now."""
    return Problem(
        503,
        "come-again",
        "Nothing can be accepted now",
        f"Your message was not taken: {error}. Send it again later; sent twice under one id it counts once.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def router(house: House, door: Door, messages: Aggregates[Message]) -> APIRouter:
    """The routes of intake."""
    routes = APIRouter(prefix="/v1", tags=["intake"])

    async def one(raw: bytes, own_key: str | None, principal: Principal) -> Received | NotAccepted:
        try:
            body = _BODY.validate_json(raw)
        except ValidationError as error:
            return NotAccepted(reason="invalid", detail=explain(error))
        came = incoming(body, own_key=own_key, endpoint=endpoint_of(principal))
        return await door.receive(await following(body.in_reply_to, came, door, messages))

    @routes.post(
        "/messages",
        status_code=202,
        response_model=Accepted | list[Accepted | NotAccepted],
        openapi_extra=_SCHEMA,
        responses={status: {"description": text} for status, text in PROBLEMS.items()},
    )
    async def post_messages(
        request: Request, principal: Annotated[Principal, requires(Right.SUBMIT)]
    ) -> Response:
        """Hand over one message, or up to a hundred. `202` means that they are durable."""
        raw = await read_body(request, house.settings.max_body)
        headers = request.headers
        try:
            items, batch = split(raw, headers.get("content-type", ""), headers)
        except NotReadable as error:
            raise Problem(400, error.code, "The body can't be read", str(error)) from error
        key = headers.get("idempotency-key")
        keys = [own or (f"{key}/{at}" if key and batch else key) for at, (_, own) in enumerate(items)]
        try:
            answers = await asyncio.gather(
                *(one(item, own, principal) for (item, _), own in zip(items, keys, strict=True))
            )
        except Unavailable as error:
            raise unavailable(error) from error
        if not batch and isinstance(answers[0], NotAccepted):
            raise Problem(422, answers[0].reason, "This is no message we can take", answers[0].detail)
        return Response(
            orjson.dumps([shown(answer) for answer in answers] if batch else shown(answers[0])),
            status_code=202,
            media_type="application/json",
        )

    @routes.post(
        "/transcripts",
        status_code=202,
        openapi_extra={
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
        },
        responses={status: {"description": text} for status, text in PROBLEMS.items()},
    )
    async def post_transcript(
        request: Request,
        principal: Annotated[Principal, requires(Right.SUBMIT)],
        call: Annotated[CallQuery, Query()],
    ) -> Accepted:
        """Hand over a call as WebVTT, SRT, or the JSON of Whisper and other services, known by its shape."""
        raw = await read_body(request, house.settings.max_body)
        endpoint = endpoint_of(principal).replace("http", "phone", 1)
        try:
            came = await asyncio.to_thread(
                phone.incoming, raw, request.headers.get("content-type"), call.call(), endpoint=endpoint
            )
            received = await door.receive(came)
        except TranscriptRefused as error:
            metrics.RECEIVED.labels("phone", "refused").inc()
            raise Problem(422, error.reason_code, error.message, error.remedy) from error
        except Unavailable as error:
            raise unavailable(error) from error
        return Accepted.model_validate(shown(received))

    @routes.get(
        "/receipts/{message_id}", response_model=Accepted, responses={404: {"description": "No such message"}}
    )
    async def get_receipt(
        message_id: str, principal: Annotated[Principal, requires(Right.PUBLIC)]
    ) -> Accepted:
        """The receipt of a message, the same bytes each time. Whoever knows the id may have it."""
        received = await door.again(message_id)
        if received is None:
            raise Problem(
                404, "no-such-message", "No such message", f"Nothing was received under {message_id}."
            )
        return Accepted(
            message_id=message_id, outcome=received.outcome, receipt=received.receipt, tracking="", ref=None
        )

    return routes


PROBLEMS = {
    400: "The body is not JSON, or no batch",
    413: "The body is too large",
    422: "It is no message: the problem says which field and why",
    503: "Nothing can be kept now; `Retry-After` says when to come again",
}


async def following(
    in_reply_to: str | None, came: Incoming, door: Door, messages: Aggregates[Message]
) -> Incoming:
    """What came, with the case or thread that its sender's tracking code names."""
    earlier = door.tokens.read_tracking_code(in_reply_to) if in_reply_to else None
    if earlier is None:
        return came
    loaded = await messages.load(earlier)
    if loaded.state is None:
        return came
    return replace(came, thread=loaded.state.thread, reply_case=loaded.state.case)


def endpoint_of(principal: Principal) -> str:
    """The endpoint's name in the balance of what came in: a machine's own, or the open form."""
    return f"http:{principal.id}" if principal.kind == "machine" else "http"


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
    }
    return found | {"ref": answer.ref} if answer.ref else found


def explain(error: ValidationError) -> str:
    """Each field that is wrong, and why, in one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)[:5]
    )
