"""The officer's, the coordinator's and the sender's pages, on what the API shows and does (M09, M10, M14)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.routing.commands import TABLE
from services.routing.office import Filter, Office
from services.routing.pages import sender
from services.routing.shapes import CaseList, ListedCase, ShownCase
from shared.content import ContentGone, ContentStore
from shared.content.words import MessageWords
from shared.events.cases import DeclineReason, ReturnReason
from shared.ids import read_ref
from shared.organisation.text import Text
from shared.rights import Principal, Right, may, may_handle_case, requires
from shared.rights.gate import CSRF_FIELD
from shared.service import House
from shared.web.pages import Pages
from shared.web.problems import Problem

FOLDER = Path(__file__).parent
_SUBJECT_CHARACTERS = 60

Reads = Annotated[Principal, requires(Right.CASES_READ)]


@dataclass(frozen=True)
class Refusal:
    """A command that was not done: what was typed with it, and why not."""

    command: str
    form: Mapping[str, str]
    problem: Problem


def router(house: House, office: Office) -> APIRouter:
    """The routes of routing's pages."""
    routes = APIRouter(include_in_schema=False)
    pages = Pages(house, FOLDER)
    _list(routes, pages, office, house.content)
    duties = {id: duty.names for id, (_, duty) in house.organisation.duty.items()}
    _case(routes, pages, office, duties)
    sender.track(routes, pages, office)
    return routes


async def _subject(content: ContentStore, ref: str) -> str:
    """What a case is about, in a line: its subject, else how it begins."""
    try:
        words = await content.open_model(ref, MessageWords)
    except ContentGone:
        return "—"
    line = " ".join((words.subject.strip() or words.text).split())
    return line if len(line) <= _SUBJECT_CHARACTERS else line[: _SUBJECT_CHARACTERS - 1] + "…"


def _list(routes: APIRouter, pages: Pages, office: Office, content: ContentStore) -> None:
    async def show(
        request: Request,
        principal: Principal,
        wanted: Filter,
        cursor: str | None,
        title: str,
        *,
        gone: str | None = None,
    ) -> Response:
        found: CaseList = await office.list(principal, wanted, cursor=cursor)
        subjects = {case.id: await _subject(content, await office.words_of(case.id)) for case in found.cases}
        return pages.render(
            request,
            "cases.html",
            found=found,
            subjects=subjects,
            title=title,
            accepts=lambda case: _accepts(principal, case),
            wanted=wanted,
            gone=gone,
        )

    @routes.get("/cases")
    async def cases(
        request: Request,
        principal: Reads,
        overdue: Annotated[bool, Query()] = False,
        cursor: str | None = None,
        gone: Annotated[str, Query(max_length=40)] = "",
    ) -> Response:
        """A department's cases: what is owed soonest stands first."""
        wanted = Filter(overdue=overdue or None)
        return await show(request, principal, wanted, cursor, "cases.title", gone=read_ref(gone))

    @routes.get("/queue")
    async def queue(
        request: Request,
        principal: Annotated[Principal, requires(Right.CASES_DISPATCH)],
        cursor: str | None = None,
    ) -> Response:
        """What the coordinator must dispatch."""
        return await show(request, principal, Filter(department="coordinator"), cursor, "cases.queue")


def _accepts(principal: Principal, case: ListedCase) -> bool:
    return case.state == "assigned" and may_handle_case(principal, department=case.department)


def _case(routes: APIRouter, pages: Pages, office: Office, duties: Mapping[str, Text]) -> None:
    async def show(
        request: Request,
        principal: Principal,
        ref: str,
        *,
        done: str | None = None,
        refused: Refusal | None = None,
    ) -> Response:
        found = await office.find(principal, ref)
        case: ShownCase = await office.show(principal, found)
        return pages.render(
            request,
            "case.html",
            status=refused.problem.status if refused else 200,
            case=case,
            commands=_possible(principal, case),
            departments=office.departments,
            duties=duties,
            done=done,
            refused=refused,
            return_reasons=get_args(ReturnReason),
            decline_reasons=get_args(DeclineReason),
        )

    @routes.get("/cases/{ref}")
    async def case(
        request: Request, principal: Reads, ref: str, done: Annotated[str | None, Query()] = None
    ) -> Response:
        """One case: the matter first, what is owed, what can be done now, what happened."""
        return await show(request, principal, ref, done=done if done in TABLE else None)

    @routes.post("/cases/{ref}/{command}")
    async def act(request: Request, principal: Reads, ref: str, command: str) -> Response:
        """Give a command by form; a refusal names its rule and keeps what was typed."""
        found = await office.find(principal, ref)
        row = TABLE.get(command)
        if row is None or row.who == "sender":
            raise Problem(404, "no-such-command", "No such command", f"There is no command {command}.")
        if row.who == "coordinator" and not may(principal, Right.CASES_DISPATCH):
            raise Problem(403, "not-allowed", "You may not do this", "The coordinator does this.")
        form = {
            name: value for name, value in (await request.form()).items() if isinstance(value, str) and value
        }
        key = form.pop("once", None)
        form.pop(CSRF_FIELD, None)
        try:
            await office.do(principal, found, row.command.model_validate(form), key=key)
        except ValidationError as error:
            told = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors(include_input=False))
            problem = Problem(422, "invalid", "Incomplete", told)
            return await show(request, principal, ref, refused=Refusal(command, form, problem))
        except Problem as problem:
            if problem.status != 409:
                raise
            return await show(request, principal, ref, refused=Refusal(command, form, problem))
        try:
            await office.find(principal, ref)
        except Problem:  # it went to another department, and with it the right to see it
            return RedirectResponse(f"/cases?gone={ref}", 303)
        return RedirectResponse(f"/cases/{ref}?done={command}", 303)


def _possible(principal: Principal, case: ShownCase) -> list[str]:
    """The commands that this person may give now."""
    mine = may_handle_case(principal, department=case.department)
    who = {"department": mine, "coordinator": may(principal, Right.CASES_DISPATCH), "sender": False}
    return [name for name in case.commands if who[TABLE[name].who]]
