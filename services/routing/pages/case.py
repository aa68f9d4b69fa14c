"""A case's page: the matter, what somebody can do now, who was asked for what, what happened (M03, M04, M09–M14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.routing.api import Opening
from services.routing.commands import TABLE
from services.routing.office import Found, Office
from services.routing.pages.accounts import account_parts
from services.routing.pages.arranged import arrange
from services.routing.pages.forms import CONSULTED, HINTED, Form, Room, forms
from services.routing.pages.naming import known_words
from services.routing.pages.options import ROWS, SHOWN, field_name, read_options
from services.routing.shapes import Owed, ShownCase
from shared.content.files import MAX_FILES, FileBody
from shared.events.cases import OpeningReason
from shared.organisation.text import Text
from shared.rights import Principal, Right, may, requires
from shared.rights.gate import CSRF_FIELD
from shared.web.files import chosen
from shared.web.limit import up_to
from shared.web.pages import Pages
from shared.web.problems import Problem

Reads = Annotated[Principal, requires(Right.CASES_READ)]
_SUBJECT_CHARACTERS = 80


@dataclass(frozen=True)
class Refusal:
    """A command that was not done: what was typed with it, and why not."""

    command: str
    typed: Mapping[str, str]
    problem: Problem
    wrong: frozenset[str] = frozenset()
    """The fields that are missing or do not fit."""

    @property
    def about(self) -> str:
        """The obligation that it was about, where there can be several."""
        return self.typed.get("about", "")

    @property
    def form(self) -> str:
        """The id of its form on the page."""
        return f"{self.command}-{self.about}" if self.about else self.command

    @property
    def word(self) -> str:
        """The key of what the person is told."""
        code = self.problem.code
        return "refused.moved-on" if "-not-while-" in code else f"refused.{code}"


def case_pages(routes: APIRouter, pages: Pages, office: Office, duties: Mapping[str, Text]) -> None:
    """The routes."""

    async def show(
        request: Request,
        principal: Principal,
        found: Found,
        *,
        done: str = "",
        refused: Refusal | None = None,
    ) -> Response:
        case = await office.show(principal, found)
        arranged = arrange(case, case.commands)
        room = Room(office.departments, office.classes, principal.works_in)
        made = {name: [*forms(case, name, room)] for name in case.commands}
        sees_all_findings = may(principal, Right.SUPERVISE) or "principal" in principal.roles
        return pages.render(
            request,
            "case.html",
            status=refused.problem.status if refused else 200,
            case=case,
            about=_about(case),
            arranged=arranged,
            forms=made,
            next_owed=next_owed(case),
            about_me=_about_me(made),
            ends=office.ends(found.case) if HINTED & set(case.commands) else {},
            duties=duties,
            consulted=CONSULTED,
            sees_finding=lambda one: (
                sees_all_findings or one.department in principal.works_in | principal.leads
            ),
            hinted=HINTED,
            told=known_words(pages, request),
            openings=get_args(OpeningReason),
            most_files=MAX_FILES,
            most_megabytes=office.max_body // 2**20,
            moment=datetime.fromisoformat,
            rows=range(1, ROWS + 1),
            rows_shown=SHOWN,
            field_name=field_name,
            done=done,
            refused=refused,
            **account_parts(pages, office.organisation, request, case.account),
        )

    @routes.get("/cases/{ref}")
    async def case(
        request: Request, principal: Reads, ref: str, done: Annotated[str, Query(max_length=40)] = ""
    ) -> Response:
        """One case: the matter first, what is owed, what can be done now, what happened."""
        found = await office.find(principal, ref)
        return await show(request, principal, found, done=done if done in TABLE else "")

    @routes.post("/cases/{ref}/open-sender")
    async def open_sender(request: Request, principal: Reads, ref: str) -> Response:
        """Say why, and see who sent it."""
        found = await office.find(principal, ref)
        form = await request.form()
        try:
            opening = Opening.model_validate({"reason": form.get("reason", "")})
        except ValidationError:
            return await show(request, principal, found)
        await office.open_sender(principal, found, opening.reason, str(form.get("once", "")))
        return RedirectResponse(f"/cases/{ref}", 303)

    async def act(request: Request, principal: Reads, ref: str, command: str) -> Response:
        """Give a command by form; a refusal names its rule and keeps what was typed."""
        found = await office.find(principal, ref)
        async with request.form() as form:
            typed = {name: text for name, text in form.items() if isinstance(text, str) and text}
            files = await chosen(form)
        refused = await _give(office, principal, found, command, typed, files=files)
        if refused is not None:
            if files:  # a browser does not keep them
                refused = replace(refused, wrong=refused.wrong | {"files"})
            return await show(request, principal, await office.find(principal, ref), refused=refused)
        try:
            await office.find(principal, ref)
        except Problem:  # it went to another department, and with it the right to see it
            return RedirectResponse(f"/cases?gone={ref}", 303)
        return RedirectResponse(f"/cases/{ref}?done={command}", 303)

    routes.add_api_route(
        "/cases/{ref}/{command}", act, methods=["POST"], route_class_override=up_to(office.max_body)
    )


async def _give(
    office: Office,
    principal: Principal,
    found: Found,
    name: str,
    typed: Mapping[str, str],
    *,
    files: Sequence[FileBody],
) -> Refusal | None:
    """Do it, or say why it was not done. Raises Problem for what no form of ours asks."""
    row = TABLE.get(name)
    if row is None or row.who == "sender":
        raise Problem(404, "no-such-command", "No such command", f"There is no command {name}.")
    if row.who == "coordinator" and not may(principal, Right.CASES_DISPATCH):
        raise Problem(403, "not-allowed", "You may not do this", "The coordinator does this.")
    fields = {one: text for one, text in typed.items() if one not in {"once", "about", CSRF_FIELD}}
    try:
        command = row.command.model_validate(read_options(fields) | ({"files": files} if files else {}))
    except ValidationError as error:
        wrong = frozenset(str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"])
        return Refusal(name, typed, Problem(422, "invalid", "Incomplete"), wrong)
    try:
        await office.do(principal, found, command, key=typed.get("once"))
    except Problem as problem:
        if problem.status == 404 and command.other_ref is not None:
            return Refusal(name, typed, Problem(409, "no-such-case", problem.title, problem.detail))
        if problem.status != 409:
            raise
        return Refusal(name, typed, problem)
    return None


def next_owed(case: ShownCase) -> Owed | None:
    """What stands on top of the page: what its reader owes next, else what anybody does."""
    nobodys = {"promise", "silence"}
    owed = [one for one in case.obligations if one.kind not in nobodys]
    mine = [one for one in owed if one.yours and one.binding]
    return min(mine or owed, key=lambda one: one.due, default=None)


def _about(case: ShownCase) -> str:
    """What it is about, in a line; empty where nothing stands there."""
    first = case.messages[0]
    line = " ".join((first.subject or first.text or "").split())
    return line if len(line) <= _SUBJECT_CHARACTERS else line[: _SUBJECT_CHARACTERS - 1] + "…"


def _about_me(made: Mapping[str, list[Form]]) -> frozenset[str]:
    """The obligations whose forms show already what was asked."""
    return frozenset(form.about for several in made.values() for form in several if form.about)
