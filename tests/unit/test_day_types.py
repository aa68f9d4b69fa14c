"""Which days are working days agrees with other people's tables."""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache

import chinese_calendar
import pytest

from shared.calendar import Calendar, CalendarError, Limit, Window, due, official_calendar
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


# The law of May 2025 made three more days holidays; the second table was written before it.
SINCE_MAY_2025 = {date(2025, 9, 29), date(2025, 10, 24), date(2025, 12, 25)}


@pytest.mark.parametrize("year", [2024, 2025])
def test_every_day_in_taiwan_is_what_another_party_lists_but_for_a_later_law(year: int) -> None:
    ours = official_calendar(zone="Asia/Taipei", windows=HOURS, country="TW")
    listed = json.loads(corpus("calendar", "tw_ruyut", f"{year}.json").read_text("utf-8"))
    works = {date.fromisoformat(one["date"]): not one["isHoliday"] for one in listed}
    assert len(works) in {365, 366}
    others = {d for d, works_then in works.items() if ours.is_working_day(d) != works_then}
    assert others == {d for d in SINCE_MAY_2025 if d.year == year}


TWO_WINDOWS = tuple(Window.model_validate(window) for window in ("09:00-12:00", "13:30-17:30"))
ARRIVALS = (time(0), time(8, 59, 59), time(9), time(11, 30), time(12, 45), time(16, 0, 1), time(23, 59, 59))


@cache
def mainland() -> tuple[Calendar, Sequence[date]]:
    days = [date(2015, 1, 1) + timedelta(n) for n in range((date(2027, 1, 1) - date(2015, 1, 1)).days)]
    ours = official_calendar(zone="Asia/Shanghai", windows=TWO_WINDOWS, country="CN")
    return ours, [day for day in days if chinese_calendar.is_workday(day)]


@cache
def taiwan() -> tuple[Calendar, Sequence[date]]:
    worked: list[date] = []
    for year in (2024, 2025, 2026):
        with corpus("calendar", "tw_dgpa", f"{year}.csv").open(encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        worked += [date.fromisoformat(row["西元日期"]) for row in rows if row["是否放假"] == "0"]
    return official_calendar(zone="Asia/Taipei", windows=TWO_WINDOWS, country="TW"), sorted(worked)


def nth_day(worked: Sequence[date], arrival: datetime, number: int) -> datetime:
    """The close of the nth listed working day after that of arrival, on the wall clock."""
    return datetime.combine(worked[bisect_right(worked, arrival.date()) + number - 1], time(17, 30))


def after_hours(worked: Sequence[date], arrival: datetime, hours: int) -> datetime:
    """When so many hours of the listed days' windows have gone by, on the wall clock."""
    left = timedelta(hours=hours)
    for day in worked[bisect_right(worked, arrival.date() - timedelta(1)) :]:
        for opens, closes in ((time(9), time(12)), (time(13, 30), time(17, 30))):
            begin = max(datetime.combine(day, opens), arrival)
            end = datetime.combine(day, closes)
            if begin < end and end - begin >= left:
                return begin + left
            left -= max(end - begin, timedelta(0))
    raise AssertionError("the table ends first")


@pytest.mark.parametrize("table", [mainland, taiwan])
def test_deadlines_of_every_day_fall_where_the_table_says(
    table: Callable[[], tuple[Calendar, Sequence[date]]],
) -> None:
    ours, worked = table()
    days = (worked[-1] - worked[0]).days - 60
    for n in range(days):
        arrival = datetime.combine(worked[0] + timedelta(n), ARRIVALS[n % len(ARRIVALS)])
        start = arrival.replace(tzinfo=ours.tz)

        def ends(limit: str, start: datetime = start) -> datetime:
            return ours.local(due(ours, start, Limit.parse(limit))).replace(tzinfo=None)

        for number in (1, 3, 5, 15):
            assert ends(f"{number}wd") == nth_day(worked, arrival, number), arrival
        for hours in (2, 4, 8):
            assert ends(f"{hours}wh") == after_hours(worked, arrival, hours), arrival


def test_without_a_country_only_the_weekend_is_off() -> None:
    ours = official_calendar(zone="UTC", windows=HOURS, country=None)
    assert ours.is_working_day(date(2026, 12, 25))
    assert not ours.is_working_day(date(2026, 12, 26))


def test_an_unknown_country_is_refused_with_an_example() -> None:
    with pytest.raises(CalendarError, match="ISO 3166"):
        official_calendar(zone="UTC", windows=HOURS, country="XX")
