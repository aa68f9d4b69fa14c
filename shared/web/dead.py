"""What no group could answer, for those who look after the installation: look at it, mend the cause, replay it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from shared.bus import Bus, HeldKey
from shared.rights import Principal, Right, requires
from shared.web.problems import not_found

Operations = Annotated[Principal, requires(Right.OPERATIONS)]
Group = Annotated[str, Path(max_length=40, description="Who could not answer: `routing`, `notify` …")]
Key = Annotated[str, Path(max_length=200, description="The key whose events wait: a case, a conversation")]


class DeadKey(BaseModel):
    """A key that is held back: one event could not be answered, and what follows of its key waits behind it."""

    group: str
    key: str
    events: int
    since: datetime = Field(description="When the first of them happened")
    event: str = Field(description="The first one's id")
    type: str
    reason: str


class DeadList(BaseModel):
    """All of them, by group, the longest held first."""

    keys: list[DeadKey]


class DeadEvent(BaseModel):
    """One event that waits. What was said is not in it: events hold references."""

    id: str
    type: str
    time: datetime
    reason: str
    event: dict[str, Any] = Field(description="As it stands in the trail")


class DeadEvents(BaseModel):
    """What waits of a key, in order."""

    group: str
    key: str
    events: list[DeadEvent]


class Replayed(BaseModel):
    """What became of a replay."""

    group: str
    key: str
    answered: int
    waiting: int
    reason: str | None = Field(None, description="Why the first that waits could not be answered")


def _key(one: HeldKey) -> DeadKey:
    return DeadKey(
        group=one.group,
        key=one.key,
        events=one.events,
        since=one.first.record.time,
        event=one.first.record.id,
        type=one.first.record.type,
        reason=one.first.reason,
    )


def router(bus: Bus) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/dead", tags=["operations"])
    missing: dict[int | str, dict[str, Any]] = {404: {"description": "Nothing of that key is held back"}}

    @routes.get("")
    async def list_dead(principal: Operations) -> DeadList:
        """Every key that is held back by the services that answer here, with the reason."""
        return DeadList(keys=[_key(one) for one in await bus.held_keys()])

    @routes.get("/{group}")
    async def list_dead_of(principal: Operations, group: Group) -> DeadList:
        """Every key that one service holds back; in a cluster each is asked for its own."""
        return DeadList(keys=[_key(one) for one in await bus.held_keys() if one.group == group])

    @routes.get("/{group}/{key}", responses=missing)
    async def show_dead(principal: Operations, group: Group, key: Key) -> DeadEvents:
        """The events that wait, in order."""
        held = await bus.held(group, key)
        if not held:
            raise not_found("held key")
        events = [
            DeadEvent(
                id=one.record.id,
                type=one.record.type,
                time=one.record.time,
                reason=one.reason,
                event=orjson.loads(one.record.value),
            )
            for one in held
        ]
        return DeadEvents(group=group, key=key, events=events)

    @routes.post("/{group}/{key}/replay", responses=missing)
    async def replay_dead(principal: Operations, group: Group, key: Key) -> Replayed:
        """Answer them now, in order and before anything new of the key, as far as that goes."""
        if not await bus.held(group, key):
            raise not_found("held key")
        answered = await bus.replay(group, key)
        left = await bus.held(group, key)
        return Replayed(
            group=group,
            key=key,
            answered=answered,
            waiting=len(left),
            reason=left[0].reason if left else None,
        )

    return routes
