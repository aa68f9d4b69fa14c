"""Passwords: Argon2id (RFC 9106) with the parameters of OWASP's password storage sheet, off the event loop."""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.routing.people.account import AccountRefused

SHORTEST = 12
LONGEST = 200
_AT_ONCE = 2
"""Hashes computed side by side: each takes 19 MiB and some 50 ms, and the rest of the house wants to live."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_CONSONANTS = "bdfghjkmnprstvz"
_VOWELS = "aeiou"


def check(password: str) -> None:
    """Refuse what is too short or too long; length is all that is asked (NIST SP 800-63B)."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise AccountRefused(
            f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}."
        )


def readable() -> str:
    """A random password that can be read out: four words of two syllables, 49 bits."""

    def word() -> str:
        return "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(2))

    return "-".join(word() for _ in range(4))


class Passwords:
    """Hashes and verifies, a few at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to keep."""
        async with self._turn:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether the password is right. Without an account it takes as long and is False."""
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_hex(16))
        async with self._turn:
            right = await asyncio.to_thread(_verify, kept or self._nobodys, password)
        return right and kept is not None


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
