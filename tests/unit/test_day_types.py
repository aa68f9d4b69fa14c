"""Which days are working days agrees with other people's tables."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import chinese_calendar
import pytest

from shared.calendar import CalendarError, Window, official_calendar
from tests.corpus_data import corpus

HOURS = (Window.model_validate("09:00-17:00"),)


def test_every_day_of_2015_to_2026_is_what_the_chinese_calendar_says() -> None:
    ours = official_calendar(zone="Asia/Shanghai", windows=HOURS, country="CN")
    days = (date(2015, 1, 1) + timedelta(n) for n in range((date(2027, 1, 1) - date(2015, 1, 1)).days))
    assert [d for d in days if ours.is_working_day(d) != chinese_calendar.is_workday(d)] == []


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_in_taiwan_is_what_its_government_lists(year: int) -> None:
    ours = official_calendar(zone="Asia/Taipei", windows=HOURS, country="TW")
    with corpus("calendar", "tw_dgpa", f"{year}.csv").open(encoding="utf-8-sig") as file:
        listed = {date.fromisoformat(row["西元日期"]): row["是否放假"] == "0" for row in csv.DictReader(file)}
    assert len(listed) in {365, 366}
    assert {d: works for d, works in listed.items() if ours.is_working_day(d) != works} == {}
    assert not ours.is_provisional(date(year, 12, 31))


def test_without_a_country_only_the_weekend_is_off() -> None:
    ours = official_calendar(zone="UTC", windows=HOURS, country=None)
    assert ours.is_working_day(date(2026, 12, 25))
    assert not ours.is_working_day(date(2026, 12, 26))


def test_an_unknown_country_is_refused_with_an_example() -> None:
    with pytest.raises(CalendarError, match="ISO 3166"):
        official_calendar(zone="UTC", windows=HOURS, country="XX")
