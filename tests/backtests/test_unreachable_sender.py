"""弄虛作假: "not reached", three times in ten minutes, at night, or though the sender had just written.

What the check gets wrong, and why. It doubts whoever really tried three times in a row, and whoever calls at night
because the sender asked for it. It does not see tries that were invented at plausible times: nothing in the entries
tells them from real ones; a telephone system's own records would.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.audit.checks.unreachable_sender import UnreachableSender
from shared.events import Record
from tests.backtests.hours import ZONE
from tests.backtests.lives import Truth, answer, begin, by_day, finish, get_in_touch, live, truth, work
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

PRETENDED = (
    ("within minutes", 35),
    ("at night", 20),
    ("though the sender wrote", 25),
    ("again and again, never written to", 15),
    ("invented at plausible times", 8),
)
MEANT = (
    ("tried on three days", 30),
    ("twice in a hurry", 20),
    ("reached at the third ring", 15),
    ("once at night, once by day", 15),
    ("wrote, and was answered", 15),
    ("many tries, and a letter", 10),
    ("three times in a row, in earnest", 3),
    ("at night, as asked", 2),
)


def tell(story: Story) -> list[Truth]:
    """One in eight is said to be out of reach whom nobody tried to reach; one in four is hard to reach."""
    rng = story.rng
    roll = rng.random()
    story.anonymous = False
    if roll < 0.6:
        live(story)
        return []
    pretends = roll > 0.87
    tales = PRETENDED if pretends else MEANT
    story.tale = rng.choices([tale for tale, _ in tales], [weight for _, weight in tales])[0]
    if story.tale in {"again and again, never written to", "many tries, and a letter"}:
        story.can_mail = True
    begin(story)
    events = _tries(story)
    if story.tale not in _OPEN or rng.random() < 0.3:
        story.spend(rng.uniform(3600, 20_000))
        if story.owes("contact") is not None and not pretends:
            get_in_touch(story)
    if not pretends:
        work(story)
    answer(story)
    finish(story)
    return [truth(story, *events, what=story.tale)] if pretends else []


_OPEN = frozenset(tale for tale, _ in PRETENDED)
"""Whoever pretends leaves it there, as a rule."""


def _tries(story: Story) -> list[Record]:
    rng = story.rng
    if story.tale in {"twice in a hurry", "reached at the third ring", "three times in a row, in earnest"}:
        by_day(story, "")
    match story.tale:
        case "within minutes" | "three times in a row, in earnest":
            return _in_vain(story, 3 if rng.random() < 0.7 else 4, (20, 190))
        case "twice in a hurry":
            return _in_vain(story, 2, (20, 300))
        case "at night" | "at night, as asked":
            _wait_for_night(story)
            return _in_vain(story, rng.randint(2, 3), (700, 7000))
        case "though the sender wrote":
            first = _in_vain(story, rng.randint(1, 2), (4000, 30_000), day=True)
            story.spend(rng.uniform(600, 20_000))
            story.write()
            story.spend(rng.uniform(600, 20_000))
            return [*first, *_in_vain(story, 1, (0, 0), day=True)][-1:]
        case "again and again, never written to":
            return _in_vain(story, rng.randint(4, 6), (4000, 60_000), day=True)
        case "invented at plausible times" | "tried on three days":
            return _in_vain(story, 3, (10_000, 90_000), day=True)
        case "reached at the third ring":
            tries = _in_vain(story, 3, (20, 120))
            story.wait_until(story.now + timedelta(seconds=rng.randint(30, 600)))
            story.contact("reached")
            return tries
        case "once at night, once by day":
            by_day(story, "")
            first = _in_vain(story, 1, (0, 0), day=True)
            _wait_for_night(story)
            return [*first, *_in_vain(story, 1, (0, 0))]
        case "wrote, and was answered":
            first = _in_vain(story, 1, (0, 0), day=True)
            story.write()
            story.spend(rng.uniform(600, 20_000))
            story.answer(final=False)
            return first
    first = _in_vain(story, rng.randint(1, 3), (4000, 60_000), day=True)
    story.answer(final=False)
    return [*first, *_in_vain(story, rng.randint(1, 3), (4000, 60_000), day=True)]


def _in_vain(story: Story, tries: int, between: tuple[int, int], *, day: bool = False) -> list[Record]:
    """So many tries with so many seconds between them; by day only, if need be."""
    found = []
    for one in range(tries):
        if one:
            story.wait_until(story.now + timedelta(seconds=story.rng.randint(*between)))
        if day:
            by_day(story, "")
        found.append(story.contact("not_reached", words=story.rng.random() < 0.5))
    return found


def _wait_for_night(story: Story) -> None:
    """Ten at night, or a little later."""
    here = story.now + ZONE
    night = here.replace(hour=22, minute=0, second=0) + timedelta(seconds=story.rng.randint(0, 7200))
    story.wait_until(max(night, here) - ZONE)


@pytest.mark.parametrize("count", COUNTS)
def test_pretended_tries_are_told_from_meant_ones_mostly(count: int) -> None:
    made = backtest(UnreachableSender(), tell, count)
    assert made.truths > count / 20
    assert made.precision >= 0.9
    assert made.recall >= 0.85
