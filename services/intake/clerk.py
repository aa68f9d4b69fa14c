"""Intake for those who look after it: the quarantine, and the balance of what came in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, Field

from services.intake.balance import Balance, balance
from services.intake.message import Message, NotInQuarantine
from services.intake.quarantine import Held, Looked, Quarantine
from shared.content.words import Sender
from shared.events.messages import Channel, Refusal
from shared.rights import Principal, Right, requires
from shared.store import Store
from shared.web.problems import Problem, not_found

Id = Annotated[str, Path(max_length=60, description="A message's id")]

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "No such message is in quarantine"}}
_ORIGINAL: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes as they came",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_TOO_LATE: dict[int | str, dict[str, Any]] = {409: {"description": "Somebody has decided otherwise"}}
_LONGEST_TIME = 15
"""Digits of a time in a cursor: milliseconds."""
_SUFFIXES = {"email": ".eml", "phone": ".txt"}


class ListedMessage(BaseModel):
    """A message in quarantine, as it stands in the list."""

    message_id: str
    channel: Channel
    endpoint: str
    reason: str = Field(description="Why a person must look: `unreadable`, `no-headers`, `nothing-said`")
    received: datetime
    original_bytes: int


class QuarantineList(BaseModel):
    """A page of them, the longest waiting first."""

    messages: list[ListedMessage]
    next: str | None = Field(None, description="`cursor` of the following page")


class ShownMessage(ListedMessage):
    """What can be read of one."""

    subject: str
    text: str
    sender: Sender
    files: list[str]
    defects: list[str] = Field(description="What had to be repaired or left out to read it")


class Refused(BaseModel):
    """Why it is no case."""

    reason: Refusal
    text: str = Field(
        "", max_length=2000, description="The same in words; kept as content, never in the trail"
    )


class Decided(BaseModel):
    """What became of it: `waiting` until a department has it as a case."""

    message_id: str
    outcome: str


def router(store: Store, quarantine: Quarantine) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", tags=["intake"])

    @routes.get("/balance")
    async def get_balance(principal: Annotated[Principal, requires(Right.CONSOLE)]) -> Balance:
        """What came in at each mailbox and endpoint, and what became of it."""
        return await balance(store)

    @routes.get("/quarantine")
    async def list_quarantine(
        principal: Annotated[Principal, requires(Right.QUARANTINE)],
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> QuarantineList:
        """What a person must look at, the longest waiting first."""
        held, following = await quarantine.waiting(read_cursor(cursor), limit)
        return QuarantineList(
            messages=[ListedMessage(**listed(one)) for one in held], next=make_cursor(following)
        )

    @routes.get("/quarantine/{message_id}", responses=_NOT_FOUND)
    async def show_quarantined(
        message_id: Id, principal: Annotated[Principal, requires(Right.QUARANTINE)]
    ) -> ShownMessage:
        """All that can be read of it."""
        return shown(await found(quarantine, message_id))

    @routes.get(
        "/quarantine/{message_id}/original",
        response_class=Response,
        responses=_NOT_FOUND | _ORIGINAL | {410: {"description": "The content was erased"}},
    )
    async def get_original(
        message_id: Id, principal: Annotated[Principal, requires(Right.QUARANTINE)]
    ) -> Response:
        """The bytes as they came, to be looked at with other tools. They may be harmful: nothing has cleaned them."""
        looked = await found(quarantine, message_id)
        content = await quarantine.original(message_id)
        if content is None:
            raise Problem(
                410, "content-erased", "The content was erased", "The entry stays, what it said is gone."
            )
        name = message_id + _SUFFIXES.get(looked.held.message.channel, ".bin")
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
        )

    @routes.post("/quarantine/{message_id}/release", responses=_NOT_FOUND | _TOO_LATE)
    async def release_message(
        message_id: Id, principal: Annotated[Principal, requires(Right.QUARANTINE)]
    ) -> Decided:
        """Let it become a case."""
        return await release(quarantine, message_id, principal)

    @routes.post("/quarantine/{message_id}/refuse", responses=_NOT_FOUND | _TOO_LATE)
    async def refuse_message(
        message_id: Id,
        principal: Annotated[Principal, requires(Right.QUARANTINE)],
        body: Annotated[Refused, Body()],
    ) -> Decided:
        """Keep it, but not as a case, and say why."""
        return await refuse(quarantine, message_id, principal, body)

    return routes


async def found(quarantine: Quarantine, message_id: str) -> Looked:
    """The message. Raises Problem 404 where it is not, or no longer, open to who looks after the quarantine."""
    looked = await quarantine.look(message_id)
    if looked is None:
        raise not_found("message")
    return looked


async def release(quarantine: Quarantine, message_id: str, principal: Principal) -> Decided:
    """Let it become a case. Raises Problem 409 where it is too late."""
    try:
        return _decided(message_id, await quarantine.release(message_id, principal.id))
    except NotInQuarantine as error:
        raise _too_late(error) from error


async def refuse(quarantine: Quarantine, message_id: str, principal: Principal, why: Refused) -> Decided:
    """Keep it as it is. Raises Problem 409 where it is too late."""
    try:
        return _decided(message_id, await quarantine.refuse(message_id, principal.id, why.reason, why.text))
    except NotInQuarantine as error:
        raise _too_late(error) from error


def _decided(message_id: str, message: Message) -> Decided:
    return Decided(message_id=message_id, outcome=message.outcome)


def _too_late(error: NotInQuarantine) -> Problem:
    return Problem(409, "not-in-quarantine", "It is not in quarantine", f"Nothing was changed: {error}.")


def listed(held: Held) -> dict[str, Any]:
    """A message as lists show it."""
    return {
        "message_id": held.id,
        "channel": held.message.channel,
        "endpoint": held.message.endpoint,
        "reason": held.event.reason,
        "received": held.message.received_at,
        "original_bytes": held.event.raw.size,
    }


def shown(looked: Looked) -> ShownMessage:
    """A message as it is looked at."""
    words = looked.words
    return ShownMessage(
        **listed(looked.held),
        subject=words.subject,
        text="\n\n".join(filter(None, (words.text, words.quoted))),
        sender=words.sender,
        files=[file.name for file in words.attachments],
        defects=list(looked.defects),
    )


def make_cursor(after: tuple[int, str] | None) -> str | None:
    """Where a page ended, as the API says it."""
    return f"{after[0]}-{after[1]}" if after else None


def read_cursor(cursor: str | None) -> tuple[int, str] | None:
    """Where the page before ended. Raises Problem 400 for what is no cursor of ours."""
    if cursor is None:
        return None
    received, _, message_id = cursor.partition("-")
    if not received.isascii() or not received.isdigit() or len(received) > _LONGEST_TIME:
        raise Problem(
            400, "no-cursor", "This is no cursor", "Use `next` of the page before, or leave it out."
        )
    return int(received), message_id
