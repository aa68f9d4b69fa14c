"""Whether a group gets on: events wait in a stream, and the position up to which it is answered does not move.

A group that has nothing to do stands still as well, and so does one all of whose keys are held back: neither has an
event that waits to be answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.clock import Clock

STILL_SECONDS = 30.0
"""How long a position may stay where it is. A store may fail over meanwhile; an answer takes no such time."""


class Stand(NamedTuple):
    """How a stream was found."""

    stream: str
    answered: int
    """Everything below this position is answered."""
    waiting: int
    """How many events from there on wait."""


class Standstill:
    """Compares each look at a group's streams with the looks before. Time is this machine's own watch."""

    def __init__(self, clock: Clock, watch: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._watch = watch
        self._found: dict[str, tuple[Stand, float]] = {}
        """Of each stream in which something waits: how it is, and when its position was first seen where it is."""

    def saw(self, stands: Iterable[Stand]) -> None:
        """How the streams are that the group has now; others are forgotten."""
        now, before = self._watch(), self._found
        self._found = {}
        for one in stands:
            if one.waiting > 0:
                known = before.get(one.stream)
                moved = known is None or known[0].answered != one.answered
                self._found[one.stream] = (one, now if known is None or moved else known[1])

    def seconds(self) -> float:
        """For how long the stream that has stood longest has stood, though events wait in it."""
        return max((self._watch() - since for _, since in self._found.values()), default=0.0)

    def reason(self) -> str | None:
        """What stands still and since when; None where it gets on."""
        still = [(since, one) for one, since in self._found.values() if self._watch() - since > STILL_SECONDS]
        if not still:
            return None
        since, stand = min(still)
        seconds = self._watch() - since
        others = f", and {len(still) - 1} more like it" if len(still) > 1 else ""
        return (
            f"nothing of {stand.stream} has been answered since {_instant(self._clock.now(), seconds)}"
            f" ({seconds:.0f} s), and {stand.waiting} of its events wait{others}"
        )


def _instant(now: datetime, seconds: float) -> str:
    return f"{now - timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
