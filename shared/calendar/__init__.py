"""Working time: limits, day types and the arithmetic of deadlines (DESIGN.md section 6, mechanism M14).

Pure: nothing here reads a clock, a file or the network. Instants go in timezone-aware and come out in UTC, to
the second; `Calendar.local` shows them in the organisation's zone.
"""

from shared.calendar.calendar import Calendar, Day, DayKind, Window, Windows, Zone
from shared.calendar.errors import BeyondCalendarError, CalendarError, LimitError
from shared.calendar.explain import Interval, Reason, explain
from shared.calendar.limit import Limit, Unit
from shared.calendar.official import is_known_country, official_calendar
from shared.calendar.working_time import (
    add_counted,
    due,
    fraction_point,
    opening,
    shifted,
    working_milliseconds,
    working_seconds,
)

__all__ = [
    "BeyondCalendarError",
    "Calendar",
    "CalendarError",
    "Day",
    "DayKind",
    "Interval",
    "Limit",
    "LimitError",
    "Reason",
    "Unit",
    "Window",
    "Windows",
    "Zone",
    "add_counted",
    "due",
    "explain",
    "fraction_point",
    "is_known_country",
    "official_calendar",
    "opening",
    "shifted",
    "working_milliseconds",
    "working_seconds",
]
