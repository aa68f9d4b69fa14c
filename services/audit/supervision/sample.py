"""A sample: cases drawn at random by the root of a checkpoint that nobody knew when it was announced (M32). Pure.

The draw can be made again by anybody who has the entries: of the cases that were closed in the announced time, those
are drawn whose `SHA-256(root ‖ sample id ‖ case id)` are the lowest. What an operator could still do is choose, before
it is signed, what the checkpoint covers; a checkpoint that witnesses have cosigned shows that it was the only one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.audit.supervision.judging import Refused
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.findings import SampleAnnounced, SampleDrawn
from shared.rights import Principal
from shared.store import Collection

State = Literal["announced", "drawn"]

SAMPLES = Collection("samples", fields={"state": str, "rank": int}, indexes=(("state", "rank"), ("rank",)))


class Sample(BaseModel):
    """A sample as it stands."""

    model_config = ConfigDict(frozen=True)

    announced: datetime
    by: str
    count: int
    since: datetime
    until: datetime
    department: str | None = None
    size: int
    state: State = "announced"
    of: int = 0
    """How many cases there were to draw from."""
    cases: tuple[str, ...] = ()
    checkpoint: str = ""


def draw(root: bytes, sample: str, population: Iterable[str], count: int) -> tuple[str, ...]:
    """The cases that a root draws, in the order in which it draws them; whatever the order in which they are given."""

    def lot(case: str) -> tuple[bytes, str]:
        return hashlib.sha256(b"\x1f".join((root, sample.encode(), case.encode()))).digest(), case

    return tuple(sorted(set(population), key=lot)[:count])


def announce(sample: Sample | None, who: Principal, announced: SampleAnnounced) -> list[Event]:
    """Say what will be drawn, once."""
    if sample is not None:
        return []
    if who.kind != "person":
        raise Refused("people-decide", "A person announces a sample, signed in with their own account.")
    if announced.since >= announced.until:
        raise Refused("no-time", "`until` must be later than `since`.")
    return [announced]


def drawn(sample: Sample | None, checkpoint: str, of: int, cases: tuple[str, ...]) -> list[Event]:
    """The checkpoint has drawn, once."""
    if sample is None or sample.state == "drawn":
        return []
    return [SampleDrawn(checkpoint=checkpoint, of=of, cases=cases)]


def evolve(sample: Sample | None, event: Event, record: Record) -> Sample:
    """What an event makes of a sample."""
    if isinstance(event, SampleAnnounced):
        return Sample(
            announced=record.time,
            by=event.actor,
            count=event.count,
            since=event.since,
            until=event.until,
            department=event.department,
            size=event.size,
        )
    assert sample is not None, f"{record.id} is {record.type}: a sample begins by being announced"
    if not isinstance(event, SampleDrawn):
        return sample
    change = {"state": "drawn", "of": event.of, "cases": event.cases, "checkpoint": event.checkpoint}
    return sample.model_copy(update=change)


def _due(sample: Sample) -> datetime | None:
    return sample.announced if sample.state == "announced" else None


KIND = Kind(
    SAMPLES,
    "/audit",
    Sample,
    evolve,
    due=_due,
    fields=lambda one: {"state": one.state, "rank": -round(one.announced.timestamp() * 1000)},
)
