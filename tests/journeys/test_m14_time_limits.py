"""M14: limits in working time, warnings before, escalation at, and a record of each breach, when nobody acts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cache
from pathlib import Path

from services.routing.commands import Contact, RefuseReturn, Return
from services.routing.desk import Desk
from shared.events.cases import CaseAlarmed
from shared.organisation import load
from shared.rights import Right, machine
from shared.settings import SAMPLE_ORGANISATION
from tests.installations import in_a_loop
from tests.unit.case_samples import SHANGHAI, local
from tests.unit.routing_room import Room, room

ALONE = {
    # what: (due, 50 %, 75 %, +1wd, +3wd, +5wd), local time
    "accept": ("08 11:30:00", "08 09:30:00", "08 10:30:00", "09 17:30:00", "12 17:30:00", "14 17:30:00"),
    "contact": ("08 17:30:00", "08 11:45:00", "08 15:22:30", "09 17:30:00", "12 17:30:00", "14 17:30:00"),
    "resolve": ("13 17:30:00", "10 11:45:00", "12 15:22:30", "14 17:30:00", "16 17:30:00", "20 17:30:00"),
    "promise": ("13 17:30:00", "10 11:45:00", "12 15:22:30", "14 17:30:00", "16 17:30:00", "20 17:30:00"),
}
"""A problem that arrives and is assigned on Wednesday 2026-09-30 16:00; 1–7 October are holidays, Sat 10 is worked."""


@cache
def county() -> Desk:
    """The sample organisation's desk."""
    return Desk(load(SAMPLE_ORGANISATION))


def shown(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).strftime("%m-%d %H:%M:%S")


async def alarms(here: Room, case_id: str) -> list[CaseAlarmed]:
    return [event for event in await here.events(case_id) if isinstance(event, CaseAlarmed)]


@in_a_loop
async def test_left_alone_every_rung_falls_once_on_the_instant_of_the_table(tmp_path: Path) -> None:
    async with room(tmp_path, desk=county()) as here:
        case_id = await here.arrives("路燈不亮,路面有坑")
        await here.live_until(local("2026-11-30 12:00"))
        found = {
            (rung.kind, rung.action, shown(rung.at))
            for alarm in await alarms(here, case_id)
            for rung in alarm.rungs
        }
        expected = {
            (kind, action, f"10-{at}")
            for kind, (due, half, warn, leader, principal, circular) in ALONE.items()
            for action, at in (
                ("remind", half),
                ("warn", warn),
                ("breach", due),
                ("escalate", leader),
                ("escalate", principal),
                ("circulate", circular),
            )
        }
        assert found == expected
        climbed = Counter(
            (rung.obligation, rung.rung) for alarm in await alarms(here, case_id) for rung in alarm.rungs
        )
        assert set(climbed.values()) == {1}
        assert not any(rung.late for alarm in await alarms(here, case_id) for rung in alarm.rungs)


@in_a_loop
async def test_one_person_hears_once_of_what_falls_on_one_instant_of_one_case(tmp_path: Path) -> None:
    async with room(tmp_path, desk=county()) as here:
        case_id = await here.arrives("路燈不亮,路面有坑")
        await here.live_until(local("2026-11-30 12:00"))
        told = Counter(
            (notice.person, alarm.at) for alarm in await alarms(here, case_id) for notice in alarm.notices
        )
        assert set(told.values()) == {1}
        last = (await alarms(here, case_id))[-1]
        assert shown(last.at) == "10-20 17:30:00"
        assert {notice.person for notice in last.notices} == {
            *(department.head for department in here.desk.organisation.departments),
            "mayor",
        }
        assert {tuple(notice.rungs) for notice in last.notices} == {(0, 1)}
        on_the_12th = next(one for one in await alarms(here, case_id) if shown(one.at) == "10-12 15:22:30")
        assert {notice.person for notice in on_the_12th.notices} == {
            "coordination-officer-1",
            "coordination-officer-2",
            "coordination-deputy",
            "housing-officer-1",
            "housing-officer-2",
            "housing-deputy",
        }


@in_a_loop
async def test_after_an_outage_a_case_climbs_straight_to_its_present_rungs(tmp_path: Path) -> None:
    async with room(tmp_path, desk=county()) as here:
        case_id = await here.arrives("路燈不亮,路面有坑")
        here.clock.advance_to(local("2026-10-09 18:00"))  # nothing ran meanwhile
        await here.timers.fire_due()
        (alarm,) = await alarms(here, case_id)
        present = [(rung.kind, rung.action) for rung in alarm.rungs if not rung.late]
        assert present == [("accept", "escalate"), ("contact", "escalate")]
        assert [rung.action for rung in alarm.rungs if rung.kind == "accept" and rung.late] == [
            "remind",
            "warn",
            "breach",
        ]
        assert [notice.person for notice in alarm.notices] == ["vice-mayor-1"]
        assert len((await here.case(case_id)).breached) == 2


@in_a_loop
async def test_what_nobody_could_place_is_dispatched_by_the_coordinator_in_time_or_climbs(
    tmp_path: Path,
) -> None:
    async with room(tmp_path, desk=county()) as here:
        case_id = await here.arrives("Something altogether different")
        dispatch = (await here.case(case_id)).owes("dispatch")
        assert dispatch is not None
        assert (dispatch.owner, shown(dispatch.due)) == ("coordinator", "10-08 09:30:00")
        await here.live_until(local("2026-10-08 09:30"))
        breach = (await alarms(here, case_id))[-1]
        assert [(rung.kind, rung.action) for rung in breach.rungs] == [("dispatch", "breach")]
        assert [notice.person for notice in breach.notices] == ["coordination-head"]


@in_a_loop
async def test_the_promise_runs_from_arrival_whatever_happens_to_the_assignment(tmp_path: Path) -> None:
    async with room(tmp_path, desk=county()) as here:
        record = await here.message("路燈不亮,路面有坑")
        here.clock.advance_to(local("2026-10-09 10:00"))
        await here.handlers.on_received(record)
        (case_id,) = [
            one.id for one in await here.store.due(here.cases.kind.collection, local("2027-01-01 00:00"), 9)
        ]
        case = await here.case(case_id)
        promise, resolve = case.owes("promise"), case.owes("resolve")
        assert promise is not None
        assert resolve is not None
        assert (shown(promise.due), shown(resolve.due)) == ("10-13 17:30:00", "10-15 17:30:00")


@in_a_loop
async def test_what_a_refused_return_begins_anew_climbs_from_the_first_rung_again(tmp_path: Path) -> None:
    somebody = machine("somebody", [right.value for right in Right])
    async with room(tmp_path, desk=county()) as here:
        case_id = await here.arrives("路燈不亮,路面有坑")
        await here.live_until(local("2026-10-08 11:45:30"))  # the first rung of `contact` has fallen
        ref = (await here.case(case_id)).ref
        visit = Contact(outcome="not_reached", site_visit=True)  # who went to look has a day to return it
        for command in (visit, Return(text="這條路不歸我們管。"), RefuseReturn(text="就是你們的。")):
            await here.office.do(somebody, await here.office.find(somebody, ref), command)
        await here.live_until(local("2026-10-09 12:00"))
        climbed = Counter(
            rung.action
            for alarm in await alarms(here, case_id)
            for rung in alarm.rungs
            if rung.kind == "contact"
        )
    assert climbed == {"remind": 2, "warn": 1, "breach": 1}
