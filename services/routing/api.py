"""Routing over HTTP: cases, what may be done with them, and the sender's view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.routing.case import State
from services.routing.commands import TABLE, Command, Contest, Feedback, Row, Urge, WithFiles
from services.routing.files import MEDIA_TYPE
from services.routing.office import Filter, Office, etag
from services.routing.shapes import CaseList, ShownCase
from services.routing.standing import RIGHTS
from services.routing.tracked import TrackedCase
from shared import ids
from shared.events.cases import CaseClass, OpeningReason
from shared.events.messages import Channel, Kind
from shared.rights import Principal, Right, requires
from shared.web.limit import up_to
from shared.web.openapi import ProblemDetails

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="Sent twice under one key, it is done once"),
]
Match = Annotated[
    str | None, Header(alias="If-Match", max_length=40, description="Only if this is still its ETag")
]
Ref = Annotated[str, Path(max_length=40, description="The case's ref", examples=["K7QM-2XPA-B"])]
Message = Annotated[str, Path(max_length=60, description="The message's id")]
Code = Annotated[str, Path(max_length=100, description="The tracking code on the acknowledgement")]


class Done(BaseModel):
    """What a command came to."""

    ref: str
    state: State
    department: str | None
    version: int
    repeated: bool = Field(description="It had been done before, under the same key")
    commands: list[str] = Field(description="What may be done now")


class Heard(BaseModel):
    """The sender's word is in."""

    ref: str
    state: State


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of a route, for the OpenAPI."""
    meanings = {
        400: "The request can't be read",
        401: "Sign in, or send an API key",
        403: "Not allowed",
        404: "No such thing, or not open to who asks",
        409: "A rule does not allow it; `rule` names it",
        412: "The case has changed since",
        422: "A field does not fit",
        503: "Nothing can be saved right now; send it again later",
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"model": ProblemDetails, "description": meanings[status], "content": content}
        for status in statuses
    }


def router(office: Office) -> APIRouter:
    """All routes of the cases."""
    routes = APIRouter(prefix="/v1", tags=["cases"])
    _reading(routes, office)
    for name, row in TABLE.items():
        if row.who != "sender":
            _command(routes, office, name, row)
    _opening(routes, office)
    _tracking(routes, office)
    return routes


class Opening(BaseModel):
    """Why somebody has to know who sent a case."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"reason": "inquiry"}})

    reason: OpeningReason = Field(
        description="To handle it, for an inquiry into it, to protect the sender, because a court asks"
    )


def _opening(routes: APIRouter, office: Office) -> None:
    @routes.post("/cases/{ref}/open-sender", responses=problems(401, 403, 404, 422, 503))
    async def open_sender(
        ref: Ref,
        principal: Annotated[Principal, requires(Right.CASES_READ)],
        opening: Annotated[Opening, Body()],
        key: Key = None,
    ) -> ShownCase:
        """Have who sent it opened for a day. The trail says who had that done, and why."""
        found = await office.find(principal, ref)
        await office.open_sender(principal, found, opening.reason, key or ids.random_bytes(16).hex())
        return await office.show(principal, await office.find(principal, ref))


