"""An instant as every store keeps it: a whole number of milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970, UTC; a fraction counts as the next, so that nothing is due too early."""
    return -int(-instant.timestamp() * 1000 // 1)


def instant(value: int) -> datetime:
    """The instant of a store's integer."""
    return datetime.fromtimestamp(value / 1000, UTC)
