"""A department works by the organisation's calendar but for what its own says; equal calendars are one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.calendar import Calendar, Limit, due, working_seconds
from shared.organisation import Organisation, parse
from tests.unit.small_organisation import GOOD

WHOLE = """\
calendar:
  zone: Europe/Berlin
  country: CN
  windows: ["09:00-12:00", "13:00-17:00"]
  weekend: [6]
  announced_until: 2026
  closures: [{day: 2026-05-06, names: {en: Works outing}}]
  make_up_days: [{day: 2026-05-10, names: {en: Stocktaking}}]"""
USUAL = 'calendar: {zone: Asia/Shanghai, country: CN, windows: ["09:00-12:00"]}'


def organisation(own: str) -> Organisation:
    """The small organisation with the calendar above, and `own` as the waterworks'."""
    return parse(GOOD.replace(USUAL, WHOLE).replace("calendar: round-the-clock", f"calendar: {own}"))


def water(own: str) -> Calendar:
    return organisation(own).calendar_of("water")


def works_on(calendar: Calendar, *days: str) -> list[bool]:
    return [calendar.is_working_day(date.fromisoformat(day)) for day in days]


SATURDAY, SUNDAY, NATIONAL_DAY, CLOSED, EXTRA = (
    "2026-05-16",
    "2026-05-17",
    "2026-10-01",
    "2026-05-06",
    "2026-05-10",
)


def test_a_department_without_a_calendar_has_the_organisations() -> None:
    small = organisation("{}")
    assert small.calendar_of("roads") is small.calendar
    assert small.calendar_of("coordinator") is small.calendar
    assert small.calendar_of("principal") is small.calendar
    assert "roads" not in small.calendars


def test_what_a_department_does_not_say_is_as_the_organisation_has_it() -> None:
    night = water('{windows: ["18:00-24:00"]}')
    assert [str(window) for window in night.windows] == ["18:00-24:00"]
    assert night.zone == "Europe/Berlin"
    assert works_on(night, SATURDAY, SUNDAY, NATIONAL_DAY, CLOSED, EXTRA) == [True, False, False, False, True]
    assert night.is_provisional(date(2027, 1, 4))


def test_what_it_says_replaces_what_the_organisation_says() -> None:
    five_days = water("{weekend: [5, 6], closures: [{day: 2026-05-07, names: {en: Flushing}}]}")
    assert works_on(five_days, SATURDAY, CLOSED, "2026-05-07") == [False, True, False]
    assert five_days.days[date(2026, 5, 7)].name == {"en": "Flushing"}


def test_another_country_comes_with_its_own_weekend_and_announcements() -> None:
    there = water("{country: DE}")
    assert works_on(there, SATURDAY, NATIONAL_DAY, "2026-10-03", "2026-12-25") == [False, True, False, False]
    assert not there.is_provisional(date(2027, 1, 4))


def test_without_holidays_only_the_weekend_is_off() -> None:
    plain = water("{country: none, closures: []}")
    assert works_on(plain, NATIONAL_DAY, CLOSED, SATURDAY, SUNDAY) == [True, True, False, False]


def test_round_the_clock_every_second_of_every_day_is_working_time() -> None:
    watch = water("round-the-clock")
    assert all(works_on(watch, SATURDAY, SUNDAY, NATIONAL_DAY, CLOSED, EXTRA))
    start = datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert due(watch, start, Limit.parse("8wh")) == start + timedelta(hours=8)
    assert due(watch, start, Limit.parse("30wm")) == due(watch, start, Limit.parse("30min"))
    assert not watch.is_provisional(date(2040, 1, 1))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)])
def test_round_the_clock_a_day_is_as_long_as_daylight_saving_makes_it(day: str, hours: int) -> None:
    watch = water("round-the-clock")
    midnight = datetime.fromisoformat(day).replace(tzinfo=watch.tz)
    assert working_seconds(watch, midnight, midnight + timedelta(days=1)) == hours * 3600


def test_a_department_in_another_zone_works_by_the_clock_there() -> None:
    small = organisation("{zone: America/New_York}")
    start = datetime(
        2026, 3, 6, 12, tzinfo=UTC
    )  # clocks go forward in New York on the 8th, in Berlin on the 29th
    assert due(small.calendar_of("roads"), start, Limit.parse("2wd")) == datetime(2026, 3, 9, 16, tzinfo=UTC)
    assert due(small.calendar_of("water"), start, Limit.parse("2wd")) == datetime(2026, 3, 9, 21, tzinfo=UTC)


def test_the_posts_of_a_department_keep_its_hours() -> None:
    small = organisation("round-the-clock")
    assert small.calendar_of("water/head") is small.calendar_of("water")
    assert small.calendar_of("roads/head") is small.calendar


def test_equal_hours_share_one_calendar_however_they_are_written() -> None:
    short, long = (
        water("round-the-clock"),
        water('{windows: ["00:00-24:00"], weekend: [], country: none, closures: [], make_up_days: []}'),
    )
    assert short is long
    small = organisation("{zone: Europe/Berlin}")
    assert small.calendar_of("water") is small.calendar


def test_a_calendar_of_its_own_survives_being_written_down() -> None:
    for own in ("round-the-clock", "{country: none}", "{weekend: []}", "{closures: []}"):
        small = organisation(own)
        again = Organisation.model_validate_json(small.model_dump_json(by_alias=True))
        assert again.version == small.version
        assert again.calendar_of("water").digest == small.calendar_of("water").digest
