"""無故拖延: what is owed is done on the day, on the dot, a second late, days late, or never."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.audit.checks.late import Late
from shared.events.cases import CaseAlarmed
from shared.events.obligations import Rung
from tests.backtests.lives import (
    BEGINNING,
    Truth,
    accept,
    answer,
    finish,
    get_in_touch,
    live,
    work,
)
from tests.backtests.passing import COORDINATOR
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

UNTIL = timedelta(days=120)


def tell(story: Story) -> list[Truth]:
    """Somebody here and there drags something out; the house may not notice, or cry out where nothing is late."""
    rng = story.rng
    if rng.random() < 0.4:
        live(story)
    else:
        story.tale = "dragged out"
        _dragged_out(story, rng.choice((0.1, 0.3, 0.6)))
    return _late(story)


def _dragged_out(story: Story, share: float) -> None:
    for part in (_dispatched, _accepted, _spoken, _worked, _answered, _ended):
        if not part(story, share):
            return


def _drag(story: Story, kind: str, share: float) -> bool:
    """Something may be left until it is due, on the dot, or later; answers whether it is left lying for good."""
    rng = story.rng
    if story.owes(kind) is None or rng.random() >= share:
        return False
    by = rng.choice((0, 0, 1, 30, rng.randint(60, 3600), rng.randint(3600, 900_000)))
    story.wait_until(story.when(kind, 1) + timedelta(seconds=by))
    return rng.random() < 0.1


def _dispatched(story: Story, share: float) -> bool:
    rng = story.rng
    story.arrive(queued="no_rule" if rng.random() < 0.5 else None)
    if _drag(story, "dispatch", share):
        return False
    if story.owes("dispatch") is not None:
        story.reach("dispatch", rng.random() * 0.9)
        story.assign(rng.choice(story.town.departments), actor=story.officer(COORDINATOR))
    return True


def _accepted(story: Story, share: float) -> bool:
    if story.town.deemed or not _drag(story, "accept", share):
        accept(story)
    if story.rng.random() < 0.1:
        _false_alarm(story)
    return True


def _spoken(story: Story, share: float) -> bool:
    if _drag(story, "contact", share):
        return False
    get_in_touch(story)
    return True


def _worked(story: Story, share: float) -> bool:
    rng = story.rng
    roll = 1.0 if story.when_late("resolve") else rng.random()
    if roll < 0.2:
        _late_pause(story)
    elif roll < 0.4:
        story.reach("resolve", rng.uniform(0.5, 0.99))
        story.extend()
        _drag(story, "resolve", share)
        story.decide_extension(granted=rng.random() < 0.7)
    elif roll < 0.6:
        asked = story.assist(rng.choice([one for one in story.town.departments if one != story.department]))
        if not _drag(story, "assist", share):
            story.assisted(asked)
    elif roll < 0.9:
        work(story)
    return not _drag(story, "resolve", share)


def _answered(story: Story, share: float) -> bool:
    if story.rng.random() < 0.05:
        story.close("withdrawn", actor=story.officer(COORDINATOR))
        return False
    answer(story)
    return not _drag(story, "callback", share)


def _ended(story: Story, share: float) -> bool:
    rng = story.rng
    if rng.random() >= 0.2 or story.owes("silence") is None:
        finish(story)
        return True
    story.reach("silence", 0.3)
    story.feedback(solved=False)
    if not _drag(story, "review", share):
        story.review(rng.choice(("upheld", "reopened", "followed_up")))
    return True


def _late_pause(story: Story) -> None:
    """What is late already does not stand still with the rest."""
    rng = story.rng
    story.reach("resolve", rng.uniform(0.2, 0.99))
    story.suspend(rng.choice(("weather", "parts", "court")))
    story.reach("pause", rng.uniform(0.1, 1))
    story.resume("by_hand")


def _false_alarm(story: Story) -> None:
    debt = story.owes("resolve")
    assert debt is not None
    one = debt.started
    rung = Rung(
        obligation=one.id,
        kind=one.kind,
        owner=one.owner,
        due=story.now,
        rung=2,
        action="breach",
        at=story.now,
    )
    story.say(CaseAlarmed(at=story.now, rungs=[rung]))


def _late(story: Story) -> list[Truth]:
    """What the story's own ledger says: ended after its end, or still open when the history ends."""
    horizon = BEGINNING + UNTIL
    late: dict[tuple[str, str, datetime], Truth] = {}
    for debt, record in story.overdue:
        if debt.started.due < horizon:
            event = record.id if record.time <= horizon else debt.began
            before = late.get(debt.what)
            events = frozenset({event}) | (before.events if before else frozenset())
            late[debt.what] = Truth(story.case, events, debt.started.due, debt.started.kind)
    for debt in story.debts.values():
        if debt.is_over(horizon) and debt.what not in late:
            late[debt.what] = Truth(story.case, frozenset({debt.began}), debt.started.due, debt.started.kind)
    known = {one.id for one in story.records if one.time <= horizon}
    return [one for one in late.values() if one.events & known]


@pytest.mark.parametrize("count", COUNTS)
def test_what_is_late_is_seen_and_nothing_else(count: int) -> None:
    made = backtest(Late(), tell, count, until=UNTIL)
    assert made.truths > count / 10
    assert made.precision >= 0.95
    assert made.recall >= 0.95
    assert (made.precision, made.recall) == pytest.approx((1, 1), abs=0.005)


def test_two_draws_of_one_seed_tell_the_same() -> None:
    first, second = (backtest(Late(), tell, 40) for _ in range(2))
    assert str(first) == str(second)
