"""The clock stopped, or given time, without need; answers past the trail. And good reasons that look like it.

What the check gets wrong, and why. It doubts whoever has a good reason at the last moment: parts that do come late, a
question that comes up at the end, a sender who withdraws on the telephone; the entries of both are the same, and the
reason stands in the words. It does not see a needless pause early in the limit, a question that asks for what was known
and is answered, nor a pause before a weekend, which leaves more wall time than counts as the last moment.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.audit.checks.clock_abuse import ClockAbuse
from shared.events import Record
from tests.backtests.lives import Truth, answer, begin, finish, get_in_touch, live, truth, work
from tests.backtests.passing import COORDINATOR
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

ABUSES = (
    ("paused at the last moment", 20),
    ("paused without a question", 10),
    ("needless question", 15),
    ("paused again and again", 15),
    ("more time in the last hour", 15),
    ("withdrawn on the telephone", 10),
    ("solved, they say", 10),
    ("paused early without need", 5),
)
GOOD = (
    ("asked early", 20),
    ("asked late, and answered", 15),
    ("paused twice", 15),
    ("more time in time", 20),
    ("more time refused", 10),
    ("withdrew in writing", 10),
    ("solved and told", 15),
    ("no reply, and worked on", 15),
    ("parts came late", 3),
    ("withdrew on the telephone", 1),
    ("hit in the last hour", 2),
)


def tell(story: Story) -> list[Truth]:
    """One in seven plays with the clock; one in three uses what the rules give, for a reason."""
    rng = story.rng
    roll = rng.random()
    if roll < 0.5:
        live(story)
        return []
    begin(story)
    get_in_touch(story)
    tales = ABUSES if roll > 0.85 else GOOD
    story.tale = rng.choices([tale for tale, _ in tales], [weight for _, weight in tales])[0]
    events = _abused(story) if roll > 0.85 else _used(story)
    if not story.closed:
        if story.owes("silence") is None and story.owes("callback") is None:
            answer(story)
        finish(story)
    return [truth(story, *events, what=story.tale)] if events else []


def _abused(story: Story) -> list[Record]:
    rng = story.rng
    match story.tale:
        case "paused at the last moment":
            _near_the_end(story, rng.uniform(0.004, 0.09))
            paused = story.suspend(rng.choice(("third_party", "weather", "parts")))
            _past_the_end(story)
            return [paused, story.resume("by_hand")]
        case "paused early without need":
            story.reach("resolve", rng.uniform(0.1, 0.5))
            paused = story.suspend(rng.choice(("third_party", "weather", "parts")))
            story.reach("pause", rng.uniform(0.8, 1))
            return [paused, story.resume("by_hand")]
        case "paused without a question":
            story.reach("resolve", rng.uniform(0.1, 0.8))
            return [story.suspend("sender")]
        case "needless question":
            story.reach("resolve", rng.uniform(0.2, 0.8))
            asked = [story.ask(suspends=True), story.records[-1]]
            story.reach("reply", 1)
            story.resume("lapsed")
            story.wait_until(story.now + timedelta(seconds=rng.randint(60, 3400)))
            return [*asked, story.answer()]
        case "paused again and again":
            events = []
            for _ in range(rng.randint(3, 5)):
                story.reach("resolve", min(0.7, rng.uniform(0.1, 0.3)))
                story.spend(rng.uniform(60, 900))
                events.append(story.suspend(rng.choice(("third_party", "weather", "parts"))))
                story.reach("pause", rng.uniform(0.1, 0.9))
                story.resume("by_hand")
            return events
        case "more time in the last hour":
            return [_asks_for_time(story, rng.randint(30, 3500))]
        case "withdrawn on the telephone":
            story.reach("resolve", rng.uniform(0.5, 0.95))
            story.contact("reached")
            story.spend(rng.uniform(60, 3600))
            return [story.close("withdrawn", actor=story.officer(COORDINATOR))]
    story.reach("resolve", rng.uniform(0.3, 0.9))
    solved = story.solve()
    story.wait_until(story.when("resolve", 1) + timedelta(seconds=rng.randint(60, 900_000)))
    return [solved]


def _used(story: Story) -> list[Record]:
    rng = story.rng
    match story.tale:
        case "asked early":
            story.reach("resolve", rng.uniform(0.05, 0.5))
            story.ask(suspends=True)
            story.reach("reply", rng.uniform(0.05, 0.95))
            story.write()
        case "asked late, and answered":
            _near_the_end(story, rng.uniform(0.01, 0.2))
            story.ask(suspends=True)
            story.reach("reply", rng.uniform(0.05, 0.95))
            story.write()
        case "paused twice":
            for _ in range(2):
                story.spend(rng.uniform(600, story.town.limits["resolve"] / 5))
                story.suspend(rng.choice(("third_party", "weather", "parts")))
                story.reach("pause", rng.uniform(0.1, 0.9))
                story.resume("by_hand")
        case "more time in time" | "more time refused":
            story.reach("resolve", rng.uniform(0.3, 0.85))
            story.extend()
            story.spend(rng.uniform(60, 3000))
            story.decide_extension(granted=story.tale == "more time in time")
        case "withdrew in writing":
            story.reach("resolve", rng.uniform(0.2, 0.8))
            story.write()
            story.spend(rng.uniform(60, 3600))
            story.close("withdrawn", actor=story.officer(COORDINATOR))
        case "solved and told":
            story.reach("resolve", rng.uniform(0.2, 0.8))
            story.solve()
        case "no reply, and worked on":
            story.reach("resolve", rng.uniform(0.1, 0.4))
            story.ask(suspends=True)
            story.reach("reply", 1)
            story.resume("lapsed")
            story.wait_until(story.now + timedelta(seconds=rng.randint(3700, 40_000)))
        case "parts came late":
            _near_the_end(story, rng.uniform(0.01, 0.09))
            story.suspend("parts")
            _past_the_end(story)
            story.resume("by_hand")
        case "withdrew on the telephone":
            story.reach("resolve", rng.uniform(0.2, 0.8))
            story.contact("reached")
            story.close("withdrawn", actor=story.officer(COORDINATOR))
        case "hit in the last hour":
            _asks_for_time(story, rng.randint(30, 3500))
        case _:
            work(story)
    return []


def _near_the_end(story: Story, left: float) -> None:
    """Only that part of the time is left, by the wall clock or by working time."""
    debt = story.owes("resolve")
    assert debt is not None
    if story.rng.random() < 0.6:
        story.reach("resolve", 1 - left)
    else:
        story.wait_until((debt.started.due - (debt.started.due - debt.begin) * left).replace(microsecond=0))


def _past_the_end(story: Story) -> None:
    """The pause lasts until after what would have been the end."""
    still = next(debt for debt in story.still if debt.started.kind == "resolve")
    story.wait_until(still.started.due + timedelta(seconds=story.rng.randint(60, 400_000)))


def _asks_for_time(story: Story, left: int) -> Record:
    debt = story.owes("resolve")
    assert debt is not None
    story.wait_until(debt.started.due - timedelta(seconds=left))
    asked = story.extend()
    story.wait_until(story.now + timedelta(seconds=story.rng.randint(1, left - 1)))
    story.decide_extension(granted=True)
    return asked


@pytest.mark.parametrize("count", COUNTS)
def test_playing_with_the_clock_is_told_from_using_it_mostly(count: int) -> None:
    made = backtest(ClockAbuse(), tell, count)
    assert made.truths > count / 20
    assert made.precision >= 0.87
    assert made.recall >= 0.9
