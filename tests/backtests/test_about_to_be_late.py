"""事前: a case lies still while its time runs out, or is worked on to the end; an urging is not work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.audit.checks.about_to_be_late import AboutToBeLate
from shared.events.cases import CaseUrged
from tests.backtests.lives import Truth, finish
from tests.backtests.passing import Debt
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story


def tell(story: Story) -> list[Truth]:
    """Somebody looks at a case when a quarter of its time is left. Has anybody done anything for four tenths of it?"""
    rng = story.rng
    story.arrive()
    debt = story.owes("resolve")
    assert debt is not None
    _go(story, debt, rng.uniform(0.005, 0.1))
    story.accept()
    if rng.random() < 0.15:
        _go(story, debt, rng.uniform(0.1, 0.2))
        story.suspend(rng.choice(("weather", "parts")))
        story.reach("pause", rng.uniform(0.1, 0.9))
        story.resume("by_hand")
        debt = story.owes("resolve")
        assert debt is not None
        if _whole(debt) < timedelta(hours=5):
            story.answer()
            finish(story)
            return []
        return _worked_on(story, debt)
    return _worked_on(story, debt)


def _worked_on(story: Story, debt: Debt) -> list[Truth]:
    rng = story.rng
    tale = rng.choice(("still", "still", "steady", "early", "just in time", "picked up"))
    story.tale = tale
    match tale:
        case "still":
            last = _touch(story, debt, rng.uniform(0.0, 0.345))
            _noise(story, debt, 0.72)
            return _left(
                story, debt, last, 0.75, rng.choice((rng.uniform(0.755, 0.99), rng.uniform(1.0, 2), None))
            )
        case "picked up":
            at = rng.uniform(0.36, 0.55)
            last = _touch(story, debt, at)
            _noise(story, debt, at + 0.38)
            return _left(story, debt, last, at + 0.4, rng.choice((rng.uniform(at + 0.41, 0.995), None)))
        case "steady":
            at = rng.uniform(0.02, 0.3)
            while at < 0.97:
                _touch(story, debt, at)
                at += rng.uniform(0.05, 0.39)
            _go(story, debt, 0.985)
        case "early":
            _touch(story, debt, rng.uniform(0.0, 0.3))
            _go(story, debt, rng.uniform(0.4, 0.745))
        case "just in time":
            at = rng.uniform(0.37, 0.55)
            _touch(story, debt, at)
            _go(story, debt, rng.uniform(0.76, at + 0.395))
    story.answer()
    finish(story)
    return []


def _left(story: Story, debt: Debt, last: str, seen: float, until: float | None) -> list[Truth]:
    """It lies still from that event on; answered at that part of its time, or never."""
    at = _at(debt, seen)
    if until is not None:
        _go(story, debt, until)
        story.answer()
        finish(story)
    return [Truth(story.case, frozenset({last}), at, story.tale)]


def _touch(story: Story, debt: Debt, part: float) -> str:
    """Somebody does something that shows; answers the event."""
    rng = story.rng
    _go(story, debt, part)
    roll = rng.random()
    if roll < 0.5:
        return story.contact(rng.choice(("reached", "reached", "not_reached"))).id
    if roll < 0.7:
        return story.ask().id
    return story.answer(final=False).id


def _noise(story: Story, debt: Debt, until: float) -> None:
    """What others do while nothing is done."""
    rng = story.rng
    if rng.random() < 0.5:
        return
    passed = (story.now - debt.begin) / _whole(debt)
    if passed >= until:
        return
    _go(story, debt, rng.uniform(passed, until))
    if rng.random() < 0.5:
        story.write(resumes=False)
    else:
        story.say(CaseUrged(actor="leader", by=rng.choice(("leader", "supervisor", "sender"))))


def _whole(debt: Debt) -> timedelta:
    return debt.started.due - debt.begin


def _at(debt: Debt, part: float) -> datetime:
    return debt.begin + _whole(debt) * part


def _go(story: Story, debt: Debt, part: float) -> None:
    """Wait until that part of the time has passed, by the wall clock."""
    story.wait_until(_at(debt, part).replace(microsecond=0))


@pytest.mark.parametrize("count", COUNTS)
def test_what_lies_still_is_seen_before_it_is_late(count: int) -> None:
    made = backtest(AboutToBeLate(), tell, count)
    assert made.truths > count / 10
    assert made.precision >= 0.95
    assert made.recall >= 0.95
