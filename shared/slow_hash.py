"""Slow hashes of what people hold, passwords and codes: Argon2id (RFC 9106), off the event loop.

The parameters are those of OWASP's password storage sheet.
"""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2
"""Hashes computed side by side: each takes 19 MiB and some 50 ms, and the rest of the house wants to live."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class SlowHash:
    """Hashes and verifies, a few at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, secret: str) -> str:
        """The hash to keep."""
        async with self._turn:
            return await asyncio.to_thread(_HASHER.hash, secret)

    async def verify(self, kept: str | None, secret: str) -> bool:
        """Whether the secret is right. Where none is kept it takes as long and is False."""
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_hex(16))
        async with self._turn:
            right = await asyncio.to_thread(_verify, kept or self._nobodys, secret)
        return right and kept is not None


def _verify(kept: str, secret: str) -> bool:
    try:
        return _HASHER.verify(kept, secret)
    except (VerificationError, InvalidHashError):
        return False
