"""Looks that nobody can prepare for: samples and test messages (M32)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.audit.supervision.api import Supervises
from services.audit.supervision.bodies import NewProbe, Revelation
from services.audit.supervision.pages.room import Cursor, Refusal, Room, done, once
from shared.rights import Principal
from shared.web.problems import not_found


class SampleForm(BaseModel):
    """A sample as its form has it: whole days of the organisation's calendar, the last one included."""

    model_config = ConfigDict(extra="forbid")
    count: int = Field(ge=1, le=1000)
    since: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    until: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    department: str | None = Field(None, max_length=40)


def samples(routes: APIRouter, room: Room) -> None:
    """The list, and the form to announce one."""
    zone = ZoneInfo(room.house.organisation.hours.zone)

    async def show(
        request: Request, principal: Principal, cursor: str | None = None, refused: Refusal | None = None
    ) -> Response:
        return room.render(
            request,
            principal,
            "samples.html",
            found=await room.showing.samples(cursor=cursor),
            once=once(),
            refused=refused,
        )

    @routes.get("/samples")
    async def listed(request: Request, principal: Supervises, cursor: Cursor = None) -> Response:
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


def probes(routes: APIRouter, room: Room) -> None:
    """The list, the form to plant one, and to reveal one."""

    async def show(
        request: Request, principal: Principal, cursor: str | None = None, refused: Refusal | None = None
    ) -> Response:
        return room.render(
            request,
            principal,
            "probes.html",
            found=await room.showing.probes(cursor=cursor),
            once=once(),
            refused=refused,
        )

    @routes.get("/probes")
    async def listed(request: Request, principal: Supervises, cursor: Cursor = None) -> Response:
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
