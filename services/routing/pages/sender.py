"""The sender's pages: the case by its tracking code, what they say of the answer, and where they write more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from services.routing.commands import Feedback
from services.routing.office import Office
from shared import ids
from shared.rights import Principal, Right, requires
from shared.web.pages import Pages
from shared.web.problems import Problem

Public = Annotated[Principal, requires(Right.PUBLIC)]

_TOLD = {"yes": "ok", "heard": "ok", "late": "late", "incomplete": "late"}
"""What can be said above the page (`track.said_<word>`), and how it looks."""


def track(routes: APIRouter, pages: Pages, office: Office) -> None:
    """The routes."""

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

    @routes.post("/track/{code}")
    async def feedback(request: Request, principal: Public, code: str) -> Response:
        """Solved? Satisfied?"""
        form = await request.form()
        said = {
            "solved": {"yes": True, "no": False}.get(str(form.get("solved"))),
            "satisfied": {"yes": True, "no": False}.get(str(form.get("satisfied"))),
            "text": str(form.get("text") or ""),
        }
        told = "heard"
        try:
            given = Feedback.model_validate(said)
            await office.hear(code, given, key=str(form.get("once") or "") or None)
        except ValidationError:
            told = "incomplete"
        except Problem as problem:
            if problem.status != 409:
                raise
            told = "late"
        return RedirectResponse(f"/track/{code}?said={told}", 303)
