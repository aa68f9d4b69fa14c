"""A person's digest of one instant: what it gathers until then, and what is left of that to tell. Pure.

It ends in two steps. First it is closed, with what is left written down as content: whoever notes something later
learns that it is too late, and tells of it singly. Then its mail is queued, and it says so. It stays due until then,
so that a crash between the two is made good; a further mail can't come of it, whose id follows from the closing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from pydantic import BaseModel, ConfigDict

from services.notify.course import Course
from shared import ids
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.cases import Action
from shared.events.content import ContentRef
from shared.events.deliveries import DigestClosed, DigestHandedOver, DigestItem, DigestNoted
from shared.events.obligations import OF_SUPERVISION
from shared.store import Collection

MOST_ITEMS = 200
"""Nobody reads more in one mail; that there may be more, it says."""
GATHERS = timedelta(minutes=5)
"""How long a digest whose instant was over before anything was noted waits for the rest: after an outage much comes at
once."""
_ACTIONS = frozenset(get_args(Action))
_OF_SUPERVISION = frozenset({"explained", "rectified"})
"""What is told of a closed case as well."""


class Digest(BaseModel):
    """What is known of a digest."""

    model_config = ConfigDict(frozen=True)

    person: str
    at: datetime
    closes_at: datetime
    items: tuple[DigestItem, ...] = ()
    closed: str | None = None
    """The id of the event that closed it."""
    note: ContentRef | None = None
    """The content of its list; None where nothing was left to tell."""
    delivery: str | None = None


class DigestList(BaseModel):
    """A digest's list as it is kept as content until its mail is made."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    """When it was looked at what is still owed."""
    items: tuple[DigestItem, ...]
    may_be_more: bool = False


def id_of(person: str, at: datetime) -> str:
    """The id of a person's digest of an instant."""
    return ids.derived("dgst", person, str(int(at.timestamp())))


def evolve(state: Digest | None, event: Event, record: Record) -> Digest:
    """The digest after an event."""
    match event:
        case DigestNoted():
            if state is not None:
                return state.model_copy(update={"items": (*state.items, *event.items)})
            in_time = record.time < event.at
            closes_at = event.at if in_time else record.time + GATHERS
            return Digest(person=event.person, at=event.at, closes_at=closes_at, items=tuple(event.items))
        case DigestClosed():
            assert state is not None
            return state.model_copy(update={"closed": record.id, "note": event.note})
        case DigestHandedOver():
            assert state is not None
            return state.model_copy(update={"delivery": event.delivery})
    assert state is not None
    return state


def note(what: DigestNoted, state: Digest | None) -> list[Event]:
    """Add to it; nothing follows once it is closed, or holds as much as anybody reads."""
    if state is None:
        return [what]
    room = MOST_ITEMS - len(state.items)
    if state.closed is not None or room <= 0:
        return []
    return [what.model_copy(update={"items": tuple(what.items[:room])})]


def close(
    seen: Sequence[DigestItem], told: int, note: ContentRef, state: Digest | None, now: datetime
) -> list[Event]:
    """Nothing is added any more; `told` of what was `seen` in it are left. Nothing follows where more came since."""
    if state is None or state.closed is not None or now < state.closes_at or state.items != tuple(seen):
        return []
    return [DigestClosed(told=told, left_out=len(seen) - told, note=note if told else None)]


def hand_over(delivery: str, state: Digest | None) -> list[Event]:
    """Its mail is queued."""
    if state is None or state.delivery is not None:
        return []
    return [DigestHandedOver(delivery=delivery)]


def left(items: Sequence[DigestItem], courses: Mapping[str, Course]) -> list[DigestItem]:
    """What is still to be told, what is due first at the top: not what was done meanwhile; and of one obligation how it
    began, or else the last of its reminders. What began anew with another end is told with that end."""
    found: dict[tuple[str, ...], DigestItem] = {}
    for number, item in enumerate(items):
        course = courses.get(item.case)
        kept = item if course is None else _still(item, course)
        if kept is not None:
            key = (kept.case, kept.obligation) if kept.obligation else (kept.case, kept.what, str(number))
            if key not in found or found[key].what in _ACTIONS:
                found[key] = kept
    return sorted(found.values(), key=lambda one: (one.due is None, one.due and one.due.timestamp(), one.ref))


def _still(item: DigestItem, course: Course) -> DigestItem | None:
    if item.obligation is None:
        return None if course.closed and item.what not in _OF_SUPERVISION else item
    owed = course.still_owed(item.obligation)
    if course.closed and (owed is None or owed.kind not in OF_SUPERVISION):
        return None
    return None if owed is None else item.model_copy(update={"obligation": owed.id, "due": owed.due})


def _due(state: Digest) -> datetime | None:
    over = state.delivery is not None or (state.closed is not None and state.note is None)
    return None if over else state.closes_at


KIND = Kind(
    collection=Collection("digests"),
    source="/notify",
    state=Digest,
    evolve=evolve,
    due=_due,
)
