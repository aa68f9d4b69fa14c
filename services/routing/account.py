"""The time account of a case (用時明細, M14): who had it, when, and how much of that was working time.

Every instant from arrival to resolution has one holder, and the parts sum to the whole. It follows from the case's
records alone and from the calendars of the versions that they name, so whoever has the trail can compute it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from services.routing.course import Course, Holder, Stretch, holder_named, versions
from services.routing.deadlines import Deadline, explained
from shared.calendar import Calendar, Interval, explain, working_milliseconds
from shared.events import Record
from shared.organisation import Calendars

__all__ = ["Account", "Calendars", "Held", "Holder", "account", "versions"]

_HOUSE = frozenset({"coordinator", "department"})
"""Whose time can be booked to another: nobody answers for what the sender or an approved pause took."""


@dataclass(frozen=True, slots=True)
class Time:
    """Milliseconds on the clock, and those of them that are working time of the office which had the case."""

    wall: int = 0
    counted: int = 0

    def __add__(self, other: Time) -> Time:
        return Time(self.wall + other.wall, self.counted + other.counted)

    def __sub__(self, other: Time) -> Time:
        return Time(self.wall - other.wall, self.counted - other.counted)


@dataclass(frozen=True, slots=True)
class Held:
    """One holder had the case without a break. Nothing rewrites it; `intervals` say what counts in it, and why."""

    holder: Holder
    begin: datetime
    end: datetime
    time: Time
    organisation: str
    """The version of the organisation under whose calendars it is counted."""
    office: str
    """Whose calendar counts: the department that had the case or for which it stood still, else `coordinator`."""
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Rebooked:
    """Time that another answers for than held the case: a further entry, by which totals move."""

    entry: int
    """The sequence of the case's event that says so."""
    at: datetime
    begin: datetime
    end: datetime
    source: Holder
    """Who answered for it before."""
    to: Holder
    time: Time


@dataclass(frozen=True, slots=True)
class Total:
    """What one holder comes to."""

    holder: Holder
    held: Time
    """While the case was there."""
    answers_for: Time
    """The same with what was booked to and from it."""


@dataclass(frozen=True, slots=True)
class Assisted:
    """Another department was asked to help, beside whoever held the case; its time is in no total."""

    department: str
    begin: datetime
    end: datetime
    outcome: Literal["open", "given", "declined", "released", "over"]
    time: Time


@dataclass(frozen=True, slots=True)
class Account:
    """Where the time of a case went: from arrival to its last final answer or its close, else so far."""

    begin: datetime
    end: datetime
    resolved: bool
    time: Time
    held: tuple[Held, ...]
    rebooked: tuple[Rebooked, ...]
    totals: tuple[Total, ...]
    assists: tuple[Assisted, ...]
    deadlines: tuple[Deadline, ...]


def account(records: Iterable[Record], calendars: Callable[[str], Calendars], now: datetime) -> Account:
    """The account of a case, from all its records. `calendars` are those of a version of the organisation.

    Raises `shared.calendar.CalendarError` where it goes beyond the days that a calendar knows.
    """
    now = now.astimezone(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    course = Course.of(records, now)
    held = tuple(_held(one, calendars) for one in course.stretches)
    rebooked, ledger = _rebooked(course, held, calendars)
    return Account(
        begin=course.begin,
        end=course.end,
        resolved=course.resolved is not None,
        time=sum((one.time for one in held), Time()),
        held=held,
        rebooked=tuple(rebooked),
        totals=tuple(_totals(held, ledger)),
        assists=tuple(_assists(course, calendars)),
        deadlines=tuple(explained(one, calendars(one.organisation), now) for one in course.deadlines),
    )


def _held(stretch: Stretch, calendars: Callable[[str], Calendars]) -> Held:
    calendar = calendars(stretch.organisation).of(stretch.office)
    return Held(
        holder=stretch.holder,
        begin=stretch.begin,
        end=stretch.end,
        time=_time(calendar, stretch.begin, stretch.end),
        organisation=stretch.organisation,
        office=stretch.office,
        intervals=tuple(_intervals(calendar, stretch.begin, stretch.end)),
    )


def _time(calendar: Calendar, begin: datetime, end: datetime) -> Time:
    return Time((end - begin) // timedelta(milliseconds=1), working_milliseconds(calendar, begin, end))


def _intervals(calendar: Calendar, begin: datetime, end: datetime) -> list[Interval]:
    """What counts and why: calendars know seconds, so what they explain is cut to the case's milliseconds."""
    found = explain(calendar, begin, end + timedelta(seconds=1 if end.microsecond else 0))
    cut = [replace(one, begin=max(one.begin, begin), end=min(one.end, end)) for one in found]
    return [one for one in cut if one.begin < one.end]


@dataclass(frozen=True, slots=True)
class _Line:
    """Part of the time, and who answers for it."""

    begin: datetime
    end: datetime
    holder: Holder
    calendar: Calendar

    @property
    def time(self) -> Time:
        return _time(self.calendar, self.begin, self.end)


def _rebooked(
    course: Course, held: Sequence[Held], calendars: Callable[[str], Calendars]
) -> tuple[list[Rebooked], list[_Line]]:
    """Every booking as it moved time, in order, each on top of those before; and who answers in the end."""
    ledger = [
        _Line(one.begin, one.end, one.holder, calendars(one.organisation).of(one.office)) for one in held
    ]
    found: list[Rebooked] = []
    for booked in course.bookings:
        to = holder_named(booked.booking.holder)
        begin, end = max(booked.booking.begin, course.begin), min(booked.booking.end, course.end)
        moved: dict[Holder, Time] = {}
        after: list[_Line] = []
        for line in ledger:
            first, last = max(line.begin, begin), min(line.end, end)
            if first >= last or line.holder == to or line.holder.role not in _HOUSE:
                after.append(line)
                continue
            taken = replace(line, begin=first, end=last, holder=to)
            parts = (replace(line, end=first), taken, replace(line, begin=last))
            after += [one for one in parts if one.begin < one.end]
            moved[line.holder] = moved.get(line.holder, Time()) + taken.time
        ledger = after
        found += [
            Rebooked(booked.entry, booked.at, begin, end, source, to, time) for source, time in moved.items()
        ]
    return found, ledger


def _totals(held: Sequence[Held], ledger: Sequence[_Line]) -> list[Total]:
    """One for each holder, in the order in which they first had the case or answer for its time."""
    had: dict[Holder, Time] = {}
    answers: dict[Holder, Time] = {}
    for one in held:
        had[one.holder] = had.get(one.holder, Time()) + one.time
    for line in ledger:
        answers[line.holder] = answers.get(line.holder, Time()) + line.time
    return [
        Total(holder, had.get(holder, Time()), answers.get(holder, Time()))
        for holder in dict.fromkeys((*had, *answers))
    ]


def _assists(course: Course, calendars: Callable[[str], Calendars]) -> list[Assisted]:
    """Each under the helping department's own calendar, part by part where another version came to hold."""
    found = []
    for one in course.assists:
        end = min(one.end or course.end, course.end)
        if one.begin > end:
            continue
        time = Time()
        for begin, until, version in course.under(one.begin, end):
            time += _time(calendars(version).of(one.department), begin, until)
        found.append(Assisted(one.department, one.begin, end, one.outcome, time))
    return found
