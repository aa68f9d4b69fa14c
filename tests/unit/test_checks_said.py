"""Bad manners, repeated complaints, hot spots: an instance of each that must be seen, and look-alikes that must not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from services.audit.checks.bad_manners import BadManners
from services.audit.checks.check import Check, Doubt, Noted
from services.audit.checks.hot_spot import HotSpot
from services.audit.checks.repeated_complaint import RepeatedComplaint
from services.audit.checks.running import as_they_are, run
from shared.events import Record
from shared.events.findings import Evidence
from shared.events.linked import CaseLinked
from tests.backtests.lives import BEGINNING, draw_town
from tests.backtests.passing import in_order
from tests.backtests.story import Story

DAY = timedelta(days=1)


def town_stories(count: int, apart: timedelta = DAY) -> list[Story]:
    """Cases that arrived one after another and were accepted."""
    rng = Random(3)
    town = draw_town(rng, 0)
    stories = [Story(town, rng, number, BEGINNING + number * apart) for number in range(1, count + 1)]
    for one in stories:
        one.arrive(department=town.departments[0])
        one.accept()
    return stories


def doubts(check: Check[Any], *stories: Story) -> list[Doubt]:
    """What a check finds in all of them."""
    records = in_order(stories, BEGINNING + 400 * DAY)
    entries = [Noted(at, Record.read("", record.value)) for at, record in enumerate(records)]
    return [doubt for _, doubt in run(entries, as_they_are([check]))]


def test_who_complains_of_how_they_were_treated_is_heard_and_the_department_that_had_the_case_is_asked() -> (
    None
):
    (one,) = town_stories(1)
    one.write(fact={"manners": 9000, "persons": ("town0-a-officer-1",)})
    (doubt,) = doubts(BadManners(), one)
    assert (doubt.case, doubt.department, doubt.person) == (one.case, one.department, "town0-a-officer-1")
    assert len(doubt.evidence) == 2


def test_who_does_not_or_names_several_or_opens_the_case_with_it_accuses_nobody() -> None:
    one, two, three = town_stories(3)
    one.write(fact={"manners": 3000})
    two.write(fact={"manners": 9000, "persons": ("a", "b")})
    three.read(f"{three.case}/1", manners=9000)
    assert [
        (doubt.case, doubt.department, doubt.person) for doubt in doubts(BadManners(), one, two, three)
    ] == [
        (two.case, two.department, None),
        (three.case, None, None),
    ]


def again(
    after: timedelta,
    *,
    sender: str = "wang",
    likeness: int = 9000,
    ends: Callable[[Story], object] | None = None,
) -> list[Doubt]:
    """The same matter comes again a while after the first one's end."""
    first, second = town_stories(2, apart=DAY)
    first.read(f"{first.case}/1", sender="wang")
    first.spend(3600)
    (ends or Story.answer)(first)
    second.now = max(second.now, first.now + after)
    second.read(f"{second.case}/1", sender=sender, like=f"{first.case}/1", likeness=likeness)
    return doubts(RepeatedComplaint(), first, second)


def test_the_same_sender_with_the_same_matter_after_an_answer_comes_again() -> None:
    (doubt,) = again(5 * DAY)
    assert doubt.case == doubt.key == "case_000002"
    assert doubt.department == "town0-a"
    answer, _ = doubt.evidence
    assert isinstance(answer, Evidence)
    assert answer.event.startswith("case_000001/")


def test_a_closed_case_counts_as_an_answered_one() -> None:
    assert len(again(5 * DAY, ends=lambda one: one.close("withdrawn"))) == 1


def test_another_sender_another_matter_a_case_under_way_or_long_ago_is_no_repetition() -> None:
    assert again(5 * DAY, sender="li") == []
    assert again(5 * DAY, likeness=3000) == []
    assert again(5 * DAY, ends=lambda one: one.contact("reached")) == []
    assert again(100 * DAY) == []


def alike(stories: list[Story], *, senders: int = 99) -> None:
    """Each is like the one before."""
    for number, one in enumerate(stories):
        like = {"like": f"{stories[number - 1].case}/1", "likeness": 8000} if number else {}
        one.read(f"{one.case}/1", sender=f"sender-{number % senders}", **like)


def test_many_alike_matters_within_days_that_nobody_saw_as_one_are_a_hot_spot_once() -> None:
    stories = town_stories(8, apart=timedelta(hours=30))
    alike(stories)
    (doubt,) = doubts(HotSpot(), *stories)
    assert (doubt.key, doubt.case) == (stories[0].case, stories[4].case)
    assert len(doubt.evidence) == 5
    assert doubt.department is None


def test_few_or_of_few_senders_or_far_apart_or_linked_are_none() -> None:
    few = town_stories(4)
    alike(few)
    assert doubts(HotSpot(), *few) == []
    one_sender = town_stories(9)
    alike(one_sender, senders=2)
    assert doubts(HotSpot(), *one_sender) == []
    slow = town_stories(9, apart=6 * DAY)
    alike(slow)
    assert doubts(HotSpot(), *slow) == []
    linked = town_stories(9, apart=timedelta(hours=6))
    alike(linked)
    linked[2].say(CaseLinked(case=linked[0].case, ref="x", relation="parent"))
    assert doubts(HotSpot(), *linked) == []
