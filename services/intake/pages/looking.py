"""Quarantine: what a person must look at before it becomes a case, or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.intake import clerk
from services.intake.clerk import Id, Refused
from services.intake.quarantine import Quarantine
from shared.events.messages import Refusal
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.web.pages import Pages

FOLDER = Path(__file__).parent
REASONS: tuple[Refusal, ...] = get_args(Refusal)
_DONE = frozenset({"released", "refused"})


def router(house: House, quarantine: Quarantine) -> APIRouter:
    """The routes."""
    routes = APIRouter(include_in_schema=False)
    pages = Pages(house, FOLDER)

    @routes.get("/quarantine")
    async def get_list(
        request: Request,
        principal: Annotated[Principal, requires(Right.QUARANTINE)],
        cursor: Annotated[str | None, Query(max_length=100)] = None,
        done: str = "",
    ) -> HTMLResponse:
        held, following = await quarantine.waiting(clerk.read_cursor(cursor))
        return pages.render(
            request,
            "quarantine.html",
            messages=[clerk.ListedMessage(**clerk.listed(one)) for one in held],
            following=clerk.make_cursor(following),
            done=done if done in _DONE else None,
        )

    @routes.get("/quarantine/{message_id}")
    async def get_one(
        message_id: Id, request: Request, principal: Annotated[Principal, requires(Right.QUARANTINE)]
    ) -> HTMLResponse:
        looked = await clerk.found(quarantine, message_id)
        return pages.render(
            request,
            "quarantined.html",
            message=clerk.shown(looked),
            waits=looked.held.message.outcome == "quarantined",
            reasons=REASONS,
        )

    @routes.post("/quarantine/{message_id}/release")
    async def post_release(
        message_id: Id, principal: Annotated[Principal, requires(Right.QUARANTINE)]
    ) -> Response:
        await clerk.release(quarantine, message_id, principal)
        return RedirectResponse("/quarantine?done=released", 303)

    @routes.post("/quarantine/{message_id}/refuse")
    async def post_refuse(
        message_id: Id,
        principal: Annotated[Principal, requires(Right.QUARANTINE)],
        reason: Annotated[Refusal, Form()],
        text: Annotated[str, Form(max_length=2000)] = "",
    ) -> Response:
        await clerk.refuse(quarantine, message_id, principal, Refused(reason=reason, text=text))
        return RedirectResponse("/quarantine?done=refused", 303)

    return routes
