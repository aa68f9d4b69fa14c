"""When an office works, for made-up histories: spans of a day, days of a week, days off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

ZONE = timedelta(hours=8)
_DAY = 86_400
_MONDAY = 4
"""Day 0 of 1970 was a Thursday: day 4 was the first Monday."""


@dataclass(frozen=True)
class Hours:
    """Working time in a zone eight hours before UTC. Spans are seconds of a day."""

    spans: tuple[tuple[int, int], ...] = ((30_600, 43_200), (50_400, 63_000))
    days: int = 5
    off: frozenset[int] = frozenset()
    """Days off, counted from 1970."""

    def _on(self, day: int) -> bool:
        return (day - _MONDAY) % 7 < self.days and day not in self.off

    def after(self, start: datetime, seconds: float) -> datetime:
        """When so many working seconds have passed."""
        at = _local(start)
        left = max(0.0, seconds)
        day, second = int(at // _DAY), at % _DAY
        while True:
            if self._on(day):
                for begin, end in self.spans:
                    first = max(float(begin), second)
                    if end > first:
                        if end - first >= left:
                            return _instant(day * _DAY + first + left)
                        left -= end - first
            day, second = day + 1, 0.0

    def between(self, start: datetime, end: datetime) -> float:
        """Working seconds between two instants."""
        first, last = _local(start), _local(end)
        total = 0.0
        for day in range(int(first // _DAY), int(last // _DAY) + 1):
            if self._on(day):
                for begin, stop in self.spans:
                    total += max(0.0, min(last, day * _DAY + stop) - max(first, day * _DAY + begin))
        return total

    @property
    def a_day(self) -> int:
        """Working seconds of a working day."""
        return sum(end - begin for begin, end in self.spans)


AROUND_THE_CLOCK = Hours(((0, _DAY),), days=7)


def of_the_day(instant: datetime) -> int:
    """The second of its day, where the office is."""
    return int(_local(instant) % _DAY)


def _local(instant: datetime) -> float:
    return instant.timestamp() + ZONE.total_seconds()


def _instant(local: float) -> datetime:
    return datetime.fromtimestamp(round(local - ZONE.total_seconds()), UTC)
