"""Entries that were kept from the trail, written beside others, or that contradict: every one is seen, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from services.audit.checks.disagreement import Disagreement
from services.audit.checks.hole import Hole
from shared.events import Event, Record
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseClosed,
    CaseReopened,
    CaseResumed,
    FeedbackGiven,
)
from shared.events.obligations import Ended, Rung
from tests.backtests.lives import History, Truth, history, live
from tests.backtests.scoring import COUNTS, Score, score
from tests.backtests.story import Story


def an_end(story: Story) -> Event:
    return CaseResumed(reason="by_hand", ends=[Ended(id="resolve-99", how="met")])


def a_rung(story: Story) -> Event:
    rung = Rung(
        obligation="resolve-99",
        kind="resolve",
        owner="x",
        due=story.now,
        rung=0,
        action="breach",
        at=story.now,
    )
    return CaseAlarmed(at=story.now, rungs=[rung])


AFTER_THE_END: dict[str, Callable[[Story], Event]] = {
    "accepted": lambda story: CaseAccepted(),
    "answered": lambda story: CaseAnswered(words=story.words(), final=True),
    "closed": lambda story: CaseClosed(outcome="withdrawn"),
    "resumed": lambda story: CaseResumed(reason="by_hand"),
    "said": lambda story: FeedbackGiven(solved=story.rng.random() < 0.5),
    "ended": an_end,
    "fell": a_rung,
}
WHILE_OPEN: dict[str, Callable[[Story], Event]] = {
    "reopened": lambda story: CaseReopened(reason="by_hand"),
    "ended": an_end,
    "fell": a_rung,
}


def contradicted(story: Story) -> list[Truth]:
    """An innocent life; here and there somebody wrote something that can't be."""
    rng = story.rng
    if rng.random() < 0.5:
        live(story)
        wrong = AFTER_THE_END
    else:
        story.arrive()
        wrong = WHILE_OPEN
    if rng.random() > 0.2:
        return []
    what = rng.choice([*wrong])
    record = story.say(wrong[what](story))
    return [Truth(story.case, frozenset([record.id]), record.time, what)]


def innocent(story: Story) -> list[Truth]:
    """Nothing is wrong."""
    live(story)
    return []


def with_holes(seed: int, count: int) -> History:
    """Innocent lives, of which entries are gone, or stand beside others under one number."""
    made = history(seed, count, innocent)
    rng = Random(seed)
    last = {record.subject: record.sequence for record in made.records}
    kept: list[Record] = []
    gone: dict[str, int] = {}
    truths: list[Truth] = []
    for record in made.records:
        # An entry that is gone at the end of its aggregate leaves no hole: nothing says that it ever was.
        may_go = record.sequence < last[record.subject] and record.subject.startswith("case_")
        if may_go and rng.random() < 0.02:
            gone[record.subject] = gone.get(record.subject, 0) + 1
            continue
        if (missing := gone.pop(record.subject, 0)) > 0:
            truths.append(Truth(record.subject, frozenset([record.id]), record.time, f"{missing} gone"))
        kept.append(record)
        if record.subject.startswith("case_") and rng.random() < 0.01:
            kept.append(record)
            truths.append(Truth(record.subject, frozenset([record.id]), record.time, "twice"))
    return History(kept, made.until, truths, made.stories)


def exactly(made: Score, count: int) -> None:
    """Nothing is missed, nothing seen that is not so."""
    print(f"\n{count} cases, {made}")
    assert made.truths > count // 20
    assert (made.precision, made.recall) == (1, 1)


@pytest.mark.parametrize("count", COUNTS)
def test_whatever_contradicts_is_seen_and_no_innocent_life(count: int) -> None:
    exactly(score(Disagreement(), history(23, count, contradicted)), count)


@pytest.mark.parametrize("count", COUNTS)
def test_every_hole_and_every_number_told_twice_is_seen(count: int) -> None:
    exactly(score(Hole(), with_holes(29, count)), count)
