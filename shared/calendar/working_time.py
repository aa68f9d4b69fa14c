"""Deadlines in working time (DESIGN.md section 6).

`30wm` and `4wh` add up working time. `5wd` does not count the day of arrival and ends at the close of the
fifth working day. `15min`, `2h` and `7d` are plain. What is left of a second when the clock starts is not
counted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor

from shared.calendar.calendar import Calendar
from shared.calendar.errors import CalendarError
from shared.calendar.limit import Limit

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


def fraction_point(
    calendar: Calendar, start: datetime, end: datetime, limit: Limit, basis_points: int
) -> datetime:
    """The first second at which so much of the time from `start` to `end` is used up, in UTC.

    Of working seconds for a working limit, the rest of the arrival day included; of plain seconds for a plain
    one. `basis_points`: 7500 is 75 %. `end` is passed in because an extension moves it.
    """
    if not 0 < basis_points <= _WHOLE:
        raise CalendarError(f"a fraction lies above 0 and up to 10000 basis points, not at {basis_points}")
    begin, last = unix_seconds(start), unix_seconds(end)
    if not limit.is_working:
        return moment(begin + _share(last - begin, basis_points))
    line = calendar.timeline
    used = line.position(begin)
    return moment(line.at(used + _share(line.position(last) - used, basis_points)))


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
