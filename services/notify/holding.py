"""Nothing leaves the house while deliveries are held: after a restore, until a person has looked.

What is to be told is still queued, without an attempt; released, it goes out. Attempts that had begun are finished.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared import metrics
from shared.aggregate import Aggregates, Decide, Kind
from shared.clock import Clock
from shared.events import Event, Record
from shared.events.deliveries import DeliveriesHeld, DeliveriesReleased
from shared.store import Collection, Store

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


class Holding:
    """Whether deliveries are held, asked before each is begun. One for all of a process.

    Every call may raise Unavailable.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._holds = Aggregates(HOLD, store, clock)
        self._clock = clock
        self._alone = store.only_writer
        self._known = Hold()
        self._looked: datetime | None = None

    async def stands(self) -> Hold:
        """The hold as it stands; in a cluster, as it stood some seconds ago at most."""
        now = self._clock.now()
        if self._looked is None or (not self._alone and now - self._looked >= _LOOK_EVERY):
            await self.look()
        return self._known

    async def held(self) -> bool:
        """Whether nothing may leave."""
        return (await self.stands()).reason is not None

    async def look(self) -> Hold:
        """The hold as the store has it."""
        self._take((await self._holds.load(ID)).state)
        return self._known

    async def hold(self, actor: str, reason: Literal["restored", "by_hand"]) -> Hold:
        """Hold deliveries from here on; held ones stay held, for the reason they are."""

        def decide(state: Hold | None, now: datetime) -> Sequence[Event]:
            return [] if state and state.reason else [DeliveriesHeld(actor=actor, reason=reason)]

        return await self._becomes("hold", decide, held=True)

    async def release(self, actor: str) -> Hold:
        """Let them go."""

        def decide(state: Hold | None, now: datetime) -> Sequence[Event]:
            return [DeliveriesReleased(actor=actor)] if state and state.reason else []

        return await self._becomes("release", decide, held=False)

    async def _becomes(self, what: str, decide: Decide[Hold], *, held: bool) -> Hold:
        before = await self._holds.load(ID)
        state = before.state
        if held != (state is not None and state.reason is not None):
            state = (await self._holds.answer(ID, f"{what}/{before.version}", decide)).state
        self._take(state)
        return self._known

    def _take(self, state: Hold | None) -> None:
        self._known = state or Hold()
        self._looked = self._clock.now()
        metrics.DELIVERIES_HELD.set(self._known.reason is not None)
