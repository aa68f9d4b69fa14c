"""Topic `organisation`, owned by routing: who is who, and under which rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from shared.events.envelope import Event, Part

Unspoken = Annotated[str, Field(exclude=True, repr=False)]
"""Goes from the decision into the aggregate's state and no further: it is never among the event's bytes."""


class OrganisationPublished(Event, type="organisation.published", topic="organisation"):
    """From here on this version of the organisation file and its calendar hold."""

    version: str
    calendar: str


class OfficeCalendar(Part):
    """Which calendar an office works by: a department with its own, else `coordinator` for all others."""

    office: str
    calendar: str
    """Its digest."""


class CalendarsKept(Event, type="organisation.calendars_kept", topic="organisation"):
    """The calendars of a version are kept, day by day, so that old deadlines can be explained."""

    version: str
    calendars: tuple[OfficeCalendar, ...]
    kept: Unspoken = ""
    """The calendars themselves, as JSON: what an entry says of each is its digest."""


class AccountCreated(Event, type="account.created", topic="organisation"):
    """Somebody may sign in."""

    person: str
    roles: list[str]
    department: str | None = None
    password_hash: Unspoken = ""


class AccountChanged(Event, type="account.changed", topic="organisation"):
    """A password was set, an account was closed or opened again."""

    actor: str
    change: Literal["password", "closed", "opened"]
    password_hash: Unspoken = ""


class KeyIssued(Event, type="account.key_issued", topic="organisation"):
    """A machine may call the API."""

    actor: str
    name: str = ""
    """What the administrator calls the machine: small letters, digits and hyphens."""
    rights: list[str]
    secret_hash: Unspoken = ""


class KeyRevoked(Event, type="account.key_revoked", topic="organisation"):
    """It may no longer."""

    actor: str


class Kept(Part):
    """A case whose words stay for now."""

    case: str
    reason: Literal["retention", "hold", "open"]
    """The law says how long; a hold; it is still being dealt with."""
    until: datetime | None = None
    """Where that is known."""


class ErasureBegun(Event, type="erasure.begun", topic="organisation"):
    """Somebody's words are to be erased. What goes is written down with it, before anything does: whoever is cut off
    goes on where this was, and decides nothing again.
    """

    actor: str
    ground: Literal["asked", "retention", "court"]
    cases: int
    contents: int
    plan: Unspoken = ""
    """What goes and what stays, as JSON; `erasure.made` says it."""


class ErasureMade(Event, type="erasure.made", topic="organisation"):
    """Somebody's words are no more: keys, contents and what derived from them. What the trail says of them stands.

    An aggregate of its own. The contents are named by their references, which say nothing; whose they were is not said.
    """

    actor: str
    ground: Literal["asked", "retention", "court"]
    """Why: the person asked, the time for which it must be kept is over, a court ordered it."""
    cases: tuple[str, ...]
    contents: tuple[str, ...]
    """References of what is gone; of many, those of one event of several."""
    kept: tuple[Kept, ...] = ()
    """What may not go yet, and why."""


class HoldPlaced(Event, type="erasure.hold_placed", topic="organisation"):
    """A case's words must be kept until the hold is released, whoever asks for their erasure."""

    actor: str
    case: str
    reason: Literal["court", "audit", "inquiry"]


class HoldReleased(Event, type="erasure.hold_released", topic="organisation"):
    """The hold is over."""

    actor: str
    case: str
