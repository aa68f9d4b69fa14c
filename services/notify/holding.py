"""Nothing leaves the house while deliveries are held: after a restore, until a person has looked.

What is to be told is still queued, without an attempt; released, it goes out. Attempts that had begun are finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared import metrics
from shared.aggregate import Aggregates, Kind
from shared.clock import Clock
from shared.events import Event, Record
from shared.events.deliveries import DeliveriesHeld, DeliveriesReleased
from shared.store import Collection

ID = "sending_all"
RESTORED: Literal["restored"] = "restored"
_LOOK_EVERY = timedelta(seconds=5)
"""How long an instance goes by what it last read, where others write too."""


class Hold(BaseModel):
    """Whether deliveries are held, and why."""

    model_config = ConfigDict(frozen=True)

    reason: str | None = None
    since: datetime | None = None


def _evolve(state: Hold | None, event: Event, record: Record) -> Hold:
    if isinstance(event, DeliveriesHeld):
        return Hold(reason=event.reason, since=record.time)
    return Hold()


HOLD = Kind(Collection("sending"), "/notify", Hold, _evolve)


async def hold(holds: Aggregates[Hold], actor: str, reason: Literal["restored", "by_hand"]) -> None:
    """Hold deliveries from here on; held ones stay held, for the reason they are."""

    def decide(state: Hold | None, now: datetime) -> Sequence[Event]:
        return [] if state and state.reason else [DeliveriesHeld(actor=actor, reason=reason)]

    before = await holds.load(ID)
    if before.state is None or before.state.reason is None:
        await holds.answer(ID, f"hold/{before.version}", decide)


async def release(holds: Aggregates[Hold], actor: str) -> bool:
    """Let them go; answers whether they were held."""

    def decide(state: Hold | None, now: datetime) -> Sequence[Event]:
        return [DeliveriesReleased(actor=actor)] if state and state.reason else []

    before = await holds.load(ID)
    if before.state is None or before.state.reason is None:
        return False
    return bool((await holds.answer(ID, f"release/{before.version}", decide)).records)


class Holding:
    """Whether deliveries are held, asked before each is begun."""

    def __init__(self, holds: Aggregates[Hold], clock: Clock, *, alone: bool) -> None:
        self._holds = holds
        self._clock = clock
        self._alone = alone
        self._known = Hold()
        self._looked: datetime | None = None

    async def stands(self) -> Hold:
        """The hold as it stands; in a cluster, as it stood some seconds ago at most. Raises Unavailable."""
        now = self._clock.now()
        if self._alone or self._looked is None or now - self._looked >= _LOOK_EVERY:
            self._known = (await self._holds.load(ID)).state or Hold()
            self._looked = now
            metrics.DELIVERIES_HELD.set(self._known.reason is not None)
        return self._known

    async def held(self) -> bool:
        """Whether nothing may leave."""
        return (await self.stands()).reason is not None
