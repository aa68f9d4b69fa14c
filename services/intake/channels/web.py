"""The web channel: JSON from front-ends, plain or as CloudEvents 1.0 (structured, batch and binary mode)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from services.intake.receiving import File, Incoming
from shared.content.files import MAX_FILES, FileBody
from shared.content.words import MessageWords, Sender
from shared.events.messages import Channel, Kind
from shared.ids import read_ref

MOST_A_CALL = 100
MAX_TEXT = 100_000


class SenderBody(BaseModel):
    """Who says it, as far as they want to tell."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=254, pattern=r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+$")
    phone: str | None = Field(None, max_length=40)
    kind: Literal["citizen", "enterprise", "staff", "association"] | None = None
    organisation: str | None = Field(None, max_length=200)
    language: Literal["zh-Hant", "zh-Hans", "en"] | None = None


class MessageBody(BaseModel):
    """One message to the organisation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "channel": "web",
                    "kind": "problem",
                    "subject": "路燈不亮",
                    "text": "人民路 12 號門前的路燈三天不亮了。",
                    "sender": {"name": "示例市民", "email": "citizen@example.org", "language": "zh-Hant"},
                    "external_id": "form-7781",
                }
            ]
        },
    )

    channel: Channel = "web"
    kind: Kind | None = None
    subject: str = Field("", max_length=1000)
    text: str = Field(min_length=1, max_length=MAX_TEXT)
    sender: SenderBody = Field(default_factory=SenderBody)
    external_id: str | None = Field(
        None, max_length=500, description="Your own id: sent twice, it is one message"
    )
    occurred_at: datetime | None = None
    anonymous: bool = False
    department: str | None = Field(
        None, max_length=100, description="The department you mean, if you know it"
    )
    in_reply_to: str | None = Field(None, max_length=200, description="A tracking code, or a case's ref")
    attachments: list[FileBody] = Field([], max_length=MAX_FILES)

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("the text is empty: say what it is about")
        return text


BODY: TypeAdapter[MessageBody] = TypeAdapter(MessageBody)


class NotReadable(ValueError):
    """A body that holds no message. Says by code and in words what is wrong with it."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


def split(
    raw: bytes, content_type: str, headers: Mapping[str, str]
) -> tuple[list[tuple[bytes, str | None]], bool]:
    """The messages in a body, each as JSON with its own key where CloudEvents gives one; and whether it was a batch.

    Raises NotReadable where it is neither JSON nor CloudEvents.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/cloudevents+json":
        return [_cloud_event(_json(raw))], False
    if media == "application/cloudevents-batch+json":
        return [_cloud_event(one) for one in _array(_json(raw))], True
    if "ce-id" in headers:
        return [(raw, f"{headers.get('ce-source', '')}\x1f{headers['ce-id']}")], False
    if media not in {"application/json", ""}:
        raise NotReadable("media-type", f"{media} is not taken here: send application/json or CloudEvents")
    if raw.lstrip()[:1] == b"[":
        return [(orjson.dumps(one), None) for one in _array(_json(raw))], True
    return [(raw, None)], False


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotReadable("json", f"the body is not JSON: {error}") from error


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise NotReadable("array", "a batch is a JSON array with at least one message")
    if len(value) > MOST_A_CALL:
        raise NotReadable("too-many", f"{len(value)} messages in one call: send at most {MOST_A_CALL}")
    return value


def _cloud_event(event: Any) -> tuple[bytes, str]:
    """The data of a CloudEvent in structured mode, and its source and id, which together are unique."""
    if not isinstance(event, dict) or not all(
        isinstance(event.get(name), str) for name in ("id", "source", "specversion")
    ):
        raise NotReadable("cloudevent", "a CloudEvent needs specversion, id, source and type")
    if "data" not in event:
        raise NotReadable(
            "cloudevent", "the CloudEvent has no data (data_base64 is not taken here): put the message there"
        )
    return orjson.dumps(event["data"]), f"{event['source']}\x1f{event['id']}"


def incoming(body: MessageBody, *, own_key: str | None, endpoint: str) -> Incoming:
    """A body as what came in. An anonymous one keeps nothing of who sent it."""
    sender = Sender() if body.anonymous else Sender.model_validate(body.sender.model_dump())
    if body.anonymous and body.sender.language:
        sender = Sender(language=body.sender.language)
    key = body.external_id or own_key
    return Incoming(
        channel=body.channel,
        endpoint=endpoint,
        words=MessageWords(subject=body.subject.strip(), text=body.text, sender=sender),
        own_key=f"{endpoint}\x1f{key}" if key else None,
        files=[File(one.name, one.content_type, one.content) for one in body.attachments],
        hint_ref=read_ref(body.in_reply_to) if body.in_reply_to else None,
        kind=body.kind,
        department=body.department,
        anonymous=body.anonymous,
        occurred_at=body.occurred_at,
    )
