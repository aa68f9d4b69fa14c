"""A fact as an aggregate of its own: one event, under an id that follows from the event it is about (decision 21)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shared import ids
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.facts import FactEvent
from shared.store import Collection

VERSION = 1
"""Of the rules. What was computed by an earlier one stands as it was."""


class Fact(BaseModel):
    """What is known of a fact besides its event."""

    model_config = ConfigDict(frozen=True)

    version: int


def fact_id(about: str) -> str:
    """The fact about an event: whoever computes it again finds it there."""
    return ids.derived("fact", about)


def _evolve(state: Fact | None, event: Event, record: Record) -> Fact:
    assert isinstance(event, FactEvent), f"{record.id} is {record.type}"
    return Fact(version=event.version)


FACTS = Collection("facts")
KIND = Kind(FACTS, "/audit", Fact, _evolve)
