"""An erasure: what is to go, written down before anything does; then, that it is gone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.organisation import ErasureBegun, ErasureMade, Kept
from shared.store import Collection

Ground = Literal["asked", "retention", "court"]

ERASURES = Collection("erasures")

MOST_CONTENTS = 400
MOST_CASES = 100
MOST_KEPT = 50
"""An event has at most 32 KiB; what is more is an erasure of its own."""
AGAIN_AFTER = timedelta(minutes=1)
"""When somebody else goes on with an erasure that was begun and is not made."""


class Plan(BaseModel):
    """What one erasure destroys."""

    model_config = ConfigDict(frozen=True)

    cases: tuple[str, ...]
    contents: tuple[str, ...]
    kept: tuple[Kept, ...] = ()


class Erasure(BaseModel):
    """An erasure as it stands."""

    model_config = ConfigDict(frozen=True)

    actor: str
    ground: Ground
    plan: Plan
    begun: datetime
    made: datetime | None = None


def evolve(state: Erasure | None, event: Event, record: Record) -> Erasure:
    """The erasure after an event."""
    match event:
        case ErasureBegun():
            # In the trail it is not said what is going to go, only what went.
            plan = Plan.model_validate_json(event.plan) if event.plan else Plan(cases=(), contents=())
            return Erasure(actor=event.actor, ground=event.ground, plan=plan, begun=record.time)
        case ErasureMade() if state is not None:
            return state.model_copy(update={"made": record.time})
    assert state is not None
    return state


def begin(state: Erasure | None, plan: Plan, ground: Ground, actor: str) -> Sequence[Event]:
    """Write down what goes, once."""
    if state is not None:
        return ()
    return (
        ErasureBegun(
            actor=actor,
            ground=ground,
            cases=len(plan.cases),
            contents=len(plan.contents),
            plan=plan.model_dump_json(),
        ),
    )


def make(state: Erasure | None) -> Sequence[Event]:
    """It is gone."""
    if state is None or state.made is not None:
        return ()
    plan = state.plan
    return (
        ErasureMade(
            actor=state.actor,
            ground=state.ground,
            cases=plan.cases,
            contents=plan.contents,
            kept=plan.kept,
        ),
    )


ERASURE_KIND = Kind(
    ERASURES,
    "/routing",
    Erasure,
    evolve,
    due=lambda state: None if state.made else state.begun + AGAIN_AFTER,
)


@dataclass
class _Room:
    cases: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)


def plans(going: Sequence[tuple[str | None, Sequence[str]]], kept: Sequence[Kept]) -> Iterator[Plan]:
    """What goes, case by case, in parts that an event has room for; the first one says what stays."""
    stays = tuple(kept[:MOST_KEPT])
    room = _Room()
    for case, contents in going:
        left = list(contents)
        while left:
            if len(room.contents) >= MOST_CONTENTS or len(room.cases) >= MOST_CASES:
                yield Plan(cases=tuple(room.cases), contents=tuple(room.contents), kept=stays)
                room, stays = _Room(), ()
            if case is not None:
                room.cases.append(case)
            fits = MOST_CONTENTS - len(room.contents)
            room.contents += left[:fits]
            left = left[fits:]
    if room.contents:
        yield Plan(cases=tuple(room.cases), contents=tuple(room.contents), kept=stays)
