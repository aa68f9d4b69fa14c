"""弄虛作假: called solved, closed, and not over. And what looks like it: a sender who wants more, or says thanks.

What the check gets wrong, and why. It doubts answers whose sender says "not solved" of what nobody could solve or out
of anger, or writes again with a matter of another kind, and what was solved on the spot and not noted: the entries are
those of a false claim. It does not see a false claim with an invented note whose sender stays silent, which is the
worst kind: random samples and visits are for that.
"""

from __future__ import annotations

import pytest

from services.audit.checks.false_closure import FalseClosure
from shared.events import Record
from tests.backtests.lives import (
    Truth,
    accept,
    answer,
    begin,
    by_day,
    finish,
    get_in_touch,
    live,
    truth,
    work,
)
from tests.backtests.passing import COORDINATOR
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

FALSE = (
    ("sender says no", 30),
    ("sender writes again", 20),
    ("reviewed and reopened", 15),
    ("closed before silence meant anything", 10),
    ("nothing done, silent sender", 20),
    ("invented note, silent sender", 8),
    ("not passed by inspection", 10),
)
TRUE = (
    ("no, and no claim", 25),
    ("no, reviewed and upheld", 10),
    ("thanks", 25),
    ("wrote again much later", 10),
    ("further question, no claim", 15),
    ("angry sender", 3),
    ("another matter", 3),
    ("solved on the spot", 2),
    ("solved with evidence alone", 15),
)


def tell(story: Story) -> list[Truth]:
    """One in eight of what is called solved is not; one in four has an ending that looks odd and is none."""
    rng = story.rng
    roll = rng.random()
    story.kind = rng.choice(("problem", "problem", "complaint", "report")) if roll > 0.5 else story.kind
    if roll < 0.6:
        live(story)
        return []
    tales = FALSE if roll > 0.85 else TRUE
    story.tale = rng.choices([tale for tale, _ in tales], [weight for _, weight in tales])[0]
    if roll > 0.85:
        return [truth(story, *_false(story), what=story.tale)]
    _true(story)
    return []


def _false(story: Story) -> list[Record]:
    rng = story.rng
    if story.tale == "nothing done, silent sender":
        _without_a_word(story)
        answered = story.answer(resolved=True)
        finish(story)
        return [answered]
    _as_usual(story)
    claims = story.tale != "closed before silence meant anything"
    answered = answer(story, resolved=True) if claims else answer(story)
    _told(story)
    match story.tale:
        case "sender says no":
            story.reach("silence", rng.uniform(0.05, 0.9))
            story.feedback(solved=False, satisfied=False)
            if rng.random() < 0.5:
                story.reach("review", rng.uniform(0.1, 0.9))
                story.review(rng.choice(("reopened", "upheld", "followed_up")))
        case "sender writes again":
            if rng.random() < 0.5:
                story.reach("silence", 1)
                story.close("silence")
            else:
                story.reach("silence", rng.uniform(0.05, 0.9))
            story.write(reopens=True, fact={"length": rng.choice(("short", "usual", "long"))})
        case "reviewed and reopened":
            story.reach("silence", rng.uniform(0.05, 0.6))
            story.feedback(solved=True, satisfied=False)
            story.reach("review", rng.uniform(0.1, 0.9))
            story.review("reopened")
        case "closed before silence meant anything":
            story.wait_until(story.now + (story.when("silence", 1) - story.now) * rng.uniform(0.02, 0.35))
            story.close("silence")
        case "not passed by inspection":
            story.spend(rng.uniform(3600, 2 * story.town.hours.a_day))
            story.reopen("not_passed", actor="supervisor")
        case _:
            finish(story)
    return [answered]


def _true(story: Story) -> None:
    rng = story.rng
    if story.tale in {"solved on the spot", "solved with evidence alone"}:
        _without_a_word(story)
        if story.tale == "solved with evidence alone":
            story.solve()
        story.answer(resolved=True)
        finish(story)
        return
    _as_usual(story)
    claims = story.tale in {"thanks", "wrote again much later", "angry sender", "another matter"}
    if claims:
        answer(story, resolved=True)
    else:
        story.reach("resolve", rng.uniform(0.3, 0.95))
        story.answer()
    _told(story)
    match story.tale:
        case "no, and no claim" | "no, reviewed and upheld" | "angry sender":
            story.reach("silence", rng.uniform(0.05, 0.9))
            story.feedback(solved=False)
            story.reach("review", rng.uniform(0.1, 0.9))
            story.review("followed_up" if story.tale == "no, and no claim" else "upheld")
        case "thanks" | "further question, no claim" | "another matter":
            story.reach("silence", rng.uniform(0.05, 0.9))
            long = "phrase" if story.tale == "thanks" else "usual"
            story.write(reopens=True, fact={"length": long})
            story.spend(rng.uniform(600, 7200))
            story.answer()
            finish(story)
        case "wrote again much later":
            story.reach("silence", 1)
            story.close("silence")
            story.spend(story.town.hours.a_day * rng.uniform(15, 25))
            story.write(reopens=True, fact={"length": "usual"})
            story.answer()
            finish(story)


def _as_usual(story: Story) -> None:
    begin(story)
    get_in_touch(story)
    work(story)


def _told(story: Story) -> None:
    """Whoever can't be written to is called."""
    if story.owes("callback") is not None:
        story.reach("callback", story.rng.uniform(0.05, 0.7))
        by_day(story, "callback")
        story.contact("reached", callback=True)


def _without_a_word(story: Story) -> None:
    """Dispatched and accepted, and nobody speaks to anybody."""
    if story.rng.random() < 0.5:
        story.arrive()
    else:
        story.arrive(queued="no_rule")
        story.reach("dispatch", 0.5)
        story.assign(story.rng.choice(story.town.departments), actor=story.officer(COORDINATOR))
    accept(story)
    if story.rng.random() < 0.3:
        story.contact("not_reached")
    story.reach("resolve", story.rng.uniform(0.2, 0.95))


@pytest.mark.parametrize("count", COUNTS)
def test_what_is_called_solved_and_is_not_is_seen_mostly(count: int) -> None:
    made = backtest(FalseClosure(), tell, count)
    assert made.truths > count / 20
    assert made.precision >= 0.85
    assert made.recall >= 0.9
