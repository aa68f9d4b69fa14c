"""The sender's pages: the case by its tracking code, what they say of it, and where they write more (M05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.routing.commands import Command, Contest, Feedback, Urge
from services.routing.office import Office
from shared import ids
from shared.rights import Principal, Right, requires
from shared.web.pages import Pages
from shared.web.problems import Problem

Public = Annotated[Principal, requires(Right.PUBLIC)]

_TOLD = {
    "yes": "ok",
    "heard": "ok",
    "contested": "ok",
    "urged": "ok",
    "late": "late",
    "incomplete": "late",
    "missing": "late",
}
"""What can be said above the page (`track.said_<word>`), and how it looks."""
_YES_OR_NO = {"yes": True, "no": False}


def track(routes: APIRouter, pages: Pages, office: Office) -> None:
    """The routes."""
    _shows(routes, pages, office)
    _hears(routes, office)


def _shows(routes: APIRouter, pages: Pages, office: Office) -> None:
    @routes.get("/track")
    async def enter(request: Request, principal: Public, code: str | None = None) -> Response:
        """Where a tracking code is entered."""
        if code and code.strip():
            return RedirectResponse(f"/track/{code.strip()}", 303)
        return pages.render(request, "enter.html")

    @routes.get("/track/{code}")
    async def show(
        request: Request, principal: Public, code: str, said: Annotated[str, Query(max_length=20)] = ""
    ) -> Response:
        """The sender's view, with a form that hands more to intake."""
        return pages.render(
            request,
            "track.html",
            case=await office.track(code),
            code=code,
            said=(_TOLD[said], said) if said in _TOLD else None,
            form_id=ids.random_bytes(16).hex(),
        )


def _hears(routes: APIRouter, office: Office) -> None:
    async def hear(
        code: str, form: Mapping[str, str], command: type[Command], said: Mapping[str, object], told: str
    ) -> Response:
        """Hand it over; answers the page that says what became of it."""
        try:
            given = command.model_validate(said)
            await office.hear(code, given, ref=form.get("ref") or None, key=form.get("once") or None)
        except ValidationError:
            told = "incomplete" if command is Feedback else "missing"
        except Problem as problem:
            if problem.status != 409:
                raise
            told = "late"
        return RedirectResponse(f"/track/{code}?said={told}", 303)

    @routes.post("/track/{code}")
    async def feedback(request: Request, principal: Public, code: str) -> Response:
        """Solved? Satisfied?"""
        form = await _typed(request)
        said = {
            "solved": _YES_OR_NO.get(form.get("solved", "")),
            "satisfied": _YES_OR_NO.get(form.get("satisfied", "")),
            "text": form.get("text", ""),
        }
        return await hear(code, form, Feedback, said, "heard")

    @routes.post("/track/{code}/contest")
    async def contest(request: Request, principal: Public, code: str) -> Response:
        """They do not agree with how it ended."""
        form = await _typed(request)
        return await hear(code, form, Contest, {"text": form.get("text", "")}, "contested")

    @routes.post("/track/{code}/urge")
    async def urge(request: Request, principal: Public, code: str) -> Response:
        """They ask to hurry."""
        return await hear(code, await _typed(request), Urge, {}, "urged")


async def _typed(request: Request) -> dict[str, str]:
    return {name: text for name, text in (await request.form()).items() if isinstance(text, str)}
