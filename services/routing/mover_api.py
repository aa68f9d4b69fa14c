"""Over HTTP: which running deadlines another calendar moves, and moving them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, Field

from services.routing.api import problems
from services.routing.mover import Mover, Moves, Progress
from services.routing.office import make_cursor, read_cursor
from shared.rights import Principal, Right, requires

Operations = Annotated[Principal, requires(Right.OPERATIONS)]


class Beginning(BaseModel):
    """That the deadlines shall move."""

    organisation: str = Field(
        max_length=64, description="The version that was looked at; refused where another holds by now"
    )


def router(mover: Mover) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/organisation", tags=["operations"])

    @routes.get("/moves", responses=problems(400, 401, 403, 422))
    async def show_moves(
        principal: Operations,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many open cases to look at")] = 200,
    ) -> Moves:
        """Running deadlines that would move because another calendar holds than when they were set, part by part."""
        shown, following = await mover.look(read_cursor(cursor) if cursor else None, limit)
        return shown.model_copy(update={"next": following and make_cursor(*following)})

    @routes.post("/moves", status_code=202, responses=problems(401, 403, 409, 422))
    async def begin_moves(principal: Operations, beginning: Annotated[Beginning, Body()]) -> Progress:
        """Move them all. What is late stays late, and nobody is told; a second time changes nothing.

        It goes on after the answer: ask for the progress among what would move. After a crash begin it again.
        """
        return await mover.begin(beginning.organisation)

    return routes
