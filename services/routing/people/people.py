"""Accounts and keys over the store: who signs in with what, and whose a key is."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fastapi import FastAPI

from services.routing.people import account as accounts
from services.routing.people.account import AccountRefused
from services.routing.people.attempts import Attempts
from services.routing.people.passwords import check
from shared import ids
from shared.aggregate import Aggregates
from shared.rights import person
from shared.rights.accounts import (
    ACCOUNT_KIND,
    ACCOUNTS,
    KEY_KIND,
    KEYS,
    Account,
    ApiKey,
    account_id,
    key_id,
)
from shared.rights.gate import KEY_PREFIX
from shared.rights.known import Known, hash_secret
from shared.service import House
from shared.slow_hash import SlowHash

OPERATOR = "operator"
"""Who acts at the command line of the machine itself."""
_LONGEST_LOGIN = 200


@dataclass(frozen=True)
class TooManyAttempts(Exception):
    """Too many wrong passwords: says how long to wait."""

    wait: timedelta


class People:
    """The accounts of an organisation's people and the keys of its machines."""

    def __init__(self, house: House) -> None:
        self.organisation = house.organisation
        self._store = house.store
        self._clock = house.clock
        self._accounts: Aggregates[Account] = Aggregates(ACCOUNT_KIND, house.store, house.clock)
        self._keys: Aggregates[ApiKey] = Aggregates(KEY_KIND, house.store, house.clock)
        self._known = Known(self._accounts, self._keys, house.store)
        self._passwords = SlowHash()
        self._attempts = Attempts()

    def wire(self, app: FastAPI) -> None:
        """Let the gate of an application know whose keys and sessions hold."""
        self._known.wire(app)

    async def sign_in(self, login: str, password: str, address: str) -> Account | None:
        """The account that a login (person's id or mail address) and a password open; None where they open none.

        Unknown, closed and wrong are one answer and take the same time. Raises TooManyAttempts.
        """
        id = self._person_of(login) or ""
        key, begun = id or login[:_LONGEST_LOGIN].lower(), self._clock.now()
        if wait := self._attempts.begin(key, address, begun):
            raise TooManyAttempts(wait)
        account = (await self._accounts.load(account_id(id))).state if id else None
        if account is not None and account.closed:
            account = None
        kept = account.password_hash if account else None
        if not await self._passwords.verify(kept, password):
            return None
        self._attempts.succeeded(key, address, begun)
        return account

    def _person_of(self, login: str) -> str | None:
        wanted = login.strip().lower()
        if wanted in self.organisation.person:
            return wanted
        by_mail = [one.id for one in self.organisation.people if one.mail.lower() == wanted]
        return by_mail[0] if len(by_mail) == 1 else None

    async def create(self, person_id: str, password: str) -> None:
        """Give somebody of the organisation an account. Raises AccountRefused."""
        principal = person(self.organisation, person_id)
        if principal is None:
            raise AccountRefused(
                f"{person_id} is not among the people of {self.organisation.id}: add them to its file first."
            )
        check(password)
        hashed = await self._passwords.hash(password)
        await self._accounts.answer(
            account_id(person_id), _command(), lambda state, _: accounts.create(state, principal, hashed)
        )

    async def set_password(self, person_id: str, password: str, actor: str) -> Account:
        """A new password; every session of the account ends. Raises AccountRefused."""
        check(password)
        hashed = await self._passwords.hash(password)
        return await self._change(person_id, actor, "password", hashed)

    async def close(self, person_id: str, actor: str) -> Account:
        """Nobody signs in with it any more, and its sessions end. Raises AccountRefused."""
        return await self._change(person_id, actor, "closed")

    async def reopen(self, person_id: str, actor: str) -> Account:
        """A closed account is open again, with the password it had. Raises AccountRefused."""
        return await self._change(person_id, actor, "opened")

    async def _change(
        self, person_id: str, actor: str, what: Literal["password", "closed", "opened"], hashed: str = ""
    ) -> Account:
        answer = await self._accounts.answer(
            account_id(person_id), _command(), lambda state, _: accounts.change(state, actor, what, hashed)
        )
        return answer.state

    async def all_accounts(self) -> list[Account]:
        """Every account, by person."""
        found: list[Account] = []
        after: tuple[str | int, str] | None = None
        while rows := await self._store.find(ACCOUNTS, order="person", after=after, limit=500):
            for document, _ in rows:
                state = self._accounts.read(document.body, document.version).state
                assert state is not None
                found.append(state)
            after = (rows[-1][1], rows[-1][0].id)
        return found

    async def issue_key(self, name: str, rights: Iterable[str], actor: str) -> str:
        """A new key for a machine, as it is shown this once. Raises AccountRefused."""
        selector, secret = secrets.token_hex(6), secrets.token_hex(24)
        hashed, wanted = hash_secret(secret), list(rights)
        await self._keys.answer(
            key_id(selector),
            _command(),
            lambda state, _: accounts.issue(state, actor, name, wanted, hashed),
            fresh=True,
        )
        return f"{KEY_PREFIX}{selector}_{secret}"

    async def revoke_key(self, selector: str, actor: str) -> None:
        """A key holds no more. Raises AccountRefused."""
        wanted = selector.removeprefix(KEY_PREFIX).partition("_")[0]
        await self._keys.answer(key_id(wanted), _command(), lambda state, _: accounts.revoke(state, actor))

    async def all_keys(self) -> list[tuple[str, ApiKey]]:
        """Every key with its selector, by name."""
        found: list[tuple[str, ApiKey]] = []
        after: tuple[str | int, str] | None = None
        while rows := await self._store.find(KEYS, order="name", after=after, limit=500):
            for document, _ in rows:
                state = self._keys.read(document.body, document.version).state
                assert state is not None
                found.append((document.id.removeprefix("key_"), state))
            after = (rows[-1][1], rows[-1][0].id)
        return found

    def now(self) -> datetime:
        """The installation's time."""
        return self._clock.now()


def _command() -> str:
    return f"cmd_{ids.random_bytes(16).hex()}"
