"""An exclusion: a case, an unreasonable demand, that two people leave out of the figures (mechanism M15). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.audit.supervision.judging import Refused, sees_all
from shared import ids
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.content import ContentRef
from shared.events.findings import ExclusionAsked, ExclusionDecided
from shared.rights import Principal
from shared.store import Collection

State = Literal["asked", "granted", "refused"]

EXCLUSIONS = Collection(
    "exclusions",
    fields={"case": str, "state": str, "asked_by": str, "rank": int},
    indexes=(("state", "rank"), ("asked_by", "rank"), ("rank",)),
    covered=("case", "state"),
)


class Exclusion(BaseModel):
    """Whether a case is left out, as it stands."""

    model_config = ConfigDict(frozen=True)

    case: str
    asked_by: str
    asked: datetime
    state: State = "asked"
    decided_by: str | None = None


def exclusion_id(case: str) -> str:
    """Each case has one."""
    return ids.derived("exclusion", case)


def may_ask(who: Principal, department: str | None) -> bool:
    """Supervisors and principal leaders may, and the head or leader in charge of the department that led the case."""
    return who.kind == "person" and (sees_all(who) or department in who.leads)


def ask(exclusion: Exclusion | None, who: Principal, case: str, words: ContentRef) -> list[Event]:
    """Ask that a case be left out. What was refused can be asked for again."""
    if exclusion is not None and exclusion.state != "refused":
        raise Refused("asked-already", f"That this case be left out was {exclusion.state} already.")
    return [ExclusionAsked(actor=who.id, case=case, words=words)]


def decide(exclusion: Exclusion, who: Principal, words: ContentRef, *, granted: bool) -> list[Event]:
    """Another person than who asked leaves it out, or not."""
    if exclusion.state != "asked":
        raise Refused("decided-already", f"This was {exclusion.state}; that stands.")
    if who.kind != "person" or not sees_all(who):
        raise Refused("people-decide", "A supervisor or a principal leader decides this.")
    if who.id == exclusion.asked_by:
        raise Refused("same-person", "You asked for it: another person decides.")
    return [ExclusionDecided(actor=who.id, granted=granted, words=words)]


def evolve(exclusion: Exclusion | None, event: Event, record: Record) -> Exclusion:
    """What an event makes of it."""
    if isinstance(event, ExclusionAsked):
        return Exclusion(case=event.case, asked_by=event.actor, asked=record.time)
    assert exclusion is not None, f"{record.id} is {record.type}: an exclusion begins by being asked for"
    if not isinstance(event, ExclusionDecided):
        return exclusion
    state = "granted" if event.granted else "refused"
    return exclusion.model_copy(update={"state": state, "decided_by": event.actor})


KIND = Kind(
    EXCLUSIONS,
    "/audit",
    Exclusion,
    evolve,
    fields=lambda one: {
        "case": one.case,
        "state": one.state,
        "asked_by": one.asked_by,
        "rank": -round(one.asked.timestamp() * 1000),
    },
)
