"""People are told in the hours of their own post, whoever it is that is late."""

from __future__ import annotations

from datetime import datetime

from services.routing.case import Case
from services.routing.ladder import climb
from services.routing.obligation import Obligation
from shared.events.cases import CaseAlarmed
from tests.unit.case_samples import SHANGHAI, local, particular

SATURDAY = local("2026-10-17 15:00")
"""The water department works round the clock, nobody else does."""
PEOPLE = ("water-officer", "water-head", "leader-two", "principal", "housing-officer")


def shown(at: datetime | None) -> str:
    return "at once" if at is None else f"{at.astimezone(SHANGHAI):%m-%d %H:%M}"


def test_on_a_saturday_only_who_works_then_is_told() -> None:
    notices = particular().notices(PEOPLE, "water", SATURDAY)
    assert {one.person: shown(one.at) for one in notices} == {
        "water-officer": "at once",
        "water-head": "at once",
        "leader-two": "10-19 09:00",
        "principal": "10-19 09:00",
        "housing-officer": "10-19 09:00",
    }


def test_a_digest_comes_when_the_posts_own_day_begins() -> None:
    notices = particular().notices(PEOPLE[:3], "water", SATURDAY, digest=True)
    assert {one.person: shown(one.at) for one in notices} == {
        "water-officer": "10-18 06:00",  # midnight in Berlin, by whose clock the department works
        "water-head": "10-18 06:00",
        "leader-two": "10-19 09:00",
    }


def test_what_is_urgent_is_told_to_all_at_once() -> None:
    assert {shown(one.at) for one in particular().notices(PEOPLE, "water", SATURDAY, urgent=True)} == {
        "at once"
    }


def test_a_leader_hears_on_monday_what_a_desk_that_never_sleeps_was_late_with_on_saturday() -> None:
    breached = Obligation(
        "contact-1",
        "water",
        local("2026-10-15 03:00"),
        local("2026-10-16 05:59"),
        "1d",
        next_rung=3,
        next_at=local("2026-10-17 05:59"),
    )
    case = Case(
        ref="K7QM-2XPA-B",
        kind="problem",
        channel="email",
        language="en",
        message="msg_1",
        words="c_1",
        arrived=breached.since,
        department="water",
        obligations=(breached,),
    )
    alarm = climb(particular(), case, local("2026-10-17 05:59"))[0]
    assert isinstance(alarm, CaseAlarmed)
    assert [(one.person, shown(one.at)) for one in alarm.notices] == [("leader-two", "10-19 09:00")]
