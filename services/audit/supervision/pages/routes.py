"""The routes of supervision's pages."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.audit.evidence import Evidence
from services.audit.supervision.api import (
    Acceptance,
    Conclusion,
    Confirmation,
    Directs,
    Dismissed,
    ExclusionDecision,
    NewExclusion,
    NewOrder,
    NewProbe,
    Reads,
    Revelation,
    Supervises,
)
from services.audit.supervision.api import (
    Refusal as Refused,
)
from services.audit.supervision.desk import Supervision
from services.audit.supervision.judging import supervises
from services.audit.supervision.pages.room import Refusal, Room, done
from services.audit.supervision.pages.seen import seen
from services.audit.supervision.showing import Showing, Wanted
from services.audit.trail import Trail
from shared.rights import Principal
from shared.service import House
from shared.web.problems import not_found

Cursor = Annotated[str | None, Query(max_length=100)]
Short = Annotated[str, Query(max_length=80)]
FINDING_STATES = ("explained", "raised", "confirmed", "dismissed")
"""What waits for a decision stands first."""
ORDER_STATES = ("answered", "issued", "accepted", "concluded")


class SampleForm(BaseModel):
    """A sample as its form has it: whole days of the organisation's calendar, the last one included."""

    model_config = ConfigDict(extra="forbid")
    count: int = Field(ge=1, le=1000)
    since: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    until: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    department: str | None = Field(None, max_length=40)


def router(
    house: House, trail: Trail, evidence: Evidence, supervision: Supervision, showing: Showing
) -> APIRouter:
    """All of them."""
    routes = APIRouter(include_in_schema=False)
    room = Room.of(house, trail, evidence, supervision, showing)
    _findings(routes, room)
    _orders(routes, room)
    _exclusions(routes, room)
    _samples(routes, room)
    _probes(routes, room)
    return routes


