"""Topic `organisation`, owned by routing: who is who, and under which rules."""

from __future__ import annotations

from typing import Literal

from shared.events.envelope import Event


class OrganisationPublished(Event, type="organisation.published", topic="organisation"):
    """From here on this version of the organisation file and its calendar hold."""

    version: str
    calendar: str


class AccountCreated(Event, type="account.created", topic="organisation"):
    """Somebody may sign in."""

    person: str
    roles: list[str]
    department: str | None = None


class AccountChanged(Event, type="account.changed", topic="organisation"):
    """A password was set, an account was closed or opened again."""

    actor: str
    change: Literal["password", "closed", "opened"]


class KeyIssued(Event, type="account.key_issued", topic="organisation"):
    """A machine may call the API."""

    actor: str
    rights: list[str]


class KeyRevoked(Event, type="account.key_revoked", topic="organisation"):
    """It may no longer."""

    actor: str
