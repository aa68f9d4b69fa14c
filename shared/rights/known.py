"""Whose key or session it is: the same answer in every service, from the accounts as they stand."""

from __future__ import annotations

import hashlib
import hmac

from fastapi import FastAPI

from shared.aggregate import Aggregates
from shared.rights.accounts import ACCOUNT_KIND, KEY_KIND, Account, ApiKey, account_id, key_id
from shared.rights.gate import KEY_PREFIX, Gate
from shared.rights.policy import Principal, machine
from shared.rights.sessions import Session
from shared.service import House
from shared.store import Store


class Known:
    """Looks at accounts and keys for the gate of an application."""

    def __init__(self, accounts: Aggregates[Account], keys: Aggregates[ApiKey], store: Store) -> None:
        self._accounts = accounts
        self._keys = keys
        self._store = store

    @classmethod
    def of(cls, house: House) -> Known:
        """For a service that has no part in who may sign in."""
        return cls(
            Aggregates(ACCOUNT_KIND, house.store, house.clock),
            Aggregates(KEY_KIND, house.store, house.clock),
            house.store,
        )

    def wire(self, app: FastAPI) -> None:
        """Let the gate of an application know whose keys and sessions hold."""
        gate: Gate = app.state.gate
        gate.verify_key = self.verify_key
        gate.stands = self.stands
        gate.ends = self.ends

    async def stands(self, session: Session) -> bool:
        """Whether a session was not ended, and its account is open and has the password it had at sign-in."""
        account = (await self._accounts.load(account_id(session.person))).state
        if account is None or account.closed or account.generation != session.generation:
            return False
        return await self._store.claimed(_ended(session)) is None

    async def ends(self, session: Session) -> None:
        """A session holds no more, wherever its cookie is shown."""
        await self._store.claim({_ended(session): "ended"})

    async def verify_key(self, key: str) -> Principal | None:
        """Whose a key is, or None."""
        selector, _, secret = key.removeprefix(KEY_PREFIX).partition("_")
        known = (await self._keys.load(key_id(selector))).state
        if known is None or known.revoked or not hmac.compare_digest(known.secret_hash, hash_secret(secret)):
            return None
        return machine(key_id(selector), known.rights)


def _ended(session: Session) -> str:
    return f"session:{session.id}"


def hash_secret(secret: str) -> str:
    """SHA-256 is enough: the secret is 192 random bits, not a person's password."""
    return hashlib.sha256(secret.encode()).hexdigest()
