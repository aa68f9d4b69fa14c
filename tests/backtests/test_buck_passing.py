"""推諉: cases that nobody wants, and honest mistakes about whose they are.

What the check gets wrong, and why. It doubts departments that were wrong in good faith and slow to say so, whether the
coordinator agreed with them or not: an entry says when, not why. It does not see a department that returns its own case
at once and only once, nor one that waits just less than the share of the limit that counts as late: it can't tell them
from honest ones. Wall time and working time differ, so both sides of that line blur where a limit holds a weekend.
"""

from __future__ import annotations

import pytest

from services.audit.checks.buck_passing import BuckPassing
from shared.events import Record
from tests.backtests.lives import Truth, accept, answer, begin, finish, get_in_touch, live, truth, work
from tests.backtests.passing import COORDINATOR
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

PASSERS = (
    ("refused late", 20),
    ("handed on late", 25),
    ("returned late", 15),
    ("refused twice", 10),
    ("back and forth", 15),
    ("round and round", 10),
    ("refused at once", 5),
)
HONEST = (
    ("returned at once", 35),
    ("erred at once", 15),
    ("transferred at once", 15),
    ("went to look", 12),
    ("coordinator corrects", 10),
    ("coordinator takes it back", 8),
    ("slow in good faith", 5),
)


def tell(story: Story) -> list[Truth]:
    """One in seven is passed on by somebody whose it is; one in seven goes to the wrong place first, honestly."""
    rng = story.rng
    roll = rng.random()
    if roll < 0.7:
        live(story)
        return []
    begin(story) if rng.random() < 0.5 else story.arrive()
    tales = PASSERS if roll < 0.85 else HONEST
    story.tale = rng.choices([tale for tale, _ in tales], [weight for _, weight in tales])[0]
    events = _passed(story) if roll < 0.85 else _misplaced(story)
    accept_if_owed(story)
    get_in_touch(story)
    work(story)
    answer(story)
    finish(story)
    return [truth(story, *events, what=story.tale)] if events else []


def accept_if_owed(story: Story) -> None:
    """Whoever has it in the end accepts it."""
    if story.owes("accept") is not None:
        accept(story)


def _passed(story: Story) -> list[Record]:
    rng = story.rng
    match story.tale:
        case "refused late":
            return [_returned(story, rng.uniform(0.12, 0.9), upheld=False)]
        case "refused at once":
            return [_returned(story, rng.uniform(0.002, 0.08), upheld=False)]
        case "handed on late":
            return [_transferred(story, rng.uniform(0.32, 0.97), _other(story))]
        case "returned late":
            return [_returned(story, rng.uniform(0.32, 0.97), upheld=True)]
        case "refused twice":
            first = _returned(story, rng.uniform(0.002, 0.08), upheld=False)
            story.spend(rng.uniform(60, 3600))
            return [first, _returned(story, 0.0, upheld=False)]
        case "back and forth":
            beginner = str(story.department)
            events = [_transferred(story, rng.uniform(0.002, 0.2), _other(story))]
            if rng.random() < 0.5:
                _transferred(story, rng.uniform(0.002, 0.2), beginner)
            else:
                _returned(story, rng.uniform(0.002, 0.2), upheld=True, to=beginner)
            return events
    hops = rng.randint(3, 4)
    been = [str(story.department)]
    events = []
    for _ in range(hops):
        left = [one for one in story.town.departments if one not in been] or been[:1]
        been.append(rng.choice(left))
        events.append(_transferred(story, rng.uniform(0.002, 0.2), been[-1]))
    return events


def _misplaced(story: Story) -> list[Record]:
    rng = story.rng
    match story.tale:
        case "returned at once":
            _returned(story, rng.uniform(0.002, 0.15), upheld=True)
        case "erred at once":
            _returned(story, rng.uniform(0.002, 0.08), upheld=False)
        case "transferred at once":
            _transferred(story, rng.uniform(0.002, 0.2), _other(story))
        case "went to look":
            story.reach("resolve", rng.uniform(0.05, 0.1))
            accept_if_owed(story)
            story.contact("reached", site_visit=True)
            _returned(story, rng.uniform(0.15, 0.6), upheld=True, site_visit=True)
        case "coordinator corrects":
            story.reach("resolve", rng.uniform(0.05, 0.6))
            story.assign(_other(story), actor=story.officer(COORDINATOR))
        case "coordinator takes it back":
            first = story.department
            story.reach("resolve", rng.uniform(0.05, 0.3))
            story.assign(_other(story), actor=story.officer(COORDINATOR))
            story.reach("resolve", rng.uniform(0.05, 0.3))
            story.assign(str(first), actor=story.officer(COORDINATOR))
        case "slow in good faith":
            _returned(story, rng.uniform(0.2, 0.6), upheld=True)
    return []


def _other(story: Story) -> str:
    return story.rng.choice([one for one in story.town.departments if one != story.department])


def _returned(
    story: Story, part: float, *, upheld: bool, to: str | None = None, site_visit: bool = False
) -> Record:
    """Returned when that part of the limit is over; the coordinator decides soon."""
    story.reach("resolve", part)
    returned = story.give_back(proposed=_other(story), site_visit=site_visit)
    story.reach("dispatch", story.rng.uniform(0.05, 0.9))
    story.decide_return(upheld=upheld, to=to or _other(story))
    return returned


def _transferred(story: Story, part: float, to: str) -> Record:
    story.reach("resolve", part)
    return story.transfer(to)


@pytest.mark.parametrize("count", COUNTS)
def test_passing_on_is_told_from_honest_mistakes_mostly(count: int) -> None:
    made = backtest(BuckPassing(), tell, count)
    assert made.truths > count / 10
    assert made.precision >= 0.9
    assert made.recall >= 0.85
