"""What two people leave out of the figures."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.audit.supervision.api import Directs
from services.audit.supervision.bodies import ExclusionDecision, NewExclusion
from services.audit.supervision.pages.room import Cursor, Refusal, Room, Short, done, once
from shared.rights import Principal


def exclusions(routes: APIRouter, room: Room) -> None:
    """The list, the form to ask, the decision."""

    async def show(
        request: Request,
        principal: Principal,
        case: str = "",
        cursor: str | None = None,
        refused: Refusal | None = None,
    ) -> Response:
        return room.render(
            request,
            principal,
            "exclusions.html",
            found=await room.showing.exclusions(principal, cursor=cursor),
            case=case,
            once=once(),
            refused=refused,
        )

    @routes.get("/exclusions")
    async def listed(
        request: Request, principal: Directs, case: Short = "", cursor: Cursor = None
    ) -> Response:
        """What is left out of the figures, and the form to ask for it."""
        return await show(request, principal, case, cursor)

    @routes.post("/exclusions")
    async def ask(request: Request, principal: Directs) -> Response:
        """Ask that a case be left out."""

        async def does(body: NewExclusion, once: str | None) -> str:
            await room.supervision.exclude(principal, body.case, body.text, once)
            return "/exclusions"

        async def shows(refused: Refusal) -> Response:
            return await show(request, principal, refused.typed.get("case", ""), None, refused)

        return await done(request, "exclude", NewExclusion, does, shows)

    @routes.post("/exclusions/{exclusion}/decide")
    async def decide(request: Request, principal: Directs, exclusion: str) -> Response:
        """Leave it out, or not."""

        async def does(body: ExclusionDecision, once: str | None) -> str:
            await room.supervision.decide_exclusion(
                principal, exclusion, body.text, once, granted=body.granted
            )
            return "/exclusions"

        async def shows(refused: Refusal) -> Response:
            return await show(request, principal, "", None, refused)

        return await done(request, exclusion, ExclusionDecision, does, shows)