def _once() -> str:
    """Names a form: sent twice, it is done once."""
    return uuid4().hex


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
        usual = "explained" if supervises(principal) else "raised"
        chosen = state if state in FINDING_STATES else (None if state == "all" else usual)
        wanted = Wanted(check or None, department or None, chosen)
        found = await room.showing.findings(principal, wanted, cursor=cursor)
        return room.render(
            request,
            principal,
            "findings.html",
            found=found,
            counts=await room.showing.counts(principal),
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
            once=_once(),
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


def _orders(routes: APIRouter, room: Room) -> None:
    @routes.get("/orders")
    async def orders(
        *,
        request: Request,
        principal: Reads,
        state: Short = "",
        department: Short = "",
        cursor: Cursor = None,
    ) -> Response:
        """What was ordered: what was answered first."""
        chosen = state if state in ORDER_STATES else None
        wanted = Wanted(None, department or None, chosen)
        found = await room.showing.orders(principal, wanted, cursor=cursor)
        return room.render(
            request,
            principal,
            "orders.html",
            found=found,
            states=ORDER_STATES,
            chosen=chosen or "all",
            of=department,
            may_issue=supervises(principal),
        )

    async def form(
        request: Request, principal: Principal, given: dict[str, str], refused: Refusal | None = None
    ) -> Response:
        return room.render(request, principal, "issue.html", given=given, once=_once(), refused=refused)

    @routes.get("/orders/new")
    async def new(
        *,
        request: Request,
        principal: Supervises,
        case: Short = "",
        department: Short = "",
        finding: Short = "",
    ) -> Response:
        """The form of an order, for a case or from a finding."""
        return await form(request, principal, {"case": case, "department": department, "finding": finding})

    @routes.post("/orders/new")
    async def issue(request: Request, principal: Supervises) -> Response:
        """Demand it."""

        async def does(body: NewOrder, once: str | None) -> str:
            id, _ = await room.supervision.issue(
                principal, body.case, body.department, body.limit, body.text, about=body.finding, key=once
            )
            return f"/orders/{id}"

        async def shows(refused: Refusal) -> Response:
            return await form(request, principal, dict(refused.typed), refused)

        return await done(request, "issue", NewOrder, does, shows)

    async def show(
        request: Request, principal: Principal, order: str, refused: Refusal | None = None
    ) -> Response:
        return room.render(
            request,
            principal,
            "order.html",
            order=await room.showing.order(principal, order),
            once=_once(),
            refused=refused,
        )

    @routes.get("/orders/{order}")
    async def order(request: Request, principal: Reads, order: str) -> Response:
        """One order, step by step."""
        return await show(request, principal, order)

    @routes.post("/orders/{order}/accept")
    async def accept(request: Request, principal: Supervises, order: str) -> Response:
        """It is put right."""

        async def does(body: Acceptance, once: str | None) -> str:
            await room.supervision.accept(principal, order, body.text, once)
            return f"/orders/{order}"

        return await done(
            request, "accept", Acceptance, does, lambda refused: show(request, principal, order, refused)
        )

    @routes.post("/orders/{order}/refuse")
    async def refuse(request: Request, principal: Supervises, order: str) -> Response:
        """It is not put right."""

        async def does(body: Refused, once: str | None) -> str:
            await room.supervision.refuse(principal, order, body.limit, body.text, once)
            return f"/orders/{order}"

        return await done(
            request, "refuse", Refused, does, lambda refused: show(request, principal, order, refused)
        )

    @routes.post("/orders/{order}/conclude")
    async def conclude(request: Request, principal: Supervises, order: str) -> Response:
        """What follows."""

        async def does(body: Conclusion, once: str | None) -> str:
            await room.supervision.conclude(principal, order, body.measure, body.text, once)
            return f"/orders/{order}"

        return await done(
            request, "conclude", Conclusion, does, lambda refused: show(request, principal, order, refused)
        )


def _exclusions(routes: APIRouter, room: Room) -> None:
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
            once=_once(),
            refused=refused,
        )

    @routes.get("/exclusions")
    async def exclusions(
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


def _samples(routes: APIRouter, room: Room) -> None:
    zone = ZoneInfo(room.house.organisation.hours.zone)

    async def show(
        request: Request, principal: Principal, cursor: str | None = None, refused: Refusal | None = None
    ) -> Response:
        return room.render(
            request,
            principal,
            "samples.html",
            found=await room.showing.samples(cursor=cursor),
            once=_once(),
            refused=refused,
        )

    @routes.get("/samples")
    async def samples(request: Request, principal: Supervises, cursor: Cursor = None) -> Response:
        """Samples, and the form to announce one."""
        return await show(request, principal, cursor)

    @routes.post("/samples")
    async def announce(request: Request, principal: Supervises) -> Response:
        """Announce one."""

        async def does(body: SampleForm, once: str | None) -> str:
            try:
                since, until = (datetime.fromisoformat(day) for day in (body.since, body.until))
            except ValueError:
                raise not_found("day") from None
            last = until.replace(hour=23, minute=59, second=59, microsecond=999_000, tzinfo=zone)
            await room.supervision.announce(
                principal,
                body.count,
                since.replace(tzinfo=zone),
                last,
                department=body.department,
                key=once,
            )
            return "/samples"

        async def shows(refused: Refusal) -> Response:
            return await show(request, principal, None, refused)

        return await done(request, "announce", SampleForm, does, shows)


def _probes(routes: APIRouter, room: Room) -> None:
    async def show(
        request: Request, principal: Principal, cursor: str | None = None, refused: Refusal | None = None
    ) -> Response:
        return room.render(
            request,
            principal,
            "probes.html",
            found=await room.showing.probes(cursor=cursor),
            once=_once(),
            refused=refused,
        )

    @routes.get("/probes")
    async def probes(request: Request, principal: Supervises, cursor: Cursor = None) -> Response:
        """Test messages, for those who supervise alone."""
        return await show(request, principal, cursor)

    @routes.post("/probes")
    async def plant(request: Request, principal: Supervises) -> Response:
        """Commit to one."""

        async def does(body: NewProbe, once: str | None) -> str:
            await room.supervision.plant(principal, body.case, once)
            return "/probes"

        async def shows(refused: Refusal) -> Response:
            return await show(request, principal, None, refused)

        return await done(request, "plant", NewProbe, does, shows)

    @routes.post("/probes/{probe}/reveal")
    async def reveal(request: Request, principal: Supervises, probe: str) -> Response:
        """Say which message it was."""

        async def does(body: Revelation, once: str | None) -> str:
            await room.supervision.reveal(principal, probe, body.text, once)
            return "/probes"

        async def shows(refused: Refusal) -> Response:
            return await show(request, principal, None, refused)

        return await done(request, probe, Revelation, does, shows)
