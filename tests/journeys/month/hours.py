"""Working time by walking from day to day, on the wall clock of an office in China in autumn 2026."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MIDNIGHT = time()
DAY = timedelta(days=1)
HOLIDAYS = {
    *(date(2026, 9, 25) + n * DAY for n in range(3)),  # Mid-Autumn
    *(date(2026, 10, 1) + n * DAY for n in range(7)),  # National Day
}
WORKED = {date(2026, 9, 20), date(2026, 10, 10)}
"""The Sunday and the Saturday that are worked for it, as the State Council announced."""

Spell = tuple[datetime, datetime]


@dataclass(frozen=True)
class Hours:
    """When an office works. Its instants are naive ones of its wall clock, in whole seconds."""

    windows: tuple[tuple[str, str], ...]
    always: bool = False

    def works_on(self, day: date) -> bool:
        """Whether anybody does."""
        return self.always or day in WORKED or (day.weekday() < 5 and day not in HOLIDAYS)

    def spells(self, begin: datetime) -> Iterator[Spell]:
        """The spells of work from the day of `begin` on, without end."""
        day = begin.date()
        while True:
            if self.works_on(day):
                for opens, closes in self.windows:
                    yield at(day, opens), at(day, closes)
            day += DAY

    def close_after(self, day: date, days: int) -> datetime:
        """The close of the so manyeth working day after that day."""
        while days:
            day += DAY
            days -= self.works_on(day)
        return at(day, self.windows[-1][1])

    def opening(self, instant: datetime) -> datetime:
        """The instant itself where somebody works then, the last second of a spell included; else when work begins."""
        for opens, closes in self.spells(instant):
            if instant <= closes:
                return max(opens, instant)
        raise AssertionError

    def next_days_opening(self, instant: datetime) -> datetime:
        """When the next working day begins."""
        return next(opens for opens, _ in self.spells(instant) if opens > instant and self._first(opens))

    def _first(self, opens: datetime) -> bool:
        return opens == at(opens.date(), self.windows[0][0])


def at(day: date, text: str) -> datetime:
    """`17:30` of a day; `24:00` is the midnight after it."""
    hour, minute = map(int, text.split(":"))
    return datetime.combine(day, MIDNIGHT) + timedelta(hours=hour, minutes=minute)


@dataclass(frozen=True)
class Limit:
    """How long: `5wd`, `4wh`, `30wm` count work, `15min`, `2h`, `7d` count everything."""

    number: int
    unit: str

    @classmethod
    def read(cls, text: str) -> Limit:
        """As a table writes it."""
        found = re.fullmatch(r"(\d+)(wm|wh|wd|min|h|d)", text)
        assert found is not None, text
        return cls(int(found[1]), found[2])

    @property
    def counts_work(self) -> bool:
        """Whether only working seconds count."""
        return self.unit[0] == "w"

    @property
    def seconds(self) -> int:
        """How many count; `wd` has no such number."""
        return self.number * {"wm": 60, "wh": 3600, "min": 60, "h": 3600, "d": 86_400}[self.unit]


def after(hours: Hours, start: datetime, limit: Limit) -> datetime:
    """When a limit ends that begins then."""
    if limit.unit == "wd":
        return hours.close_after(start.date(), limit.number)
    return reached(hours, start, limit.seconds, work=limit.counts_work)


def reached(
    hours: Hours, start: datetime, seconds: int, *, work: bool, pauses: Sequence[Spell] = ()
) -> datetime:
    """The instant at which so many seconds have counted since `start`."""
    for begin, end in _running(hours, start, work=work, pauses=pauses):
        there = int((end - begin).total_seconds())
        if seconds <= there:
            return begin + timedelta(seconds=seconds)
        seconds -= there
    raise AssertionError


def counted(hours: Hours, start: datetime, end: datetime, *, work: bool, pauses: Sequence[Spell] = ()) -> int:
    """How many seconds count between two instants."""
    total = 0
    for begin, stop in _running(hours, start, work=work, pauses=pauses):
        if begin >= end:
            break
        total += int((min(stop, end) - begin).total_seconds())
    return total


def _running(hours: Hours, start: datetime, *, work: bool, pauses: Sequence[Spell]) -> Iterator[Spell]:
    """The spells in which time counts from `start` on: of work, or all; without the pauses."""
    whole = hours.spells(start) if work else _whole_days(start)
    for opens, closes in whole:
        begin = max(opens, start)
        for stops, goes_on in pauses:
            if begin < min(stops, closes):
                yield begin, min(stops, closes)
            begin = max(begin, goes_on) if stops < closes else closes
        if begin < closes:
            yield begin, closes


def _whole_days(start: datetime) -> Iterator[Spell]:
    day = datetime.combine(start.date(), MIDNIGHT)
    while True:
        yield day, day + DAY
        day += DAY
