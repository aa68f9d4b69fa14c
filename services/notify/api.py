"""Notify over HTTP: what was sent, and whether it arrived."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from services.notify.delivery import Delivery
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


def router(store: Store, deliveries: Aggregates[Delivery]) -> APIRouter:
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

    return routes
