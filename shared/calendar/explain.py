"""A deadline explained interval by interval: what was counted, what was not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.calendar.calendar import Calendar
from shared.calendar.limit import Limit
from shared.calendar.timeline import instant
from shared.calendar.working_time import moment, unix_seconds


class Reason(StrEnum):
    """Why an interval counts or does not; `arrival_day` is for limits in days, `plain` for plain ones.

    `paused` is never a calendar's: a limit's clock stood still, which whoever knows of the pause says.
    """

    WORKING_HOURS = "working_hours"
    MAKE_UP_DAY = "make_up_day"
    EXTRA_DAY = "extra_day"
    OUTSIDE_HOURS = "outside_hours"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    CLOSURE = "closure"
    ARRIVAL_DAY = "arrival_day"
    PLAIN = "plain"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Interval:
    """From `begin` up to `end` (UTC); `name` is the day's by language where it has one.

    `provisional`: it rests on a year whose holidays are not announced yet.
    """

    begin: datetime
    end: datetime
    counted: bool
    reason: Reason
    name: dict[str, str] = field(default_factory=dict)
    provisional: bool = False


def explain(calendar: Calendar, start: datetime, end: datetime, limit: Limit | None = None) -> list[Interval]:
    """The intervals from `start` to `end`, without hole or overlap.

    With a limit in working days the working time of the day of arrival is shown as not counted; without a
    limit the counted intervals sum to `working_seconds`. Raises `CalendarError` outside the calendar.
    """
    begin, last = unix_seconds(start), unix_seconds(end)
    if limit is not None and not limit.is_working:
        return [Interval(moment(begin), moment(last), counted=True, reason=Reason.PLAIN)]
    # Asking for the positions refuses what the calendar does not know, so the days below are bounded.
    calendar.timeline.position(begin)
    calendar.timeline.position(last)
    arrival = calendar.local(start).date() if limit is not None and limit.counts_days else None
    day, final = calendar.local(start).date(), calendar.local(end).date()
    first, until = moment(begin), moment(last)
    found: list[Interval] = []
    while day <= final:
        for part in _remembered(calendar, day):
            _append(found, _as_counted(part, day == arrival), first, until)
        day += timedelta(1)
    return found


def _remembered(calendar: Calendar, day: date) -> tuple[Interval, ...]:
    """A day is explained once: a case's account asks for the same days for each of its deadlines."""
    found: tuple[Interval, ...] | None = calendar.explained.get(day)
    if found is None:
        found = calendar.explained[day] = tuple(_day(calendar, day))
    return found


def _day(calendar: Calendar, day: date) -> Iterator[Interval]:
    """One local day from midnight to midnight."""

    def part(opens: int, closes: int, reason: Reason, *, counted: bool) -> Interval:
        name = special.name if special and reason is not Reason.OUTSIDE_HOURS else {}
        begin, end = (moment(instant(midnight + timedelta(seconds=s))) for s in (opens, closes))
        return Interval(begin, end, counted, reason, name, calendar.is_provisional(day))

    special = calendar.days.get(day)
    midnight = datetime(day.year, day.month, day.day, tzinfo=calendar.tz)
    if not calendar.is_working_day(day):
        yield part(0, 86_400, Reason(special.kind) if special else Reason.WEEKEND, counted=False)
        return
    reason = Reason(special.kind) if special else Reason.WORKING_HOURS
    reached = 0
    for window in calendar.windows:
        yield part(reached, window.opens, Reason.OUTSIDE_HOURS, counted=False)
        yield part(window.opens, window.closes, reason, counted=True)
        reached = window.closes
    yield part(reached, 86_400, Reason.OUTSIDE_HOURS, counted=False)


def _as_counted(part: Interval, is_arrival: bool) -> Interval:
    return replace(part, counted=False, reason=Reason.ARRIVAL_DAY) if is_arrival and part.counted else part


def _append(found: list[Interval], part: Interval, first: datetime, until: datetime) -> None:
    """Add what of a part lies within [first, until]; what is not counted joins a like predecessor."""
    if part.begin < first or part.end > until:
        part = replace(part, begin=max(part.begin, first), end=min(part.end, until))
    if part.begin >= part.end:
        return
    if found and not part.counted and _alike(found[-1], part):
        found[-1] = replace(found[-1], end=part.end)
    else:
        found.append(part)


def _alike(one: Interval, other: Interval) -> bool:
    return (one.counted, one.reason, one.name, one.provisional) == (
        other.counted,
        other.reason,
        other.name,
        other.provisional,
    )
