"""What is usual at a door of the house: how much comes in at which hour of the week, how much of it goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import BaseModel

from shared.events.findings import Evidence

WEEK = 168
"""Hours."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED = 5
"""Weeks that weigh in what is usual."""
_LONGEST = 4 * WEEK
"""So many hours are caught up with where the trail stood still; of longer ones nothing is known."""
_SLOWLY = 200
"""What is usual moves by the part of one in so many outcomes."""
_WAVE = 3
"""An hour in which much more came than usual weighs as so many usual ones and as many messages."""
_SHOWN = 5
_ENOUGH = 5_000
"""Thousandths of messages by the other ways from which on their quiet says something."""
_AS_USUAL = 2_000
"""Basis points that may go wrong once it is over."""


def hour_of(instant: datetime) -> int:
    """Its hour, counted from 1970."""
    return int((instant - _EPOCH).total_seconds()) // 3600


class Rhythm(BaseModel):
    """How much usually comes by one way in, hour by hour of the week, in thousandths of a message."""

    usual: list[int] = [0] * WEEK
    hours: int = 0
    """For so long it is known."""
    now: int = 0
    """Messages of the hour under way."""
    quiet: int = 0
    """Hours that are over since the last message."""
    expected: int = 0
    """What usually would have come meanwhile."""
    flow: int = 0
    """What usually would have come since it is known."""
    others_expected: int = 0
    others_came: int = 0
    """By all other ways, meanwhile."""
    last: Evidence | None = None
    told: bool = False

    def came(self, entry: Evidence) -> None:
        """One more message."""
        self.now += 1
        self.quiet = self.expected = self.others_expected = self.others_came = 0
        self.last, self.told = entry, False

    def missing(self, least: int) -> int:
        """How many messages are missing, in thousandths: fewer where others are missing elsewhere too.

        `least` is the part, in basis points, that is missing for certain however quiet the others are.
        """
        part = 10_000
        if self.others_expected >= _ENOUGH:
            part = min(part, max(least, self.others_came * 10_000 // self.others_expected))
        return self.expected * part // 10_000


class Ways(BaseModel):
    """All ways in, by the endpoint's name, and the hour up to which they are counted."""

    hour: int | None = None
    of: dict[str, Rhythm] = {}

    def hours(self, instant: datetime) -> Iterator[int]:
        """Count the hours that are over, one after the other."""
        now = hour_of(instant)
        if self.hour is None:
            self.hour = now
        for hour in range(max(self.hour, now - _LONGEST), now):
            self._over(hour % WEEK)
            yield hour
        self.hour = max(self.hour, now)

    def came(self, endpoint: str, entry: Evidence) -> None:
        """One more message by an endpoint."""
        self.of.setdefault(endpoint, Rhythm()).came(entry)

    def _over(self, slot: int) -> None:
        usual = sum(one.usual[slot] for one in self.of.values())
        came = sum(one.now for one in self.of.values()) * 1000
        for one in self.of.values():
            if one.now == 0:
                one.quiet += 1
                one.expected += one.usual[slot]
                one.others_expected += usual - one.usual[slot]
                one.others_came += came
        for one in self.of.values():
            one.flow += one.usual[slot]
            weight = min(one.hours // WEEK, _REMEMBERED) + 1
            most = _WAVE * (one.usual[slot] + 1000)
            one.usual[slot] += (min(one.now * 1000, most) - one.usual[slot]) // weight
            one.hours, one.now = one.hours + 1, 0


class Outcomes(BaseModel):
    """How the latest things at one door ended, and what share of them usually goes wrong, in basis points."""

    latest: list[bool] = []
    """Whether it went wrong."""
    flows: list[int] = []
    """The door's flow at each of them."""
    usual: int = 0
    known: int = 0
    wrong: list[Evidence] = []
    """The latest that went wrong."""
    told: bool = False

    def ended(self, entry: Evidence, *, wrong: bool, of: int, flow: int = 0) -> None:
        """One more; the latest `of` are looked at, what went before them is what is usual."""
        self.latest.append(wrong)
        self.flows.append(flow)
        if wrong:
            self.wrong = [*self.wrong, entry][-_SHOWN:]
        if len(self.latest) > of:
            before = 10_000 if self.latest.pop(0) else 0
            del self.flows[0]
            self.known += 1
            self.usual += (before - self.usual) // min(self.known, _SLOWLY)
        if self.share <= max(self.usual, _AS_USUAL):
            self.told = False

    @property
    def share(self) -> int:
        """Of the latest, how many went wrong."""
        return sum(self.latest) * 10_000 // max(1, len(self.latest))

    @property
    def as_many_as_ever(self) -> bool:
        """Whether at least half as many went well meanwhile as usual: what goes wrong came on top."""
        well = (self.flows[-1] - self.flows[0]) * (10_000 - self.usual) // 10_000
        return 2_000 * self.latest.count(False) >= well
