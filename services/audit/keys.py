"""Which keys sign receipts: an entry of the trail whenever another one begins to."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Aggregates, Kind
from shared.clock import Clock
from shared.events import Event, Record
from shared.events.trail import KeyIntroduced
from shared.store import Collection, Store

TRAIL = "trail"
"""The aggregate by which the trail speaks of itself."""


class Introduced(BaseModel):
    """The receipt keys that the trail has introduced, as verifier keys, the newest last."""

    model_config = ConfigDict(frozen=True)

    vkeys: tuple[str, ...] = ()


def introduce(state: Introduced | None, vkey: str) -> list[Event]:
    """An event where the key isn't the one that was introduced last."""
    if state is not None and state.vkeys[-1:] == (vkey,):
        return []
    return [KeyIntroduced(use="receipt", vkey=vkey)]


def _evolve(state: Introduced | None, event: Event, record: Record) -> Introduced:
    assert isinstance(event, KeyIntroduced), f"{record.id} is {record.type}"
    return Introduced(vkeys=(*(state.vkeys if state else ()), event.vkey))


TRAILS = Collection("trail")
KIND = Kind(TRAILS, "/audit", Introduced, _evolve)


async def introduce_receipt_key(store: Store, clock: Clock, vkey: str) -> None:
    """Let the trail say by which key receipts are signed from here on; once."""
    trail = Aggregates(KIND, store, clock)
    before = (await trail.load(TRAIL)).version
    await trail.answer(TRAIL, f"{TRAIL}/key/{before}/{vkey}", lambda state, _: introduce(state, vkey))
