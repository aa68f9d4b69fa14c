"""Dates as exports write them → instants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

_TIME = (
    r"(?:(?:T|\s+|\s*,\s*)(?P<hour>\d{1,2})[:时時](?P<minute>\d{1,2})(?:[:分](?P<second>\d{1,2}))?(?:\.\d+)?[秒分]?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?" + _TIME)
_YEAR_LAST = re.compile(r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4})" + _TIME)


def read_date(written: str, zone: tzinfo = UTC) -> datetime | None:
    """The instant in `2020/1/6 12:09:38`, ISO 8601, `2020年1月6日` or `05/16/2017 08:00:00 PM`, else None.

    With the year last the month comes first, as in the United States, unless it can't be a month. What names
    no zone of its own is in `zone`.
    """
    written = written.strip()
    match = _YEAR_FIRST.fullmatch(written) or _YEAR_LAST.fullmatch(written)
    if match is None:
        return None
    part = match.groupdict()
    month, day = int(part["month"]), int(part["day"])
    if month > 12 and match.re is _YEAR_LAST:
        month, day = day, month
    try:
        moment = datetime(
            int(part["year"]),
            month,
            day,
            _hour(int(part["hour"] or 0), part["half"]),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            tzinfo=_zone(part["zone"]) or zone,
        )
        moment.astimezone(UTC)  # the first and last day of the calendar may have no place in another zone
    except (ValueError, OverflowError):
        return None
    return moment


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half in "Pp" else 0)


def _zone(written: str | None) -> tzinfo | None:
    if not written:
        return None
    return datetime.strptime(written, "%z").tzinfo
