"""How often somebody may guess: failed sign-ins are counted by account, by address, and by both. In memory, pure."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
LIMITS = {"both": 5, "address": 30, "account": 50}
"""Failures in a window: few for one address at one account; more for an account, lest strangers lock somebody out."""
_REMEMBERED = 20_000


class Attempts:
    """Counts attempts as failed until they are known to have succeeded, so that many at once gain nothing."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, ...], list[datetime]] = OrderedDict()

    def begin(self, account: str, address: str, now: datetime) -> timedelta | None:
        """Count an attempt; or say how long to wait before the next one."""
        keys = _keys(account, address)
        waits = [
            wait for kind, key in keys.items() if (wait := self._wait(key, LIMITS[kind], now)) is not None
        ]
        if waits:
            return max(waits)
        for key in keys.values():
            self._failed.setdefault(key, []).append(now)
            self._failed.move_to_end(key)
        while len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)
        return None

    def succeeded(self, account: str, address: str, at: datetime) -> None:
        """The attempt begun at `at` was right: earlier slips of this account from this address are forgotten."""
        keys = _keys(account, address)
        self._failed.pop(keys.pop("both"), None)
        for key in keys.values():
            if at in (times := self._failed.get(key, [])):
                times.remove(at)

    def _wait(self, key: tuple[str, ...], limit: int, now: datetime) -> timedelta | None:
        times = [at for at in self._failed.get(key, []) if at > now - WINDOW]
        if key in self._failed:
            self._failed[key] = times
        return times[-limit] + WINDOW - now if len(times) >= limit else None


def _keys(account: str, address: str) -> dict[str, tuple[str, ...]]:
    return {"both": (account, address), "address": ("", address), "account": (account, "")}
