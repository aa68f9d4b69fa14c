"""Over HTTP: erasing what somebody said, and holds on what must be kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

import structlog
from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.routing.api import problems
from services.routing.erasing.erasing import MOST_LISTED, Erased, Erasing
from services.routing.erasing.erasure import Ground
from services.routing.erasing.holds import Hold, HoldReason
from services.routing.erasing.reach import NobodyLikeThat, Wanted
from shared import ids
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.store import Store
from shared.web.problems import Problem, not_found

log = structlog.get_logger()

Erases = Annotated[Principal, requires(Right.ERASE)]
Ref = Annotated[str, Path(max_length=40, description="The case's ref", examples=["K7QM-2XPA-B"])]


class Asked(BaseModel):
    """Whose words are to go, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"sender": "wang@example.org", "ground": "asked", "dry_run": True},
        },
    )

    sender: str | None = Field(
        None, min_length=3, max_length=320, description="A mail address or telephone number"
    )
    case: str | None = Field(None, max_length=40, description="A case's ref")
    message: str | None = Field(None, max_length=60, description="A message's id")
    ground: Ground = Field(
        description="The person asked; the time for which it must be kept is over; a court ordered it"
    )
    dry_run: bool = Field(False, description="Only say what would go and what must stay")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.sender, self.case, self.message].count(None) != 2:
            raise ValueError("name one of sender, case and message")
        return self


class Placing(BaseModel):
    """A hold to be placed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"case": "K7QM-2XPA-B", "reason": "court"}}
    )

    case: str = Field(max_length=40, description="The case's ref")
    reason: HoldReason


class ShownHold(BaseModel):
    """A hold as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"case": "K7QM-2XPA-B", "reason": "court", "since": "2026-09-30T08:00:00Z"}
        }
    )

    case: str
    reason: HoldReason | None = Field(description="None once it is lifted")
    since: datetime


class Held(BaseModel):
    """The holds there are, the oldest first."""

    holds: list[ShownHold]


def router(house: House, erasing: Erasing) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", tags=["erasing"])

    @routes.post("/erasures", responses=problems(400, 401, 403, 404, 422, 503))
    async def erase(principal: Erases, body: Annotated[Asked, Body()]) -> Erased:
        """Erase what somebody said: keys, contents and what derives from them. What the trail says of it stands.

        Answers once it is gone, which may take minutes where much is kept. What the law, a hold or an open case
        keeps is listed and stays. Twice changes nothing: what was begun is finished.
        """
        wanted = Wanted(sender=body.sender, case=body.case, message=body.message)
        try:
            said = await erasing.erase(wanted, body.ground, principal.id, dry_run=body.dry_run)
        except NobodyLikeThat as error:
            raise Problem(
                404, "nothing-there", "There is nothing like that", f"Look at it again: {error}."
            ) from error
        log.info("content.erased", contents=said.contents, erasures=said.erasures, ground=said.ground)
        return said

    @routes.get("/holds", responses=problems(401, 403))
    async def list_holds(principal: Erases) -> Held:
        """Cases whose words must be kept, whoever asks for their erasure; a thousand at most."""
        found = await erasing.holds.all(MOST_LISTED)
        return Held(holds=[await _shown(house.store, hold) for hold in found])

    @routes.post("/holds", responses=problems(400, 401, 403, 404, 422, 503))
    async def place_hold(principal: Erases, body: Annotated[Placing, Body()]) -> ShownHold:
        """Keep a case's words for a court, an audit or an inquiry, until the hold is lifted."""
        case_id = await case_of(house.store, body.case)
        await erasing.holds.place(case_id, body.reason, principal.id)
        hold = await erasing.holds.on(case_id)
        assert hold is not None
        return await _shown(house.store, hold)

    @routes.post("/holds/{ref}/lift", responses=problems(401, 403, 404, 422, 503))
    async def lift_hold(ref: Ref, principal: Erases) -> ShownHold:
        """The hold is over. Nothing is erased by that."""
        case_id = await case_of(house.store, ref)
        hold = await erasing.holds.on(case_id)
        if hold is None:
            raise not_found("hold")
        await erasing.holds.lift(case_id, principal.id)
        return await _shown(house.store, hold.model_copy(update={"reason": None}))

    return routes


async def case_of(store: Store, ref: str) -> str:
    """The id of a case. Raises Problem 404 where there is none of that ref."""
    usual = ids.read_ref(ref)
    case_id = usual and await store.claimed(f"ref:{usual}")
    if not case_id or not await store.history(case_id):
        raise not_found("case")
    return case_id


async def _shown(store: Store, hold: Hold) -> ShownHold:
    opened = (await store.history(hold.case))[0].data
    return ShownHold(case=getattr(opened, "ref", hold.case), reason=hold.reason, since=hold.since)
