"""Holds: a case's words are kept for a court, an audit or an inquiry, whoever asks for their erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared import ids
from shared.aggregate import Aggregates, Kind
from shared.events import Event, Record
from shared.events.organisation import HoldPlaced, HoldReleased
from shared.service import House
from shared.store import Collection, Where

HoldReason = Literal["court", "audit", "inquiry"]

HOLDS = Collection("holds", fields={"placed": int}, indexes=(("placed",),))
"""`placed` is null once a hold is lifted."""


class Hold(BaseModel):
    """A hold as it stands."""

    model_config = ConfigDict(frozen=True)

    case: str
    reason: HoldReason | None = None
    """None once it is lifted."""
    since: datetime


def _evolve(state: Hold | None, event: Event, record: Record) -> Hold:
    match event:
        case HoldPlaced():
            return Hold(case=event.case, reason=event.reason, since=record.time)
        case HoldReleased():
            return Hold(case=event.case, since=record.time)
    assert state is not None
    return state


KIND = Kind(
    HOLDS,
    "/routing",
    Hold,
    _evolve,
    fields=lambda hold: {"placed": int(hold.since.timestamp() * 1000) if hold.reason else None},
)


class Holds:
    """The holds of an installation."""

    def __init__(self, house: House) -> None:
        self._store = house.store
        self._holds: Aggregates[Hold] = Aggregates(KIND, house.store, house.clock)

    async def on(self, case_id: str) -> Hold | None:
        """The hold on a case, where there is one."""
        hold = (await self._holds.load(_id(case_id))).state
        return hold if hold is not None and hold.reason is not None else None

    async def place(self, case_id: str, reason: HoldReason, actor: str) -> bool:
        """Hold a case's words; answers False where they are held for that reason already."""
        placed = HoldPlaced(actor=actor, case=case_id, reason=reason)
        before = await self._holds.load(_id(case_id))
        if before.state is not None and before.state.reason == reason:
            return False
        await self._holds.answer(_id(case_id), f"place/{reason}/{before.version}", lambda state, _: [placed])
        return True

    async def lift(self, case_id: str, actor: str) -> bool:
        """Let them go; answers whether they were held."""
        before = await self._holds.load(_id(case_id))
        if before.state is None or before.state.reason is None:
            return False
        lifted = HoldReleased(actor=actor, case=case_id)
        await self._holds.answer(_id(case_id), f"lift/{before.version}", lambda state, _: [lifted])
        return True

    async def all(self, limit: int) -> list[Hold]:
        """Those there are, the oldest first."""
        found = await self._store.find(HOLDS, [Where("placed", "not null")], order="placed", limit=limit)
        holds = (self._holds.read(document.body, document.version).state for document, _ in found)
        return [hold for hold in holds if hold is not None]


def _id(case_id: str) -> str:
    return ids.derived("hold", case_id)
