"""Orders: what was demanded, what was answered, what followed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.audit.supervision.api import Reads, Supervises
from services.audit.supervision.bodies import Acceptance, Conclusion, NewOrder
from services.audit.supervision.bodies import Refusal as Refused
from services.audit.supervision.judging import supervises
from services.audit.supervision.pages.room import Cursor, Refusal, Room, Short, done, once
from services.audit.supervision.showing import Wanted
from shared.rights import Principal

ORDER_STATES = ("answered", "issued", "accepted", "concluded")
"""What waits for a decision stands first."""


def orders(routes: APIRouter, room: Room) -> None:
    """Lists, the form, and each order."""
    _issuing(routes, room)
    _order(routes, room)

    @routes.get("/orders")
    async def listed(
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


def _issuing(routes: APIRouter, room: Room) -> None:
    async def form(
        request: Request, principal: Principal, given: dict[str, str], refused: Refusal | None = None
    ) -> Response:
        return room.render(request, principal, "issue.html", given=given, once=once(), refused=refused)

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


def _order(routes: APIRouter, room: Room) -> None:
    async def show(
        request: Request, principal: Principal, order: str, refused: Refusal | None = None
    ) -> Response:
        return room.render(
            request,
            principal,
            "order.html",
            order=await room.showing.order(principal, order),
            once=once(),
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
