"""Accounts and keys: what may happen to them, and what follows. Pure.

Hashes reach the state with the event that brings them, but stand in no event's bytes (`Unspoken`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.organisation import AccountChanged, AccountCreated, KeyIssued, KeyRevoked
from shared.rights import GRANTABLE, Principal
from shared.store import Collection

ACCOUNTS = Collection("accounts", fields={"person": str}, indexes=(("person",),))
KEYS = Collection("api_keys", fields={"name": str}, indexes=(("name",),))

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


class AccountRefused(ValueError):
    """Something that can't be done with an account or key; says which, why and what to do."""


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


def create(state: Account | None, principal: Principal, password_hash: str) -> Sequence[Event]:
    """Somebody of the organisation gets an account."""
    if state is not None:
        raise AccountRefused(
            f"{principal.id} has an account already: `user password {principal.id}` gives a new password."
        )
    return [
        AccountCreated(
            person=principal.id,
            roles=sorted(principal.roles),
            department=principal.department,
            password_hash=password_hash,
        )
    ]


def change(
    state: Account | None, actor: str, what: Literal["password", "closed", "opened"], password_hash: str = ""
) -> Sequence[Event]:
    """A new password, or the account is closed or opened again. Nothing follows where it already is so."""
    if state is None:
        raise AccountRefused("There is no such account: `user list` shows those there are.")
    if what != "password" and state.closed == (what == "closed"):
        return []
    return [AccountChanged(actor=actor, change=what, password_hash=password_hash)]


def issue(
    state: ApiKey | None, actor: str, name: str, rights: Iterable[str], secret_hash: str
) -> Sequence[Event]:
    """A machine gets a key that carries rights."""
    assert state is None
    if not _NAME.fullmatch(name):
        raise AccountRefused(
            f"{name!r} can't name a key: take small letters, digits and hyphens, at most 40."
        )
    wanted, known = sorted(set(rights)), {right.value for right in GRANTABLE}
    if not wanted or not known.issuperset(wanted):
        wrong = ", ".join(right for right in wanted if right not in known) or "none"
        raise AccountRefused(
            f"A key can't carry these rights: {wrong}. It may carry: {', '.join(sorted(known))}."
        )
    return [KeyIssued(actor=actor, name=name, rights=wanted, secret_hash=secret_hash)]


def revoke(state: ApiKey | None, actor: str) -> Sequence[Event]:
    """A machine's key no longer holds."""
    if state is None:
        raise AccountRefused("There is no such key: `key list` shows those there are.")
    return [] if state.revoked else [KeyRevoked(actor=actor)]
