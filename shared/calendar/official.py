"""The state's own day types, from the `holidays` package, with an organisation's own on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import holidays

from shared.calendar.calendar import Calendar, Day, DayKind, Window
from shared.calendar.errors import CalendarError

_LANGUAGES = {"zh-Hant": "zh_TW", "zh-Hans": "zh_CN", "en": "en_US"}

# Mainland China and Taiwan announce each year's days; elsewhere the rule is the law. Taiwan's 2026 has no
# exception to the rule, hence no entry in the package's table, and agrees with the list its government
# published.
_ANNOUNCED = {"CN": 2015, "TW": 2026}

FIRST_YEAR, LAST_YEAR = 2015, 2040


def official_calendar(
    *,
    zone: str,
    windows: tuple[Window, ...],
    country: str | None,
    weekend: frozenset[int] | None = None,
    own_days: Mapping[date, Day] | None = None,
    announced_until: int | None = None,
    years: tuple[int, int] = (FIRST_YEAR, LAST_YEAR),
) -> Calendar:
    """Materialise a country's day types (ISO 3166 code; `None`: no holidays) for the years first to last.

    `own_days` override the state's; `weekend` (Monday is 0) its weekly days off; `announced_until` the last
    year known to be announced. Raises `CalendarError` for an unknown country.
    """
    first, last = years
    table = _official(country, first, last) if country else {}
    usual = frozenset(holidays.country_holidays(country).weekend) if country else frozenset({5, 6})
    known = announced_until or (_announced(country) if country else None)
    return Calendar(
        zone=zone,
        windows=windows,
        weekend=usual if weekend is None else weekend,
        days={**table, **(own_days or {})},
        first=date(first, 1, 1),
        last=date(last, 12, 31),
        announced_until=date(known, 12, 31) if known else None,
    )


def is_known_country(country: str) -> bool:
    """Whether the holidays of a country (ISO 3166 code) are known."""
    return country in holidays.list_supported_countries()


def _official(country: str, first: int, last: int) -> dict[date, Day]:
    if not is_known_country(country):
        raise CalendarError(
            f"{country!r} is no country with known holidays: write an ISO 3166 code such as CN or TW"
        )
    known = holidays.country_holidays(country).supported_languages
    by_language = {
        ours: holidays.country_holidays(country, years=range(first, last + 1), language=theirs)
        for ours, theirs in _LANGUAGES.items()
        if theirs in known
    } or {"en": holidays.country_holidays(country, years=range(first, last + 1))}
    official = next(iter(by_language.values()))
    days = {
        day: Day(kind=DayKind.HOLIDAY, name={language: table[day] for language, table in by_language.items()})
        for day in official
    }
    return days | {day: Day(kind=DayKind.MAKE_UP_DAY) for day in official.weekend_workdays}


def _announced(country: str) -> int | None:
    if country not in _ANNOUNCED:
        return None
    listed: Iterable[int] = holidays.country_holidays(country).special_public_holidays
    return max(_ANNOUNCED[country], *listed)
