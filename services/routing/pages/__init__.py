"""The officer's, the coordinator's and the sender's pages, on what the API shows and does (M09, M10, M14)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.routing.commands import TABLE, Feedback
from services.routing.office import Filter, Office
from services.routing.shapes import CaseList, ListedCase, ShownCase
from shared.content import ContentGone, ContentStore
from shared.content.words import MessageWords
from shared.rights import Principal, Right, may, may_handle_case, requires
from shared.service import House
from shared.web.pages import Pages
from shared.web.problems import Problem

FOLDER = Path(__file__).parent
_SUBJECT_CHARACTERS = 60

Reads = Annotated[Principal, requires(Right.CASES_READ)]
Public = Annotated[Principal, requires(Right.PUBLIC)]


def router(house: House, office: Office) -> APIRouter:
    """The routes of routing's pages."""
    routes = APIRouter(include_in_schema=False)
    pages = Pages(house, FOLDER)
    _list(routes, pages, office, house.content)
    _case(routes, pages, office)
    _track(routes, pages, office)
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
        request: Request, principal: Principal, wanted: Filter, cursor: str | None, title: str
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
        )

    @routes.get("/cases")
    async def cases(
        request: Request,
        principal: Reads,
        overdue: Annotated[bool, Query()] = False,
        cursor: str | None = None,
    ) -> Response:
        """A department's cases: what is owed soonest stands first."""
        return await show(request, principal, Filter(overdue=overdue or None), cursor, "cases.title")

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


def _case(routes: APIRouter, pages: Pages, office: Office) -> None:
    async def show(
        request: Request, principal: Principal, ref: str, *, refused: Problem | None = None, status: int = 200
    ) -> Response:
        found = await office.find(principal, ref)
        case: ShownCase = await office.show(principal, found)
        return pages.render(
            request,
            "case.html",
            status=status,
            case=case,
            commands=_possible(principal, case),
            departments=office.departments,
            refused=refused,
            form=await request.form() if refused else {},
        )

    @routes.get("/cases/{ref}")
    async def case(request: Request, principal: Reads, ref: str) -> Response:
        """One case: the matter first, what is owed, what can be done now, what happened."""
        return await show(request, principal, ref)

    @routes.post("/cases/{ref}/{command}")
    async def act(request: Request, principal: Reads, ref: str, command: str) -> Response:
        """Give a command by form; a refusal names its rule and keeps what was typed."""
        row = TABLE.get(command)
        if row is None or row.who == "sender":
            raise Problem(404, "no-such-command", "No such command", f"There is no command {command}.")
        if row.who == "coordinator" and not may(principal, Right.CASES_DISPATCH):
            raise Problem(403, "not-allowed", "You may not do this", "The coordinator does this.")
        form = {
            name: value for name, value in (await request.form()).items() if isinstance(value, str) and value
        }
        key = form.pop("once", None)
        form.pop("csrf", None)
        found = await office.find(principal, ref)
        try:
            await office.do(principal, found, row.command.model_validate(form), key=key)
        except ValidationError as error:
            told = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors(include_input=False))
            return await show(
                request, principal, ref, refused=Problem(422, "invalid", "Incomplete", told), status=422
            )
        except Problem as problem:
            if problem.status != 409:
                raise
            return await show(request, principal, ref, refused=problem, status=409)
        return RedirectResponse(f"/cases/{ref}", 303)


def _possible(principal: Principal, case: ShownCase) -> list[str]:
    """The commands that this person may give now."""
    mine = may_handle_case(principal, department=case.department)
    who = {"department": mine, "coordinator": may(principal, Right.CASES_DISPATCH), "sender": False}
    return [name for name in case.commands if who[TABLE[name].who]]


def _track(routes: APIRouter, pages: Pages, office: Office) -> None:
    @routes.get("/track")
    async def enter(request: Request, principal: Public, code: str | None = None) -> Response:
        """Where a tracking code is entered."""
        if code and code.strip():
            return RedirectResponse(f"/track/{code.strip()}", 303)
        return pages.render(request, "enter.html")

    @routes.get("/track/{code}")
    async def track(request: Request, principal: Public, code: str) -> Response:
        """The sender's view."""
        return pages.render(request, "track.html", case=await office.track(code), code=code)

    @routes.post("/track/{code}")
    async def feedback(request: Request, principal: Public, code: str) -> Response:
        """Solved? Satisfied?"""
        form = await request.form()
        said = {
            "solved": form.get("solved") == "yes",
            "satisfied": {"yes": True, "no": False}.get(str(form.get("satisfied"))),
            "text": str(form.get("text") or ""),
        }
        await office.feedback(code, Feedback.model_validate(said), key=str(form.get("once") or "") or None)
        return RedirectResponse(f"/track/{code}", 303)
