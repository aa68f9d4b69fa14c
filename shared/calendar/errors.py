"""What can be wrong with a limit or a calendar.

CalendarError (ValueError)
├── LimitError           a text that is no limit
└── BeyondCalendarError  a deadline outside the days the calendar knows
"""


class CalendarError(ValueError):
    """A calendar that cannot be used, or an instant it cannot place."""


class LimitError(CalendarError):
    """A text that is no limit."""


class BeyondCalendarError(CalendarError):
    """An instant outside the days the calendar knows."""