def _reading(routes: APIRouter, office: Office) -> None:
    @routes.get("/cases", responses=problems(400, 401, 403, 404, 422))
    async def list_cases(
        *,
        principal: Annotated[Principal, requires(Right.CASES_READ)],
        department: Annotated[str | None, Query(max_length=40, description="Or `coordinator`")] = None,
        state: State | None = None,
        kind: Kind | None = None,
        channel: Channel | None = None,
        category: Annotated[
            str | None, Query(max_length=40, description="A duty of the organisation file")
        ] = None,
        case_class: Annotated[CaseClass | None, Query(alias="class")] = None,
        urgent: bool | None = None,
        helping: Annotated[bool, Query(description="One's own department owes a part or an opinion")] = False,
        deciding: Annotated[bool, Query(description="A post that one is in owes a decision")] = False,
        overdue: Annotated[bool | None, Query(description="Something is owed, and late")] = None,
        due_before: AwareDatetime | None = None,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> CaseList:
        """The cases one may see: open ones by what is owed next, then closed ones, the latest first."""
        wanted = Filter(
            department=department,
            state=state,
            kind=kind,
            channel=channel,
            category=category,
            case_class=case_class,
            urgent=urgent,
            helping=helping,
            deciding=deciding,
            overdue=overdue,
            due_before=due_before,
        )
        return await office.list(principal, wanted, cursor=cursor, limit=limit)

    @routes.get("/cases/{ref}", responses=problems(401, 403, 404, 422))
    async def show_case(
        principal: Annotated[Principal, requires(Right.CASES_READ)], ref: Ref, response: Response
    ) -> ShownCase:
        """A case with its obligations, messages, and everything that happened, and why."""
        found = await office.find(principal, ref)
        response.headers["ETag"] = found.etag
        return await office.show(principal, found)

    responses: dict[int | str, dict[str, Any]] = {
        200: {"content": {MEDIA_TYPE: {}}, "description": "The bytes, to be kept as a file"},
        410: {"model": ProblemDetails, "description": "Its content was erased"},
    }

    @routes.get(
        "/cases/{ref}/messages/{message}/files/{number}",
        response_class=Response,
        responses=responses | problems(401, 403, 404, 422),
    )
    async def get_file(
        principal: Annotated[Principal, requires(Right.CASES_READ)],
        ref: Ref,
        message: Message,
        number: Annotated[int, Path(ge=1, le=10_000, description="Its `number` among the attachments")],
    ) -> Response:
        """A file that came with a message. Nothing has looked into it: it may be harmful."""
        return (await office.attachment(await office.find(principal, ref), message, number)).response()

    @routes.get(
        "/cases/{ref}/entries/{sequence}/files/{number}",
        response_class=Response,
        responses=responses | problems(401, 403, 404, 422),
    )
    async def get_given(
        principal: Annotated[Principal, requires(Right.CASES_READ)],
        ref: Ref,
        sequence: Annotated[int, Path(ge=1, le=10_000_000, description="The entry's `sequence`")],
        number: Annotated[int, Path(ge=1, le=10_000, description="Its `number` among the entry's files")],
    ) -> Response:
        """A file that was given with a command: what shows that the matter is solved, say."""
        return (await office.given(await office.find(principal, ref), sequence, number)).response()

    @routes.get(
        "/cases/{ref}/messages/{message}/original",
        response_class=Response,
        responses=responses | problems(401, 403, 404, 422),
    )
    async def get_original(
        principal: Annotated[Principal, requires(Right.CASES_READ)], ref: Ref, message: Message
    ) -> Response:
        """The message as it came, a mail or a transcript, for those who may see who sent it."""
        found = await office.find(principal, ref)
        return (await office.original(principal, found, message)).response()


def _command(routes: APIRouter, office: Office, name: str, row: Row) -> None:
    right = RIGHTS[row.who]

    async def command(
        *,
        ref: Ref,
        body: Command,
        principal: Principal,
        response: Response,
        idempotency_key: Key = None,
        if_match: Match = None,
    ) -> Done:
        found = await office.find(principal, ref)
        answer = await office.do(principal, found, body, key=idempotency_key, if_match=if_match)
        response.headers["ETag"] = etag(answer.version)
        case = answer.state
        return Done(
            ref=case.ref,
            state=case.state,
            department=case.department,
            version=answer.version,
            repeated=answer.repeated,
            commands=[*office.possible(principal, case)],
        )

    # One function serves all commands; what differs, FastAPI reads from its annotations.
    command.__annotations__ |= {
        "body": Annotated[row.command, Body()],
        "principal": Annotated[Principal, requires(right)],
    }
    endpoint: Callable[..., Awaitable[Done]] = command
    routes.add_api_route(
        f"/cases/{{ref}}/{name}",
        endpoint,
        methods=["POST"],
        name=name,
        operation_id=f"case_{name.replace('-', '_')}",
        summary=(row.command.__doc__ or name).strip(),
        description=f"While the case is {' or '.join(row.states)}.",
        responses=problems(400, 401, 403, 404, 409, 412, 422, 503),
        route_class_override=up_to(office.max_body) if issubclass(row.command, WithFiles) else None,
    )


def _tracking(routes: APIRouter, office: Office) -> None:
    @routes.get("/track/{code}", responses=problems(404, 422))
    async def track(
        principal: Annotated[Principal, requires(Right.PUBLIC)], code: Code, response: Response
    ) -> TrackedCase:
        """The sender's view of their case."""
        response.headers["Cache-Control"] = "no-store"
        return await office.track(code)

    for name, command, summary in _OF_SENDERS:
        _hearing(routes, office, name, command, summary)


_OF_SENDERS: tuple[tuple[str, type[Command], str], ...] = (
    ("feedback", Feedback, "Is it solved? A yes closes the case, another person looks at a no"),
    ("contest", Contest, "Disagree with how the case ended; another person reviews it, once"),
    ("urge", Urge, "Ask whoever has the case to hurry"),
)
"""What a sender may do with their tracking code."""


def _hearing(routes: APIRouter, office: Office, name: str, command: type[Command], summary: str) -> None:
    async def hear(
        *,
        principal: Principal,
        code: Code,
        body: Command,
        ref: Annotated[
            str | None, Query(max_length=40, description="A part that was split off, by its ref")
        ] = None,
        idempotency_key: Key = None,
    ) -> Heard:
        answer = await office.hear(code, body, ref=ref, key=idempotency_key)
        return Heard(ref=answer.state.ref, state=answer.state.state)

    hear.__annotations__ |= {
        "body": Annotated[command, Body()],
        "principal": Annotated[Principal, requires(Right.PUBLIC)],
    }
    endpoint: Callable[..., Awaitable[Heard]] = hear
    routes.add_api_route(
        f"/track/{{code}}/{name}",
        endpoint,
        methods=["POST"],
        name=f"track_{name}",
        operation_id=f"track_{name}",
        summary=summary,
        responses=problems(400, 404, 409, 422, 503),
    )
