"""The routes of supervision's pages."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from services.audit.evidence import Evidence
from services.audit.supervision.api import Reads, Supervises
from services.audit.supervision.bodies import Confirmation, Dismissed
from services.audit.supervision.desk import Supervision
from services.audit.supervision.judging import supervises
from services.audit.supervision.pages.left_out import exclusions
from services.audit.supervision.pages.orders import orders
from services.audit.supervision.pages.room import Cursor, Refusal, Room, Short, done, once
from services.audit.supervision.pages.seen import seen
from services.audit.supervision.pages.unannounced import probes, samples
from services.audit.supervision.showing import Showing, Wanted
from services.audit.trail import Trail
from shared.rights import Principal
from shared.service import House

FINDING_STATES = ("explained", "raised", "confirmed", "dismissed")
"""What waits for a decision stands first."""


def router(
    house: House, trail: Trail, evidence: Evidence, supervision: Supervision, showing: Showing
) -> APIRouter:
    """All of them."""
    routes = APIRouter(include_in_schema=False)
    room = Room.of(house, trail, evidence, supervision, showing)
    _findings(routes, room)
    orders(routes, room)
    exclusions(routes, room)
    samples(routes, room)
    probes(routes, room)
    return routes


def _findings(routes: APIRouter, room: Room) -> None:
    @routes.get("/findings")
    async def findings(
        *,
        request: Request,
        principal: Reads,
        state: Short = "",
        check: Short = "",
        department: Short = "",
        cursor: Cursor = None,
    ) -> Response:
        """What waits for a decision; what is to be explained, what was decided."""
        counts = await room.showing.counts(principal)
        usual = "explained" if supervises(principal) and counts.explained else "raised"
        chosen = state if state in FINDING_STATES else (None if state == "all" else usual)
        wanted = Wanted(check or None, department or None, chosen)
        found = await room.showing.findings(principal, wanted, cursor=cursor)
        return room.render(
            request,
            principal,
            "findings.html",
            found=found,
            counts=counts,
            states=FINDING_STATES,
            chosen=chosen or "all",
            check=check,
            of=department,
        )

    async def show(
        request: Request, principal: Principal, finding: str, refused: Refusal | None = None
    ) -> Response:
        shown = await room.showing.finding(principal, finding)
        lines = await asyncio.to_thread(seen, room.trail, room.evidence, shown.evidence)
        saying = room.saying(request)
        probe = False
        if supervises(principal) and shown.case:
            probe = await room.showing.probed(await room.supervision.case_of(shown.case))
        return room.render(
            request,
            principal,
            "finding.html",
            finding=shown,
            lines=[(line, saying.say(line)) for line in lines],
            probe=probe,
            once=once(),
            refused=refused,
        )

    @routes.get("/findings/{finding}")
    async def finding(request: Request, principal: Reads, finding: str) -> Response:
        """One finding: the doubt, its entries, the explanation, the decision."""
        return await show(request, principal, finding)

    @routes.post("/findings/{finding}/confirm")
    async def confirm(request: Request, principal: Supervises, finding: str) -> Response:
        """It is so."""

        async def does(body: Confirmation, once: str | None) -> str:
            await room.supervision.confirm(principal, finding, body.text, once)
            return f"/findings/{finding}"

        return await done(
            request, "confirm", Confirmation, does, lambda refused: show(request, principal, finding, refused)
        )

    @routes.post("/findings/{finding}/dismiss")
    async def dismiss(request: Request, principal: Supervises, finding: str) -> Response:
        """It is not."""

        async def does(body: Dismissed, once: str | None) -> str:
            await room.supervision.dismiss(principal, finding, body.reason, body.text, once)
            return f"/findings/{finding}"

        return await done(
            request, "dismiss", Dismissed, does, lambda refused: show(request, principal, finding, refused)
        )
