"""Passwords: how long they are, and one that can be read out. `shared/slow_hash` says how they are kept."""

from __future__ import annotations

import secrets

from services.routing.people.account import AccountRefused

SHORTEST = 12
LONGEST = 200

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
