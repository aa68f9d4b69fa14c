"""Accounts and keys: what may happen to them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from shared.events import Event
from shared.events.organisation import AccountChanged, AccountCreated, KeyIssued, KeyRevoked
from shared.rights import GRANTABLE, Principal
from shared.rights.accounts import Account, ApiKey

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


class AccountRefused(ValueError):
    """Something that can't be done with an account or key; says which, why and what to do."""


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
