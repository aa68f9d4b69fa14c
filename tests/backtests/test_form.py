"""走形式主義: what is counted is done when it is counted, and nothing with it. And busy people, who look alike.

What the check gets wrong, and why. It doubts busy departments that are in a hurry twice in one case, and people of few
words who did speak to the sender. It does not see who leaves one sign only in a case, nor who writes a sentence behind
each empty act: what is written is content, and whether it is empty a person must read. Of all the checks this one errs
most; a department in which it finds much is worth a look, a single case is not worth an accusation.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.audit.checks.form import Form
from shared.events import Record
from tests.backtests.lives import Truth, answer, finish, live, truth, work
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story


def tell(story: Story) -> list[Truth]:
    """Some departments do what is counted; others are busy."""
    rng = story.rng
    roll = rng.random()
    if roll < 0.6:
        live(story)
        return []
    story.tale = "for form's sake" if roll > 0.82 else "busy"
    events = _handled(story, formal=roll > 0.82)
    if story.owes("resolve") is not None:
        work(story)
    answer(story)
    finish(story)
    return [truth(story, *events, what=story.tale)] if roll > 0.82 else []


def _handled(story: Story, *, formal: bool) -> list[Record]:
    """Each habit by itself, with the odds that whoever works for form's sake has it, or whoever is busy."""
    rng = story.rng

    def habit(for_form: float, busy: float) -> bool:
        return rng.random() < (for_form if formal else busy)

    story.arrive()
    if habit(0.6, 0.2):
        _at_the_limit(story, "accept")
    else:
        story.reach("accept", rng.uniform(0.02, 0.93))
    accepted = story.accept()
    visit = rng.random() < 0.3
    words = not habit(0.75, 0.15)
    if habit(0.3, 0.02):
        story.wait_until(story.now + timedelta(seconds=rng.randint(1, 55)))
    else:
        story.wait_until(story.now + timedelta(seconds=70))
        if habit(0.5, 0.1):
            _at_the_limit(story, "contact")
        else:
            story.reach("contact", rng.uniform(0.1, 0.9))
    contacted = story.contact("reached", words=words, site_visit=visit)
    if habit(0.4, 0.05):
        story.spend(rng.uniform(60, 600))
        return [accepted, contacted, story.contact("reached", words=False)]
    return [accepted, contacted]


def _at_the_limit(story: Story, kind: str) -> None:
    """In the last quarter of an hour, or in the last twentieth of the time."""
    debt = story.owes(kind)
    assert debt is not None
    if story.rng.random() < 0.6:
        story.wait_until(debt.started.due - timedelta(seconds=story.rng.randint(5, 900)))
    else:
        story.reach(kind, story.rng.uniform(0.955, 0.999))


@pytest.mark.parametrize("count", COUNTS)
def test_form_is_told_from_work_more_often_than_not(count: int) -> None:
    made = backtest(Form(), tell, count)
    assert made.truths > count / 20
    assert made.precision >= 0.87
    assert made.recall >= 0.76
