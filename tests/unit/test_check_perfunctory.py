"""Perfunctory answers: what must be seen, and what is only like it."""

from __future__ import annotations

from typing import Any

import pytest

from services.audit.checks.perfunctory import Perfunctory
from shared.events import Record
from shared.events.facts import AnswerRead
from tests.backtests.story import Story
from tests.unit.checked_cases import DAY, MORNING, accepted, doubts, figures

FULL: dict[str, Any] = {"length": "usual", "mentions": 4000, "concrete": 6}
EMPTY: dict[str, Any] = {"length": "phrase", "mentions": 0, "concrete": 0}


def read(story: Story, answered: Record, **fact: Any) -> None:
    fact.setdefault("asked", 24)
    about = AnswerRead(about=answered.id, case=story.case, version=1, **fact)
    story.say(about, subject=f"fact-{answered.id}")


def answered(*, kind: str = "problem", final: bool = True, **fact: Any) -> Story:
    """A case that was answered a day after it was accepted."""
    story = accepted(kind=kind)
    story.wait_until(MORNING + DAY)
    read(story, story.answer(final=final), **fact)
    return story


@pytest.mark.parametrize(
    ("fact", "signs"),
    [
        (EMPTY, {"points": 4, "short": 1, "off_matter": 1, "bare": 1, "mentions": 0}),
        (
            {"length": "short", "mentions": 100, "concrete": 1, "forwards": True},
            {"points": 3, "short": 1, "off_matter": 1, "forwards": 1, "mentions": 100},
        ),
        (
            {"length": "short", "mentions": 2000, "promises": True},
            {"points": 3, "short": 1, "promises": 1, "bare": 1, "mentions": 2000},
        ),
        (
            {"length": "long", "mentions": 300, "concrete": 9, "copy_share": 9500},
            {"points": 3, "off_matter": 1, "copied": 9500, "mentions": 300},
        ),
    ],
    ids=["received, thanks", "passed on", "promised", "copied from another matter"],
)
def test_an_answer_that_deals_with_nothing_is_doubted_with_its_signs(
    fact: dict[str, Any], signs: dict[str, int]
) -> None:
    story = answered(**fact)
    (doubt,) = doubts(Perfunctory(), story)
    assert figures(doubt) == signs
    assert (doubt.case, doubt.department) == (story.case, "housing")
    assert len(doubt.evidence) == 2


@pytest.mark.parametrize(
    "fact",
    [
        FULL,
        {"length": "phrase", "mentions": 3000, "concrete": 1},
        {"length": "usual", "mentions": 4000, "concrete": 5, "forwards": True},
        {"length": "long", "mentions": 5000, "concrete": 9, "copy_share": 10_000},
        {"length": "usual", "mentions": 2000, "promises": True},
        {"length": "phrase", "asked": 4, "concrete": 1, "forwards": True},
        {"gone": True},
    ],
    ids=[
        "dealt with",
        "in a word",
        "passed on, with what and why",
        "the same answer to the same matter",
        "promised, of the matter",
        "a short question",
        "erased",
    ],
)
def test_what_is_only_like_it_is_not(fact: dict[str, Any]) -> None:
    assert doubts(Perfunctory(), answered(**fact)) == []


def test_only_the_last_word_counts_and_thanks_for_praise_may_be_short() -> None:
    assert doubts(Perfunctory(), answered(final=False, **EMPTY)) == []
    assert doubts(Perfunctory(), answered(kind="praise", **EMPTY)) == []


def followed_by_a_last_word(**first: Any) -> Story:
    story = accepted()
    story.wait_until(MORNING + DAY)
    answer = story.answer(final=False)
    if first:
        read(story, answer, **first)
    story.wait_until(MORNING + 2 * DAY)
    read(story, story.answer(), **EMPTY)
    return story


def test_a_last_word_after_an_answer_that_dealt_with_it_may_be_short_but_not_after_an_empty_one() -> None:
    assert doubts(Perfunctory(), followed_by_a_last_word(**FULL)) == []
    assert doubts(Perfunctory(), followed_by_a_last_word()) == []
    assert len(doubts(Perfunctory(), followed_by_a_last_word(**EMPTY))) == 1


def test_whoever_is_written_to_again_is_owed_an_answer_again() -> None:
    story = answered(**FULL)
    story.wait_until(MORNING + 3 * DAY)
    story.write(reopens=True)
    story.wait_until(MORNING + 4 * DAY)
    read(story, story.answer(), **EMPTY)
    assert len(doubts(Perfunctory(), story)) == 1


def test_it_is_seen_once_the_fact_is_known_and_as_strictly_as_was_asked() -> None:
    story = accepted()
    answer = story.answer()
    assert doubts(Perfunctory(), story) == []
    story.wait_until(MORNING + DAY)
    read(story, answer, **EMPTY)
    (doubt,) = doubts(Perfunctory(), story)
    assert doubt.since == MORNING + DAY
    assert doubts(Perfunctory(), story, points=5) == []
