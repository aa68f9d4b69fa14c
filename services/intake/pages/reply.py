"""Write again: what a sender adds at their tracking link comes in here, as a message of the same conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from services.intake.body import receiving
from services.intake.following import continuing
from services.intake.message import Message
from services.intake.pages.write import FOLDER, Filled, checked, limits, read_form
from services.intake.receiving import Door
from shared.aggregate import Aggregates
from shared.events.messages import MessageReceived
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.store import Unavailable
from shared.web.pages import Pages
from shared.web.problems import RETRY_SECONDS, not_found


def router(house: House, door: Door, messages: Aggregates[Message]) -> APIRouter:
    """The routes."""
    routes = APIRouter(route_class=receiving("web", house.settings.max_body), include_in_schema=False)
    pages = Pages(house, FOLDER)

    def again(
        request: Request,
        code: str,
        filled: Filled,
        wrong: Mapping[str, str],
        *,
        status: int,
        notice: str,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        return pages.render(
            request,
            "reply.html",
            status=status,
            headers=headers,
            code=code,
            typed=filled.typed,
            wrong=wrong,
            notice_word=notice,
            **limits(house, filled),
        )

    @routes.get("/write")
    async def get_reply(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The form itself stands at the tracking link."""
        return RedirectResponse("/track", 303)

    @routes.post("/write")
    async def post_reply(
        request: Request, principal: Annotated[Principal, requires(Right.PUBLIC)]
    ) -> Response:
        """A further message under a tracking code. From an anonymous sender it is anonymous, too."""
        async with request.form() as sent:
            filled = await read_form(sent)
            code = str(sent.get("code") or "").strip()
        earlier = await door.tracking.read(code)
        first = earlier and await _received(house, earlier)
        if not earlier or not first:
            raise not_found()
        if first.anonymous:
            filled = replace(filled, typed={**filled.typed, "anonymous": "yes"})
        body, wrong = checked(pages, pages.language(request), filled)
        if body is None:
            return again(request, code, filled, wrong, status=422, notice="write.wrong.some")
        try:
            await door.receive(await continuing(earlier, filled.message(body), messages))
        except Unavailable:
            later = {"Retry-After": str(RETRY_SECONDS)}
            return again(request, code, filled, {}, status=503, notice="write.not_now", headers=later)
        return RedirectResponse(f"/track/{code}?said=yes", 303)

    return routes


async def _received(house: House, message_id: str) -> MessageReceived | None:
    history = await house.store.history(message_id)
    return next((one.data for one in history if isinstance(one.data, MessageReceived)), None)
