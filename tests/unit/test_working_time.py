"""Deadlines fall where the sample county's table says, and adding and measuring agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.calendar import (
    BeyondCalendarError,
    Calendar,
    CalendarError,
    Day,
    DayKind,
    Limit,
    LimitError,
    Reason,
    Window,
    add_counted,
    due,
    explain,
    fraction_point,
    official_calendar,
    opening,
    working_seconds,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
COUNTY = official_calendar(
    zone="Asia/Shanghai",
    windows=(Window.model_validate("09:00-12:00"), Window.model_validate("13:30-17:30")),
    country="CN",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def limit(text: str) -> Limit:
    return Limit.parse(text)


def calendar(
    zone: str, *windows: str, weekend: frozenset[int] = frozenset({5, 6}), days: dict[date, Day] | None = None
) -> Calendar:
    return Calendar(
        zone=zone,
        windows=tuple(Window.model_validate(window) for window in windows),
        weekend=weekend,
        days=days or {},
        first=date(2010, 1, 1),
        last=date(2013, 12, 31),
    )


ARRIVAL = at("2026-09-30T16:00")


@pytest.mark.parametrize(
    ("of", "ends", "one_day_later", "three_days_later"),
    [
        ("4wh", "2026-10-08T11:30", "2026-10-09T17:30", "2026-10-12T17:30"),
        ("1wd", "2026-10-08T17:30", "2026-10-09T17:30", "2026-10-12T17:30"),
        ("5wd", "2026-10-13T17:30", "2026-10-14T17:30", "2026-10-16T17:30"),
    ],
)
def test_a_case_before_the_national_holiday_falls_due_after_it_and_climbs_from_there(
    of: str, ends: str, one_day_later: str, three_days_later: str
) -> None:
    end = due(COUNTY, ARRIVAL, limit(of))
    assert end == at(ends)
    assert due(COUNTY, end, limit("1wd")) == at(one_day_later)
    assert due(COUNTY, end, limit("3wd")) == at(three_days_later)


def test_three_quarters_of_five_working_days_include_what_was_left_of_the_arrival_day() -> None:
    end = due(COUNTY, ARRIVAL, limit("5wd"))
    assert fraction_point(COUNTY, ARRIVAL, end, limit("5wd"), 7500) == at("2026-10-12T15:22:30")
    assert fraction_point(COUNTY, ARRIVAL, end, limit("5wd"), 10_000) == end


def test_plain_limits_run_through_nights_and_holidays_and_so_do_their_fractions() -> None:
    assert due(COUNTY, ARRIVAL, limit("15min")) == at("2026-09-30T16:15")
    assert due(COUNTY, ARRIVAL, limit("2h")) == at("2026-09-30T18:00")
    end = due(COUNTY, ARRIVAL, limit("7d"))
    assert end == at("2026-10-07T16:00")
    assert fraction_point(COUNTY, ARRIVAL, end, limit("7d"), 5000) == at("2026-10-04T04:00")


@pytest.mark.parametrize("arrival", ["2026-10-03T11:00", "2026-10-07T23:59:59", "2026-10-08T03:00"])
def test_the_arrival_day_is_not_counted_whether_anybody_works_on_it_or_not(arrival: str) -> None:
    expected = "2026-10-09T17:30" if arrival.startswith("2026-10-08") else "2026-10-08T17:30"
    assert due(COUNTY, at(arrival), limit("1wd")) == at(expected)


def test_a_limit_that_is_used_up_at_noon_ends_at_noon_and_not_after_lunch() -> None:
    assert due(COUNTY, at("2026-10-08T09:00"), limit("3wh")) == at("2026-10-08T12:00")


def test_every_interval_of_a_deadline_says_whether_it_counts_and_why() -> None:
    intervals = explain(COUNTY, ARRIVAL, due(COUNTY, ARRIVAL, limit("5wd")), limit("5wd"))
    assert intervals[0].reason is Reason.ARRIVAL_DAY
    assert not intervals[0].counted
    holiday = next(i for i in intervals if i.reason is Reason.HOLIDAY)
    assert holiday.name == {"zh-Hant": "國慶節", "zh-Hans": "国庆节", "en": "National Day"}
    assert [i.begin for i in intervals if i.reason is Reason.MAKE_UP_DAY] == [
        at("2026-10-10T09:00"),
        at("2026-10-10T13:30"),
    ]
    assert sum((i.end - i.begin).total_seconds() for i in intervals if i.counted) == 5 * 7 * 3600


def test_a_plain_deadline_is_one_interval_that_counts() -> None:
    (only,) = explain(COUNTY, ARRIVAL, due(COUNTY, ARRIVAL, limit("2h")), limit("2h"))
    assert (only.counted, only.reason) == (True, Reason.PLAIN)


def test_an_organisations_own_closure_and_extra_day_override_the_state() -> None:
    own = official_calendar(
        zone=COUNTY.zone,
        windows=COUNTY.windows,
        country="CN",
        own_days={
            date(2026, 10, 9): Day(kind=DayKind.CLOSURE, name={"en": "Move"}),
            date(2026, 10, 3): Day(kind=DayKind.EXTRA_DAY),
        },
    )
    assert due(own, ARRIVAL, limit("3wd")) == at("2026-10-10T17:30")
    assert own.digest != COUNTY.digest


def test_a_year_that_is_not_announced_is_marked_provisional() -> None:
    assert not COUNTY.is_provisional(date(2026, 12, 31))
    assert COUNTY.is_provisional(date(2027, 1, 1))
    intervals = explain(COUNTY, at("2026-12-31T09:00"), at("2027-01-04T12:00"))
    assert [i.provisional for i in intervals] == [i.begin >= at("2027-01-01T00:00") for i in intervals]


def test_a_calendar_survives_being_written_down_and_keeps_its_digest() -> None:
    again = Calendar.model_validate_json(COUNTY.model_dump_json())
    assert again == COUNTY
    assert again.digest == COUNTY.digest


@pytest.mark.parametrize("text", ["", "5", "wd", "0wd", "-1h", "1.5h", "5 days", "5WD", "999999d"])
def test_what_is_no_limit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(LimitError):
        Limit.parse(text)


def test_a_deadline_beyond_the_calendar_is_an_error_and_never_a_search_without_end() -> None:
    with pytest.raises(BeyondCalendarError, match="more years"):
        due(COUNTY, at("2040-12-30T10:00"), limit("20wd"))
    with pytest.raises(BeyondCalendarError):
        due(COUNTY, at("2041-01-02T10:00"), limit("1wd"))
    nobody_works = calendar("UTC", "09:00-17:00", weekend=frozenset(range(7)))
    for text in ("1wm", "1wd"):
        with pytest.raises(BeyondCalendarError):
            due(nobody_works, datetime(2011, 1, 3, tzinfo=UTC), limit(text))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(CalendarError, match="no time zone"):
        due(COUNTY, datetime(2026, 9, 30, 16), limit("1wd"))  # noqa: DTZ001


@pytest.mark.parametrize("window", ["22:00-06:00", "09:00-09:00", "9-12", "09:00-24:01", "09:60-12:00"])
def test_a_window_that_runs_past_midnight_or_is_none_is_refused(window: str) -> None:
    with pytest.raises(ValueError, match=r"window|midnight"):
        Window.model_validate(window)


def test_windows_that_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="without overlap"):
        calendar("UTC", "09:00-12:00", "11:00-13:00")


def test_a_day_manned_around_the_clock_has_an_hour_less_when_the_clocks_go_forward() -> None:
    watch = calendar("America/New_York", "00:00-24:00", weekend=frozenset())
    zone = ZoneInfo("America/New_York")
    for day, hours in ((date(2012, 3, 11), 23), (date(2012, 3, 12), 24), (date(2012, 11, 4), 25)):
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        assert working_seconds(watch, midnight, midnight + timedelta(1)) == hours * 3600


CALENDARS = [
    calendar(
        "Asia/Shanghai", "09:00-12:00", "13:30-17:30", days={date(2011, 10, 8): Day(kind=DayKind.MAKE_UP_DAY)}
    ),
    calendar("America/New_York", "00:00-24:00", weekend=frozenset()),
    calendar("America/New_York", "00:00-02:30", "02:30-24:00"),
    calendar("America/Sao_Paulo", "00:00-06:00", "18:00-24:00", weekend=frozenset({6})),
    calendar("Australia/Lord_Howe", "02:15-10:00", weekend=frozenset()),
    calendar(
        "Pacific/Apia", "08:00-12:00", "13:00-24:00", days={date(2011, 12, 29): Day(kind=DayKind.CLOSURE)}
    ),
    calendar("Europe/London", "08:00-18:00", weekend=frozenset({4, 5})),
    calendar("Europe/Berlin", "08:00-12:00", "13:00-17:00"),
    calendar("Europe/Berlin", "00:00-06:00", "22:00-24:00"),
    calendar("America/New_York", "09:00-12:30", "13:15-24:00"),
]
calendars = st.sampled_from(CALENDARS)
moments = st.datetimes(datetime(2010, 6, 1), datetime(2013, 5, 31), timezones=st.just(UTC))  # noqa: DTZ001
working_limits = st.builds(
    Limit, st.integers(1, 200), st.sampled_from([limit("1wm").unit, limit("1wh").unit])
)


@given(calendars, moments, working_limits)
def test_adding_working_time_and_measuring_it_are_inverse_to_the_second(
    held: Calendar, start: datetime, of: Limit
) -> None:
    end = due(held, start, of)
    assert working_seconds(held, start, end) == of.seconds
    assert working_seconds(held, start, end - timedelta(seconds=1)) == of.seconds - 1


@given(calendars, moments, st.integers(1, 30))
def test_a_limit_in_days_ends_at_the_close_of_the_nth_working_day_after_arrival(
    held: Calendar, start: datetime, number: int
) -> None:
    end = due(held, start, Limit(number, limit("1wd").unit))
    worked = {held.local(i.begin).date() for i in explain(held, start, end, limit("1wd")) if i.counted}
    assert len(worked) == number
    assert held.local(start).date() not in worked
    last_second = held.local(end - timedelta(seconds=1)).date()
    rest_of_day = due(held, end, limit("1wm")) if working_seconds(held, start, end) else end
    assert last_second == max(worked)
    assert held.local(rest_of_day - timedelta(seconds=1)).date() > last_second


@given(calendars, moments, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_the_explanation_has_no_hole_and_its_counted_parts_sum_to_the_whole(
    held: Calendar, start: datetime, length: timedelta
) -> None:
    end = start + length
    assume(int(start.timestamp()) < int(end.timestamp()))
    intervals = explain(held, start, end)
    assert intervals[0].begin == start.replace(microsecond=0)
    assert intervals[-1].end == end.replace(microsecond=0)
    assert all(a.end == b.begin for a, b in pairwise(intervals))
    counted = sum(int((i.end - i.begin).total_seconds()) for i in intervals if i.counted)
    assert counted == working_seconds(held, start, end)


@settings(max_examples=40)
@given(calendars, moments)
def test_working_time_is_what_a_walk_over_every_minute_counts(held: Calendar, start: datetime) -> None:
    begin = start.replace(second=0, microsecond=0)
    minutes = 3 * 24 * 60

    def counts(moment: datetime) -> bool:
        wall = held.local(moment)
        second = wall.hour * 3600 + wall.minute * 60
        return held.is_working_day(wall.date()) and any(w.opens <= second < w.closes for w in held.windows)

    walked = sum(counts(begin + timedelta(minutes=n)) for n in range(minutes))
    assert working_seconds(held, begin, begin + timedelta(minutes=minutes)) == walked * 60


@given(calendars, moments, working_limits, st.integers(1, 10_000), st.integers(1, 10_000))
def test_fractions_rise_with_their_share_and_never_pass_the_due_instant(
    held: Calendar, start: datetime, of: Limit, one: int, other: int
) -> None:
    end = due(held, start, of)
    earlier, later = (fraction_point(held, start, end, of, part) for part in sorted((one, other)))
    assert start.replace(microsecond=0) < earlier <= later <= end


limits = st.builds(
    Limit, st.integers(1, 40), st.sampled_from([limit(f"1{u}").unit for u in ("wm", "wh", "wd", "h", "d")])
)
lengths = st.timedeltas(timedelta(0), timedelta(days=20))


def counted(held: Calendar, of: Limit, begin: datetime, end: datetime) -> int:
    """The seconds between two instants that count for such a limit."""
    if of.is_working:
        return working_seconds(held, begin, end)
    return int(end.timestamp()) - int(begin.timestamp())


@given(calendars, moments, limits, lengths, lengths)
def test_a_pause_moves_a_deadline_by_as_many_counted_seconds_as_it_has(
    held: Calendar, start: datetime, of: Limit, before: timedelta, length: timedelta
) -> None:
    end = due(held, start, of)
    begin_pause = start + before
    moved, seconds = add_counted(held, end, begin_pause, begin_pause + length, of)
    assert seconds == counted(held, of, begin_pause, begin_pause + length)
    assert counted(held, of, end, moved) == seconds
    assert counted(held, of, moved, end) == -seconds
    if seconds:
        assert counted(held, of, end, moved - timedelta(seconds=1)) == seconds - 1
    else:
        assert moved == end


@given(calendars, moments, limits, st.tuples(lengths, lengths, lengths))
def test_a_pause_moves_a_deadline_as_its_parts_do_one_after_the_other(
    held: Calendar, start: datetime, of: Limit, parts: tuple[timedelta, timedelta, timedelta]
) -> None:
    end = due(held, start, of)
    before, one, other = parts
    begin, middle, last = start + before, start + before + one, start + before + one + other
    halfway, first = add_counted(held, end, begin, middle, of)
    moved, second = add_counted(held, halfway, middle, last, of)
    assert (moved, first + second) == add_counted(held, end, begin, last, of)


@given(calendars, moments, limits, st.tuples(lengths, lengths), st.integers(1, 10_000))
def test_a_point_after_a_pause_falls_exactly_so_many_counted_seconds_later(
    held: Calendar, start: datetime, of: Limit, pause: tuple[timedelta, timedelta], part: int
) -> None:
    before, length = pause
    end = due(held, start, of)
    assume(counted(held, of, start, end) > 0)
    moved, paused = add_counted(held, end, start + before, start + before + length, of)
    unpaused = fraction_point(held, start, end, of, part)
    point = fraction_point(held, start, moved, of, part, paused=paused)
    assert counted(held, of, unpaused, point) == paused
    assert point <= moved
    assert fraction_point(held, start, moved, of, 10_000, paused=paused) == moved


@given(calendars, moments)
def test_the_next_opening_is_the_first_instant_at_which_somebody_works(
    held: Calendar, start: datetime
) -> None:
    opens = opening(held, start)
    assert opening(held, opens) == opens
    assert opens >= start.replace(microsecond=0)
    assert working_seconds(held, start, opens) == 0
    assert opens == start or working_seconds(held, opens, opens + timedelta(seconds=1)) == 1


@given(calendars, moments)
def test_the_next_working_day_begins_when_its_first_window_opens(held: Calendar, start: datetime) -> None:
    begins = opening(held, start, strictly=True)
    day = held.local(begins).date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=held.tz)
    assert begins > start.replace(microsecond=0)
    assert opening(held, begins) == begins
    assert working_seconds(held, midnight, begins) == 0
    assert working_seconds(held, begins, begins + timedelta(seconds=1)) == 1
    # Of the days that begin in between none is worked on.
    days = {held.local(i.begin).date() for i in explain(held, start, begins) if i.counted}
    assert days <= {held.local(start).date()}


@given(calendars, moments, st.times(time(6), time(23, 59)))
def test_a_digest_goes_out_on_the_next_working_day_at_its_time(
    held: Calendar, start: datetime, clock: time
) -> None:
    goes = held.local(opening(held, start, f"{clock:%H:%M}", strictly=True))
    assert goes > start.replace(microsecond=0)
    assert f"{goes:%H:%M:%S}" == f"{clock:%H:%M}:00"
    assert held.is_working_day(goes.date())
    between = (
        held.local(start).date() + timedelta(n) for n in range((goes.date() - held.local(start).date()).days)
    )
    walls = (datetime.combine(day, clock.replace(second=0, microsecond=0), held.tz) for day in between)
    assert not [
        wall
        for wall in walls
        if wall.timestamp() > start.timestamp() // 1
        and held.is_working_day(wall.date())
        and held.local(wall.astimezone(UTC)).date() == wall.date()
    ]


def test_what_opens_after_the_calendar_ends_is_an_error_and_never_a_search_without_end() -> None:
    held, last = CALENDARS[0], datetime(2013, 12, 31, 15, 30, tzinfo=UTC)
    for wall, strictly in ((None, False), (None, True), ("08:30", True)):
        with pytest.raises(BeyondCalendarError):
            opening(held, last, wall, strictly=strictly)
    nobody_works = calendar("UTC", "09:00-17:00", weekend=frozenset(range(7)))
    for wall, strictly in ((None, False), (None, True), ("08:30", True)):
        with pytest.raises(BeyondCalendarError):
            opening(nobody_works, datetime(2011, 1, 3, tzinfo=UTC), wall, strictly=strictly)


def test_a_pause_over_the_night_in_which_the_clocks_change_counts_the_seconds_that_were() -> None:
    watch = calendar("Europe/Berlin", "00:00-24:00", weekend=frozenset())
    berlin = ZoneInfo("Europe/Berlin")
    evening, morning = datetime(2012, 3, 24, 22, tzinfo=berlin), datetime(2012, 3, 25, 6, tzinfo=berlin)
    end = datetime(2012, 3, 26, 12, tzinfo=berlin)
    moved, seconds = add_counted(watch, end, evening, morning, limit("8wh"))
    assert seconds == 7 * 3600
    assert moved == datetime(2012, 3, 26, 19, tzinfo=berlin)
