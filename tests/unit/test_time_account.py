"""The time account: its parts are the whole, whatever people, time and calendars do to a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing import commands as c
from services.routing.account import Account, Time, account
from services.routing.course import Course
from services.routing.deadlines import How
from services.routing.desk import Desk
from services.routing.rescheduling import HistoryNeeded, ends_of, ends_told, reschedule
from shared.calendar import Interval, Reason
from shared.events import Record
from shared.events.cases import CaseRescheduled, ReturnDecided
from shared.organisation import Calendars
from shared.organisation.model import Organisation
from tests.unit.case_lives import LIKELY, STEP, STEPS, Life, Step, lived
from tests.unit.case_samples import local, plan

_MILLISECOND = timedelta(milliseconds=1)


@cache
def desk_of(zone: str, windows: tuple[str, ...], *closed: str) -> Desk:
    """The sample organisation by another calendar; its department `water` is manned round the clock."""
    written = plan()
    written["calendar"] = {
        "zone": zone,
        "windows": [*windows],
        "country": "CN",
        "closures": [{"day": day, "names": {"en": "Closed"}} for day in closed],
    }
    written["departments"][1]["calendar"] = {
        "zone": zone,
        "windows": ["00:00-24:00"],
        "weekend": [],
    }
    written["choices"] = {"transfers": True}
    written["limits"] |= {
        "reply": "5wd",
        "extension": "5wd",
        "decide": "1wd",
        "assist": "2wd",
        "review": "2wd",
        "signoff": "4wh",
        "opinion": "3wd",
        "inspect": "2wd",
    }
    return Desk(Organisation.model_validate(written))


DESKS = (
    desk_of("Asia/Shanghai", ("09:00-12:00", "13:30-17:30")),
    desk_of("Asia/Shanghai", ("09:00-12:00", "13:30-17:30"), "2026-10-13", "2026-10-14", "2026-10-20"),
    desk_of("Europe/Berlin", ("00:00-02:30", "08:00-24:00")),
    desk_of("America/New_York", ("00:00-24:00",), "2026-10-31"),
    desk_of("America/New_York", ("01:00-01:45", "22:00-24:00")),
)
BY_VERSION = {desk.version: desk.organisation.all_calendars for desk in DESKS}


def calendars(version: str) -> Calendars:
    return BY_VERSION[version]


@dataclass(frozen=True)
class Switch:
    """Another version holds from here on; with it, maybe, all running deadlines move."""

    to: int
    moves: bool


class Moving(Life):
    """A life in which calendars change, and time has milliseconds where it is not `even`."""

    even = False

    def step(self, step: Step | Switch) -> None:
        if not isinstance(step, Switch):
            if isinstance(step, timedelta) and not self.even:
                self.now += timedelta(milliseconds=(step // timedelta(minutes=1)) * 7919 % 60_000)
            super().step(step)
            return
        self.desk = DESKS[step.to]
        if step.moves:
            self.happen([*self.moved()])

    def moved(self) -> list[CaseRescheduled]:
        assert self.case is not None
        ends = ends_told(self.desk, self.records, self.now)
        digest = self.desk.organisation.all_calendars.digest
        return [*reschedule(self.desk, self.case, ends, self.now, digest)]  # type: ignore[list-item]

    @property
    def account(self) -> Account:
        read = [Record.read("cases", record.value) for record in self.records]
        return account(read, calendars, self.now)


LIVES = st.builds(
    Moving,
    assigned=st.booleans(),
    can_mail=st.booleans(),
    kind=st.sampled_from(["problem", "complaint", "enquiry", "praise"]),
    desk=st.sampled_from(DESKS),
)
SWITCHES = st.builds(Switch, st.integers(0, len(DESKS) - 1), st.booleans())
FAR = st.lists(st.one_of(STEP, STEP, STEP, SWITCHES), max_size=30)


def length(begin: datetime, end: datetime) -> int:
    return (end - begin) // _MILLISECOND


def summed(intervals: tuple[Interval, ...]) -> Time:
    whole = [(length(one.begin, one.end), one.counted) for one in intervals]
    return Time(sum(wall for wall, _ in whole), sum(wall for wall, counted in whole if counted))


def check(found: Account) -> None:
    assert found.time.wall == length(found.begin, found.end)
    if found.held:
        assert (found.held[0].begin, found.held[-1].end) == (found.begin, found.end)
    assert all(one.end == two.begin for one, two in pairwise(found.held)), "a hole, or two holders at once"
    assert all(one.begin < one.end for one in found.held)
    for one in found.held:
        assert summed(one.intervals) == one.time
        assert one.intervals[0].begin == one.begin
        assert one.intervals[-1].end == one.end
        assert all(first.end == second.begin for first, second in pairwise(one.intervals))
    assert sum((one.held for one in found.totals), Time()) == found.time
    assert sum((one.answers_for for one in found.totals), Time()) == found.time
    for total in found.totals:
        away = sum((one.time for one in found.rebooked if one.source == total.holder), Time())
        gained = sum((one.time for one in found.rebooked if one.to == total.holder), Time())
        assert total.answers_for == total.held - away + gained
        assert min(total.answers_for.wall, total.answers_for.counted) >= 0
    for deadline in found.deadlines:
        assert all(first.end == second.begin for first, second in pairwise(deadline.intervals))
        assert summed(deadline.intervals).counted == deadline.counted
        if deadline.intervals and not deadline.stands_still:
            assert deadline.intervals[-1].end == deadline.due


@settings(max_examples=150, deadline=None)
@given(LIVES, FAR)
def test_the_parts_equal_the_whole_and_every_instant_has_one_holder(
    life: Moving, steps: list[Step | Switch]
) -> None:
    lived(life, [])
    check(life.account)
    for step in steps:
        life.step(step)
    check(life.account)
    assert life.case is not None
    found = life.account
    open_ones = {one.id for one in life.case.obligations} | {
        one.id for one in (life.case.pause.obligations if life.case.pause else ())
    }
    assert {one.id for one in found.deadlines if one.ended is None} == open_ones
    assert {one.id for one in found.deadlines if one.stands_still} <= open_ones
    for chain in Course.of(life.records, life.now).deadlines:
        assert chain.breached == (not set(chain.ids).isdisjoint(life.case.breached))


@settings(max_examples=150, deadline=None)
@given(LIVES, STEPS)
def test_counted_anew_by_the_same_calendar_every_deadline_ends_when_it_ends(
    life: Moving, steps: list[Step]
) -> None:
    lived(life, [])
    for step in steps:
        life.step(step)
        assert life.case is not None
        ends = ends_told(life.desk, life.records, life.now)
        still = life.case.pause.obligations if life.case.pause else ()
        for one in (*life.case.obligations, *still):
            assert (ends[one.id].due, ends[one.id].paused) == (one.due, one.paused), one.id
        assert life.moved() == []
        if life.case.extension is not None:
            assert life.case.extension in {end.asked for end in ends.values()}
        try:
            assert all(end == ends[id] for id, end in ends_of(life.desk, life.case).items())
        except HistoryNeeded:
            assert (
                life.case.pause
                or life.case.extensions
                or life.case.extension
                or any(one.paused for one in life.case.obligations)
            )


KINDS = (c.Classify(kind="enquiry"), c.Classify(kind="problem"), c.Classify(kind="complaint"))


def test_long_lives_go_through_every_holder_and_everything_that_moves_a_deadline() -> None:
    chance = Random(20261127)
    turns: set[str] = set()
    roles: set[str] = set()
    assists: set[str] = set()
    rebooked = 0
    for _ in range(150):
        life = Moving(assigned=True, can_mail=True, kind="problem", desk=chance.choice(DESKS))
        lived(life, [])
        for _ in range(30):
            choices: list[Step | Switch] = [
                chance.randrange(40),
                chance.choice([*LIKELY.values(), *KINDS]),
                timedelta(minutes=chance.choice([10, 60, 600, 3_000])),
                "verified",
                Switch(chance.randrange(len(DESKS)), moves=True),
            ]
            life.step(chance.choices(choices, [50, 25, 15, 5, 5])[0])
        check(found := life.account)
        turns |= {turn.how for one in found.deadlines for turn in one.turns}
        roles |= {one.holder.role for one in found.held}
        assists |= {one.outcome for one in found.assists}
        rebooked += len(found.rebooked)
    assert turns == set(get_args(How))
    assert roles == {"coordinator", "department", "sender", "pause"}
    assert assists >= {"given", "declined", "released"}
    assert rebooked > 20


def spoken(found: Account, zone: str = "Asia/Shanghai") -> list[tuple[str, str, str]]:
    """Who had it, on the clock of a zone."""

    def local(at: datetime) -> str:
        return at.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M")

    return [
        (one.holder.department or one.holder.role, local(one.begin), local(one.end)) for one in found.held
    ]


def life_of(desk: Desk = DESKS[0]) -> Moving:
    """A problem on Wednesday 2026-09-30 at 16:00 in Shanghai, assigned to housing at once."""
    life = Moving(assigned=True, can_mail=True, kind="problem", desk=desk)
    life.even = True
    lived(life, [])
    return life


HOUR = 3_600_000


def test_a_deadline_is_explained_interval_by_interval() -> None:
    (accept,) = [one for one in life_of().account.deadlines if one.kind == "accept"]
    zone = ZoneInfo("Asia/Shanghai")
    told = [
        (
            f"{one.begin.astimezone(zone):%a %d %H:%M}",
            f"{one.end.astimezone(zone):%a %d %H:%M}",
            one.counted,
            one.reason,
        )
        for one in accept.intervals
    ]
    assert told[0] == ("Wed 30 16:00", "Wed 30 17:30", True, Reason.WORKING_HOURS)
    assert told[-1] == ("Thu 08 09:00", "Thu 08 11:30", True, Reason.WORKING_HOURS)
    assert {one[3] for one in told[1:-1]} == {Reason.OUTSIDE_HOURS, Reason.HOLIDAY, Reason.WEEKEND}
    assert accept.counted == 4 * HOUR
    assert any(one.name.get("zh-Hant") for one in accept.intervals if one.reason is Reason.HOLIDAY)


def test_a_pause_and_an_extension_stand_in_the_deadline_and_a_pause_never_counts() -> None:
    life = life_of()
    for step in (
        c.Accept(),
        timedelta(days=8, hours=18),  # Friday 9 October, 10:00
        c.Suspend(reason="parts", limit="12h", text="a pump is ordered"),
        timedelta(hours=2),
        c.Resume(),
        c.Extend(text="the pump is late"),
        c.GrantExtension(),
    ):
        life.step(step)
    (resolve,) = [one for one in life.account.deadlines if one.kind == "resolve"]
    assert [turn.how for turn in resolve.turns] == ["begun", "paused", "resumed", "asked", "extended"]
    (pause,) = [one for one in resolve.intervals if one.reason is Reason.PAUSED]
    assert (length(pause.begin, pause.end), pause.counted) == (2 * HOUR, False)
    assert resolve.limit == "5wd"
    assert resolve.turns[1].due == local("2026-10-13 17:30")
    assert resolve.turns[2].due == local("2026-10-14 11:00")
    assert resolve.due == local("2026-10-21 17:30")
    paused = next(one for one in life.account.totals if one.holder.role == "pause")
    assert (paused.held.wall, paused.held.counted) == (2 * HOUR, 2 * HOUR)


def test_an_upheld_return_is_booked_to_whoever_assigned_and_a_refused_one_to_the_returner() -> None:
    life = life_of()
    for step in (
        timedelta(minutes=60),
        c.Return(text="not ours"),
        timedelta(minutes=30),
        c.UpholdReturn(department="water"),
        timedelta(minutes=30),
        c.Return(text="nor ours"),
        timedelta(minutes=45),
        c.RefuseReturn(text="it is"),
        timedelta(minutes=15),
        c.Accept(),
        c.Answer(text="done"),
    ):
        life.step(step)
    found = life.account
    assert [one[0] for one in spoken(found)] == ["housing", "coordinator", "water", "coordinator", "water"]
    minutes = {
        one.holder.department or one.holder.role: (one.held.wall // 60_000, one.answers_for.wall // 60_000)
        for one in found.totals
    }
    assert minutes == {"housing": (60, 0), "coordinator": (75, 90), "water": (45, 90)}
    assert [one.entry for one in found.rebooked] == [
        record.sequence for record in life.records if isinstance(record.data, ReturnDecided)
    ]
    check(found)


def test_from_the_answer_to_a_reopening_it_is_the_sender_s_and_a_review_of_a_no_is_the_coordinator_s() -> (
    None
):
    life = life_of()
    for step in (c.Accept(), timedelta(minutes=60), c.Answer(text="done"), timedelta(days=2)):
        life.step(step)
    assert spoken(life.account) == [("housing", "09-30 16:00", "09-30 17:00")]
    assert life.account.resolved
    life.step(c.Feedback(solved=False))
    life.step(timedelta(days=1))
    life.step(c.Review(outcome="reopened", text="again"))
    life.step(timedelta(hours=1))
    assert spoken(life.account) == [
        ("housing", "09-30 16:00", "09-30 17:00"),
        ("sender", "09-30 17:00", "10-02 17:00"),
        ("coordinator", "10-02 17:00", "10-03 17:00"),
        ("housing", "10-03 17:00", "10-03 18:00"),
    ]
    assert not life.account.resolved


def test_a_wait_that_ran_out_ended_when_its_time_was_over_and_not_when_that_was_noticed() -> None:
    life = life_of()
    life.step(c.Accept())
    life.step(c.Suspend(reason="weather", limit="12h", text="rain"))
    life.step(timedelta(days=1))
    assert spoken(life.account) == [
        ("pause", "09-30 16:00", "10-01 04:00"),
        ("housing", "10-01 04:00", "10-01 16:00"),
    ]


@pytest.mark.parametrize(("zone", "hours"), [("Europe/Berlin", 25), ("America/New_York", 24)])
def test_the_hour_that_the_clocks_go_back_is_an_hour_that_somebody_had_the_case(
    zone: str, hours: int
) -> None:
    life = life_of(DESKS[2])
    life.now = datetime(2026, 10, 25, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    life.records = []
    life.case = None
    lived(life, [])
    life.now = datetime(2026, 10, 26, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert life.account.time.wall == hours * HOUR


def test_each_stretch_is_counted_by_the_calendar_that_held_then() -> None:
    life = life_of()
    life.step(c.Accept())
    life.step(timedelta(days=12, hours=17))  # Tuesday 13 October, 09:00
    life.step(Switch(1, moves=True))  # which closes on the 13th and 14th
    life.step(timedelta(hours=8))
    before, after = life.account.held
    assert (after.time.wall, after.time.counted) == (8 * HOUR, 0)
    assert after.intervals[0].reason is Reason.CLOSURE
    assert before.organisation != after.organisation
    assert before.time.counted == int((1.5 + 4 * 7.5) * HOUR) - int(0.5 * 4 * HOUR)


def test_the_time_before_a_part_was_split_off_is_the_whole_s() -> None:
    life = Moving(assigned=True, can_mail=True, kind="problem", desk=DESKS[0])
    lived(life, [])
    opened = life.records[0].data
    life.records, life.case = [], None
    life.now += timedelta(hours=3)
    life.happen([opened.model_copy(update={"parent": "case_whole"})])
    life.step(timedelta(hours=1))
    assert [(one.holder.role, one.time.wall // HOUR) for one in life.account.held] == [
        ("whole", 3),
        ("coordinator", 1),
    ]
