"""Which keys sign receipts and checkpoints: an entry of the trail whenever one begins to, or signs no more."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Aggregates, Kind
from shared.clock import Clock
from shared.events import Event, Record
from shared.events.trail import KeyIntroduced, KeyRetired
from shared.store import Collection, Store

TRAIL = "trail"
"""The aggregate by which the trail speaks of itself."""


class Introduced(BaseModel):
    """The keys that the trail has introduced, as verifier keys, the newest last."""

    model_config = ConfigDict(frozen=True)

    vkeys: tuple[str, ...] = ()
    """Of receipts."""
    log_vkeys: tuple[str, ...] = ()
    """Of checkpoints: the first one stands here once another takes over from it."""
    retired: tuple[str, ...] = ()
    """Of both, those that sign nothing any more; one that is introduced again is none of them."""

    @property
    def signing(self) -> list[str]:
        """The log keys that sign, as far as they were introduced."""
        return [vkey for vkey in dict.fromkeys(self.log_vkeys) if vkey not in self.retired]


def introduce(state: Introduced | None, vkey: str) -> list[Event]:
    """What is to be said where the receipt key isn't the one introduced last: this one signs, that one doesn't."""
    before = state.vkeys[-1:] if state is not None else ()
    if before == (vkey,):
        return []
    return [
        KeyIntroduced(use="receipt", vkey=vkey),
        *(KeyRetired(use="receipt", vkey=old) for old in before),
    ]


def introduce_log(state: Introduced | None, vkeys: Sequence[str]) -> list[Event]:
    """What is to be said where other log keys sign than are introduced.

    A single key that never took over from another needs no introduction: by it the trail is known.
    """
    signing = state.signing if state is not None else []
    if len(vkeys) < 2 and not signing:
        return []
    return [
        *(KeyIntroduced(use="log", vkey=vkey) for vkey in vkeys if vkey not in signing),
        *(KeyRetired(use="log", vkey=vkey) for vkey in signing if vkey not in vkeys),
    ]


def _evolve(state: Introduced | None, event: Event, record: Record) -> Introduced:
    state = state or Introduced()
    if isinstance(event, KeyRetired):
        return state.model_copy(update={"retired": (*state.retired, event.vkey)})
    assert isinstance(event, KeyIntroduced), f"{record.id} is {record.type}"
    which = "vkeys" if event.use == "receipt" else "log_vkeys"
    retired = tuple(vkey for vkey in state.retired if vkey != event.vkey)
    return state.model_copy(update={which: (*getattr(state, which), event.vkey), "retired": retired})


TRAILS = Collection("trail")
KIND = Kind(TRAILS, "/audit", Introduced, _evolve)


async def introduce_receipt_key(store: Store, clock: Clock, vkey: str) -> None:
    """Let the trail say by which key receipts are signed from here on; once."""
    trail = Aggregates(KIND, store, clock)
    before = (await trail.load(TRAIL)).version
    await trail.answer(TRAIL, f"{TRAIL}/key/{before}/{vkey}", lambda state, _: introduce(state, vkey))


async def introduce_log_keys(store: Store, clock: Clock, vkeys: Sequence[str]) -> None:
    """Let the trail say by which keys its checkpoints are signed from here on, where one takes over from another."""
    trail = Aggregates(KIND, store, clock)
    before = (await trail.load(TRAIL)).version
    await trail.answer(
        TRAIL, f"{TRAIL}/log/{before}/{'/'.join(vkeys)}", lambda state, _: introduce_log(state, vkeys)
    )
