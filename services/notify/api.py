"""Notify over HTTP: what was sent, and whether it arrived."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from services.notify.delivery import Delivery
from services.notify.holding import Hold, Holding
from services.notify.listing import DeliveryList, listing
from shared.aggregate import Aggregates
from shared.ids import read_ref
from shared.rights import Principal, Right, requires
from shared.store import Store
from shared.web.problems import Problem


def asked_ref(case: str | None) -> str | None:
    """The ref in a query, in its usual form. Raises Problem 400 where it can't be one."""
    if not case:
        return None
    ref = read_ref(case)
    if ref is None:
        raise Problem(
            400,
            "bad-ref",
            "This is no case reference",
            "It looks like K7QM-2XPA-B; check it for typing errors.",
        )
    return ref


class HoldShown(BaseModel):
    """Whether anything leaves the house."""

    model_config = ConfigDict(json_schema_extra={"example": {"held": True, "reason": "restored"}})

    held: bool
    reason: Literal["restored", "by_hand"] | None = None
    since: datetime | None = None

    @classmethod
    def of(cls, hold: Hold) -> Self:
        """As it stands."""
        if hold.reason is None:
            return cls(held=False)
        return cls.model_validate({"held": True, "reason": hold.reason, "since": hold.since})


def router(store: Store, deliveries: Aggregates[Delivery], holding: Holding) -> APIRouter:
    """Routes of the API."""
    routes = APIRouter(tags=["deliveries"])

    @routes.get("/v1/deliveries")
    async def get_deliveries(
        principal: Annotated[Principal, requires(Right.DELIVERIES_READ)],
        case: Annotated[
            str | None, Query(max_length=40, description="A case's ref", examples=["K7QM-2XPA-B"])
        ] = None,
        only: Annotated[Literal["all", "trouble"], Query(description="`trouble`: failed or bounced")] = "all",
        cursor: Annotated[str | None, Query(max_length=60)] = None,
    ) -> DeliveryList:
        """Deliveries, newest first: of one case, or of all."""
        return await listing(store, deliveries, ref=asked_ref(case), only=only, cursor=cursor)

    @routes.get("/v1/deliveries/hold")
    async def get_hold(principal: Annotated[Principal, requires(Right.OPERATIONS)]) -> HoldShown:
        """Whether deliveries are held."""
        return HoldShown.of(await holding.look())

    @routes.post("/v1/deliveries/hold")
    async def post_hold(principal: Annotated[Principal, requires(Right.OPERATIONS)]) -> HoldShown:
        """Hold deliveries: what is to be told is queued and waits. An attempt that has begun is finished."""
        return HoldShown.of(await holding.hold(principal.id, "by_hand"))

    @routes.post("/v1/deliveries/release")
    async def post_release(principal: Annotated[Principal, requires(Right.OPERATIONS)]) -> HoldShown:
        """Let what waits go out. After a restore: mails of after the backup go again, under the ids they had."""
        return HoldShown.of(await holding.release(principal.id))

    return routes
