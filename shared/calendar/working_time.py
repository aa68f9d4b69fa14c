"""Deadlines in working time (DESIGN.md section 6).

`30wm` and `4wh` add up working time. `5wd` does not count the day of arrival and ends at the close of the
fifth working day. `15min`, `2h` and `7d` are plain. What is left of a second when the clock starts is not
counted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import floor

from shared.calendar.calendar import Calendar
from shared.calendar.errors import CalendarError
from shared.calendar.limit import Limit
from shared.calendar.timeline import instant as instant_of

_WHOLE = 10_000


def due(calendar: Calendar, start: datetime, limit: Limit) -> datetime:
    """When a limit that starts at `start` ends, in UTC.

    A rung's offset such as `+1wd` is counted the same way from the due instant. Raises `CalendarError` for a
    `start` without zone and `BeyondCalendarError` where the calendar ends first.
    """
    begin = unix_seconds(start)
    line = calendar.timeline
    if limit.counts_days:
        line.position(begin)
        return moment(line.close_after(calendar.local(start).toordinal(), limit.number))
    if limit.is_working:
        return moment(line.at(line.position(begin) + limit.seconds))
    return moment(begin + limit.seconds)


def working_seconds(calendar: Calendar, begin: datetime, end: datetime) -> int:
    """How many working seconds lie between two instants; negative where `end` is the earlier."""
    line = calendar.timeline
    return line.position(unix_seconds(end)) - line.position(unix_seconds(begin))


def working_milliseconds(calendar: Calendar, begin: datetime, end: datetime) -> int:
    """How much working time lies between two instants, in whole milliseconds; negative where `end` is the earlier.

    Adjoining stretches sum to their whole without loss, which `working_seconds` of instants within a second do not.
    """
    return _milliseconds_before(calendar, end) - _milliseconds_before(calendar, begin)


def _milliseconds_before(calendar: Calendar, instant: datetime) -> int:
    second, rest = unix_seconds(instant), instant.microsecond // 1000
    before = calendar.timeline.position(second)
    if not rest:
        return before * 1000
    return before * 1000 + rest * (calendar.timeline.position(second + 1) - before)


def fraction_point(
    calendar: Calendar, start: datetime, end: datetime, limit: Limit, basis_points: int, *, paused: int = 0
) -> datetime:
    """The first second at which so much of the time from `start` to `end` is used up, in UTC.

    Of working seconds for a working limit, the rest of the arrival day included; of plain seconds for a plain
    one. `basis_points`: 7500 is 75 %. `end` is passed in because an extension moves it; `paused` are the seconds of
    the same sort by which pauses before the point moved it, which are no time used up.
    """
    if not 0 < basis_points <= _WHOLE:
        raise CalendarError(f"a fraction lies above 0 and up to 10000 basis points, not at {basis_points}")
    begin, last = unix_seconds(start), unix_seconds(end)
    if not limit.is_working:
        return moment(begin + _share(last - begin - paused, basis_points) + paused)
    line = calendar.timeline
    used = line.position(begin)
    return moment(line.at(used + _share(line.position(last) - used - paused, basis_points) + paused))


def add_counted(
    calendar: Calendar, end: datetime, begin_pause: datetime, end_pause: datetime, limit: Limit
) -> tuple[datetime, int]:
    """A deadline moved by a pause, in UTC, and by how many seconds: working ones for a working limit, else plain.

    Each second of the pause that would have counted moves the deadline by one that counts.
    """
    if limit.is_working:
        seconds = working_seconds(calendar, begin_pause, end_pause)
    else:
        seconds = unix_seconds(end_pause) - unix_seconds(begin_pause)
    return shifted(calendar, end, seconds, limit), seconds


def shifted(calendar: Calendar, end: datetime, seconds: int, limit: Limit) -> datetime:
    """A deadline so many seconds later, in UTC: working ones for a working limit, else plain."""
    if not seconds:
        return end
    if not limit.is_working:
        return moment(unix_seconds(end) + seconds)
    line = calendar.timeline
    return moment(line.at(line.position(unix_seconds(end)) + seconds))


def opening(
    calendar: Calendar, instant: datetime, wall: str | None = None, *, strictly: bool = False
) -> datetime:
    """The instant itself where somebody works then, both ends of a window included; else when the next window opens.

    `strictly`: when the next working day begins, whatever the instant; at the wall-clock time `wall` (`08:30`) where
    one is named. In UTC; raises `BeyondCalendarError` where the calendar ends first.
    """
    now = unix_seconds(instant)
    line = calendar.timeline
    if not strictly:
        return instant if line.is_open(now) else moment(line.opening_after(now))
    return moment(
        line.opening_after(now, first_of_day=True) if wall is None else _wall_after(calendar, now, wall)
    )


def _wall_after(calendar: Calendar, now: int, wall: str) -> int:
    hour, minute = map(int, wall.split(":"))
    day = calendar.local(moment(now)).date()
    while True:
        if calendar.is_working_day(day):
            at = instant_of(datetime(day.year, day.month, day.day, hour, minute, tzinfo=calendar.tz))
            # A zone that moves over the date line skips a day whole, as Samoa did 30 December 2011.
            if at > now and calendar.local(moment(at)).date() == day:
                return at
        day += timedelta(1)


def unix_seconds(instant: datetime) -> int:
    """Whole seconds since 1970; raises `CalendarError` where the time has no zone."""
    if instant.tzinfo is None:
        raise CalendarError(f"{instant.isoformat()} has no time zone")
    return floor(instant.timestamp())


def moment(unix: int) -> datetime:
    """The instant of so many seconds since 1970, in UTC."""
    return datetime.fromtimestamp(unix, UTC)


def _share(seconds: int, basis_points: int) -> int:
    return -(-seconds * basis_points // _WHOLE)
