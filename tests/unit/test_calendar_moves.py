"""Running deadlines where another calendar holds: what moves, what stands still, and what stays late."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from services.routing import commands as c
from services.routing.rescheduling import ends_told, moves
from shared.events.cases import CaseRescheduled
from tests.unit.case_lives import Step, lived
from tests.unit.case_samples import local
from tests.unit.test_time_account import DESKS, FAR, LIVES, Moving, Switch, life_of


@settings(max_examples=100, deadline=None)
@given(LIVES, FAR)
def test_a_second_move_changes_nothing_and_what_is_late_stays_late(
    life: Moving, steps: list[Step | Switch]
) -> None:
    lived(life, [])
    for step in steps:
        before = life.case
        life.step(step)
        assert life.case is not None
        if isinstance(step, Switch) and before is not None and step.moves:
            late = [one for one in before.obligations if one.due <= life.now]
            assert all(one in life.case.obligations for one in late)
            assert life.case.breached == before.breached
            assert {(one.kind, one.owner, one.since) for one in before.obligations} == {
                (one.kind, one.owner, one.since) for one in life.case.obligations
            }
            assert life.moved() == []


def test_running_deadlines_move_and_their_promise_with_them_while_the_ladder_goes_on() -> None:
    life = life_of()
    life.step(c.Accept())
    life.step(timedelta(days=10))  # Saturday 10 October, a make-up day; contact is late since the 8th
    before = life.case
    assert before is not None
    life.step(Switch(1, moves=True))
    after = life.case
    assert after is not None
    (event,) = [record.data for record in life.records if isinstance(record.data, CaseRescheduled)]
    assert isinstance(event, CaseRescheduled)
    assert (event.calendar, event.organisation) == (
        DESKS[1].organisation.all_calendars.digest,
        DESKS[1].version,
    )
    moved = {one.kind: one for one in after.obligations}
    assert moved["resolve"].due == moved["promise"].due == after.promise == local("2026-10-15 17:30")
    assert event.promise == after.promise
    assert (event.notices, [one.how for one in event.ends]) == ((), ["moved", "moved"])
    assert [one for one in after.obligations if one.kind == "contact"] == [
        one for one in before.obligations if one.kind == "contact"
    ]
    old = next(one for one in before.obligations if one.kind == "resolve")
    assert (moved["resolve"].next_rung, moved["resolve"].since) == (old.next_rung, old.since)


def test_what_stands_still_moves_too_and_goes_on_from_there() -> None:
    life = life_of()
    for step in (
        c.Accept(),
        c.Suspend(reason="weather", limit="20wd", text="rain"),
        timedelta(minutes=30),
        Switch(1, moves=True),
    ):
        life.step(step)
    assert life.case is not None
    assert life.case.pause is not None
    assert {one.due for one in life.case.pause.obligations if one.kind == "resolve"} == {
        local("2026-10-15 17:30")
    }
    life.step(c.Resume())
    resolve = life.case.owes("resolve")
    assert resolve is not None
    assert resolve.due == local("2026-10-16 09:30")


def test_nothing_moves_into_the_past() -> None:
    life = life_of(DESKS[1])
    life.step(c.Accept())
    life.step(timedelta(days=14))  # Wednesday 14 October, 16:00: by the other calendar it was due yesterday
    assert life.case is not None
    ends = ends_told(DESKS[0], life.records, life.now)
    assert {one.kind for one in life.case.obligations if ends[one.id].due < one.due} >= {"resolve", "promise"}
    assert moves(life.case, ends, life.now) == []
