"""Identifiers: opaque, URL-safe, and where something follows from something else, derived from it.

Aggregates carry their kind in a prefix (`msg_`, `case_`, `dlv_`), so that an id in a log line says what it is.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime

_POOL_BYTES = 65536


class RandomPool:
    """Random bytes drawn from the system a page at a time: one system call serves many ids (LIMITS.md)."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._pool):
            self._pool = os.urandom(max(_POOL_BYTES, count))
            self._at = 0
        taken = self._pool[self._at : self._at + count]
        self._at += count
        return taken


_random = RandomPool()


def random_bytes(count: int) -> bytes:
    """`count` bytes fit for keys. Not to be called from two threads at once."""
    return _random.take(count)


def ordered(prefix: str, now: datetime) -> str:
    """A new id whose order follows the time it was drawn at: kind to a b-tree."""
    return f"{prefix}_{int(now.timestamp() * 1000):012x}{random_bytes(10).hex()}"


def first_at(prefix: str, milliseconds: int) -> str:
    """What comes, in the order of ids, before every `ordered` one of that millisecond and after those before it."""
    return f"{prefix}_{milliseconds:012x}"


def derived(prefix: str, *parts: str) -> str:
    """The id of what follows from `parts` alone: the same parts always give the same id."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"{prefix}_{digest[:16].hex()}"


def keyed(key: bytes, *parts: bytes) -> str:
    """A pseudonym of `parts` that only the holder of `key` can recompute (HMAC-SHA256, 128 bits)."""
    mac = hmac.new(key, digestmod="sha256")
    for part in parts:
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.digest()[:16].hex()


_REF_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_REF_LENGTH = 8


def _check_character(body: str) -> str:
    """ISO 7064 hybrid system MOD 33,32: finds every single wrong character and nearly every swap of neighbours."""
    size = len(_REF_ALPHABET)
    product = size
    for character in body:
        total = (product + _REF_ALPHABET.index(character)) % size or size
        product = total * 2 % (size + 1)
    return _REF_ALPHABET[(size + 1 - product) % size]


def case_ref(key: bytes, case_id: str, attempt: int = 0) -> str:
    """A case's public name, `K7QM-2XPA-B`: keyed, so that it looks random and counts nothing, with a check character.

    A name already taken is tried again with the next `attempt`.
    """
    raw = hmac.new(key, f"ref\x1f{case_id}\x1f{attempt}".encode(), "sha256").digest()
    body = "".join(_REF_ALPHABET[byte % 32] for byte in raw[:_REF_LENGTH])
    return f"{body[:4]}-{body[4:]}-{_check_character(body)}"


def read_ref(text: str) -> str | None:
    """The ref that a person typed, in its usual form, or None where it can't be one."""
    body = "".join(text.upper().split()).replace("-", "")
    if len(body) != _REF_LENGTH + 1 or any(character not in _REF_ALPHABET for character in body):
        return None
    if _check_character(body[:-1]) != body[-1]:
        return None
    return f"{body[:4]}-{body[4:8]}-{body[8]}"
