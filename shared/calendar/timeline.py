"""Working seconds laid end to end, so that adding and measuring are two look-ups by bisection."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from shared.calendar.errors import BeyondCalendarError


class Span(NamedTuple):
    """Working time without a break: from `begin` up to `end` in Unix seconds, on the local day `day` (an
    ordinal).
    """

    begin: int
    end: int
    day: int


def instant(wall: datetime) -> int:
    """Unix seconds of a wall-clock time that carries its zone.

    A time that happens twice is its first occurrence; one that daylight saving skips is the moment of the
    skip, so that windows which meet on the wall clock also meet in fact and never overlap (PEP 495 gives
    `fold` this meaning).
    """
    unix = int(wall.timestamp())
    other = int(wall.replace(fold=1).timestamp())
    if other >= unix:
        return unix
    early, late = other, unix
    before = _offset(wall, early)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if _offset(wall, middle) == before else (early, middle)
    return late


def _offset(wall: datetime, unix: int) -> timedelta | None:
    return datetime.fromtimestamp(unix, wall.tzinfo).utcoffset()


class Timeline:
    """The working seconds of a calendar by their position: how many came before them."""

    def __init__(self, spans: Sequence[Span], *, first: int, last: int) -> None:
        """`spans` in order and disjoint, within [first, last] in Unix seconds."""
        self.spans = spans
        self.first, self.last = first, last
        self._begins = [span.begin for span in spans]
        self._totals = list(accumulate(span.end - span.begin for span in spans))
        closes = {span.day: span.end for span in spans}
        self._days, self._closes = list(closes), list(closes.values())

    def position(self, unix: int) -> int:
        """How many working seconds lie before that instant; raises `BeyondCalendarError`."""
        if not self.first <= unix <= self.last:
            raise self._beyond(unix)
        index = bisect_right(self._begins, unix) - 1
        if index < 0:
            return 0
        span = self.spans[index]
        return self._totals[index] - (span.end - min(unix, span.end))

    def at(self, position: int) -> int:
        """The earliest instant that has so many working seconds before it; raises `BeyondCalendarError`."""
        index = bisect_left(self._totals, position)
        if index == len(self._totals):
            raise self._beyond(None)
        return self.spans[index].end - (self._totals[index] - position)

    def is_open(self, unix: int) -> bool:
        """Whether that instant lies in working time, both ends of it included; raises `BeyondCalendarError`."""
        if not self.first <= unix <= self.last:
            raise self._beyond(unix)
        index = bisect_right(self._begins, unix) - 1
        return index >= 0 and unix <= self.spans[index].end

    def opening_after(self, unix: int, *, first_of_day: bool = False) -> int:
        """When the next span of working time after that instant begins; the first of its day where it is asked for."""
        index = bisect_right(self._begins, unix)
        while (
            first_of_day
            and 0 < index < len(self.spans)
            and self.spans[index].day == self.spans[index - 1].day
        ):
            index += 1
        if index >= len(self.spans):
            raise self._beyond(None)
        return self.spans[index].begin

    def close_after(self, day: int, number: int) -> int:
        """The close of the `number`th working day after `day` (an ordinal); raises `BeyondCalendarError`."""
        index = bisect_right(self._days, day) + number - 1
        if index >= len(self._closes):
            raise self._beyond(None)
        return self._closes[index]

    def _beyond(self, unix: int | None) -> BeyondCalendarError:
        first, last = (datetime.fromtimestamp(edge, UTC).isoformat() for edge in (self.first, self.last))
        what = "the deadline" if unix is None else datetime.fromtimestamp(unix, UTC).isoformat()
        return BeyondCalendarError(
            f"{what} lies outside the calendar, which knows {first} to {last}: use a calendar of more years"
        )
