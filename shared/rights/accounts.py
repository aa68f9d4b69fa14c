"""Accounts and keys as they stand: routing alone changes them, every service looks at them when somebody asks.

Hashes reach the state with the event that brings them, but stand in no event's bytes (`Unspoken`).
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.organisation import AccountChanged, AccountCreated, KeyIssued, KeyRevoked
from shared.store import Collection

ACCOUNTS = Collection("accounts", fields={"person": str}, indexes=(("person",),))
KEYS = Collection("api_keys", fields={"name": str}, indexes=(("name",),))


class Account(BaseModel):
    """One person's account. What they may do is not here: it follows from the organisation."""

    model_config = ConfigDict(frozen=True)

    person: str
    password_hash: str
    closed: bool = False
    generation: int = 1
    """Sessions of an earlier generation no longer hold."""
    changed_at: datetime


class ApiKey(BaseModel):
    """One machine's key, of which only the hash of the secret is kept."""

    model_config = ConfigDict(frozen=True)

    name: str
    rights: tuple[str, ...]
    secret_hash: str
    issued_at: datetime
    revoked: bool = False


def account_after(state: Account | None, event: Event, record: Record) -> Account:
    """The account after an event of its own."""
    if isinstance(event, AccountCreated):
        return Account(person=event.person, password_hash=event.password_hash, changed_at=record.time)
    assert state is not None
    assert isinstance(event, AccountChanged)
    changed: dict[str, object] = {"generation": state.generation + 1, "changed_at": record.time}
    if event.change == "password":
        changed["password_hash"] = event.password_hash
    else:
        changed["closed"] = event.change == "closed"
    return state.model_copy(update=changed)


def key_after(state: ApiKey | None, event: Event, record: Record) -> ApiKey:
    """The key after an event of its own."""
    if isinstance(event, KeyIssued):
        return ApiKey(
            name=event.name, rights=tuple(event.rights), secret_hash=event.secret_hash, issued_at=record.time
        )
    assert state is not None
    assert isinstance(event, KeyRevoked)
    return state.model_copy(update={"revoked": True})


ACCOUNT_KIND: Kind[Account] = Kind(
    ACCOUNTS, "/routing", Account, account_after, fields=lambda account: {"person": account.person}
)
KEY_KIND: Kind[ApiKey] = Kind(KEYS, "/routing", ApiKey, key_after, fields=lambda key: {"name": key.name})


def account_id(person_id: str) -> str:
    """The id of a person's account."""
    return f"account_{person_id}"


def key_id(selector: str) -> str:
    """The id of a key, by the half of it that is no secret."""
    return f"key_{selector}"
