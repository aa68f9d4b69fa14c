"""走形式主義, across cases: on the last afternoon of the week somebody puts down all the talks that were never had.

What the check gets wrong, and why. It doubts whoever calls all day and writes it down in the evening: an entry says
when it was made. It does not see small heaps, nor those that are spread over a quarter of an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.audit.checks.bursts import Bursts
from shared.events import Record
from shared.events.cases import SenderContacted
from tests.backtests.hours import ZONE
from tests.backtests.lives import History, Truth, accept, answer, finish, history, live
from tests.backtests.scoring import COUNTS, score
from tests.backtests.story import Story

_FEWEST = 5
_AT_ONE_GO = timedelta(minutes=5)


def tell(story: Story) -> list[Truth]:
    """In each house one officer pretends on Fridays, one writes up a day's calls in the evening now and then."""
    rng = story.rng
    if rng.random() < 0.6:
        live(story)
        return []
    department = story.town.departments[0]
    story.tale = "pretends" if rng.random() < 0.7 else "writes it up"
    story.arrive(department=department)
    accept(story)
    who = story.town.officers[department][0 if story.tale == "pretends" else 1]
    story.wait_until(_next(story, 4 if story.tale == "pretends" else 2))
    story.contact("reached", actor=who)
    answer(story)
    finish(story)
    return []


def _next(story: Story, weekday: int) -> datetime:
    """Ten past five on that day of the week, and some seconds; more for whoever writes each up in turn."""
    here = story.now + ZONE
    at = here.replace(hour=17, minute=10, second=0) + timedelta(days=(weekday - here.weekday()) % 7)
    spread = 120 if story.tale == "pretends" else story.rng.choice((200, 4000))
    at += timedelta(seconds=story.rng.randint(0, spread))
    return (at if at > here else at + timedelta(days=7)) - ZONE


def heaps(told: History) -> list[Truth]:
    """The pretended talks, by who pretends and when; so few that nobody could doubt them are none."""
    found: list[list[Record]] = []
    latest: dict[str, list[Record]] = {}
    tales = {story.case: story.tale for story in told.stories}
    for record in told.records:
        said = record.data
        if not isinstance(said, SenderContacted) or tales[record.subject] != "pretends" or said.callback:
            continue
        heap = latest.get(str(said.actor))
        if heap is None or record.time - heap[0].time > _AT_ONE_GO:
            heap = latest[str(said.actor)] = []
            found.append(heap)
        heap.append(record)
    return [
        Truth(heap[-1].subject, frozenset(one.id for one in heap), heap[-1].time, "pretends")
        for heap in found
        if len(heap) >= _FEWEST
    ]


@pytest.mark.parametrize("count", COUNTS)
def test_talks_put_down_at_one_go_are_seen(count: int) -> None:
    told = history(count, count, tell)
    told.truths.extend(heaps(told))
    made = score(Bursts(), told)
    print(f"\n{count} cases, {made}")
    assert made.truths > 5
    assert made.precision >= 0.9
    assert made.recall >= 0.95
