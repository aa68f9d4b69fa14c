"""敷衍塞責: answers that deal with nothing. And what looks like them: in a word, in other words, passed on with reason.

Two histories. In one the words are made up, and the facts about them computed as the house computes them. In the other,
larger one the facts are drawn as they come of such words, with more noise than made-up words have.

What the check gets wrong, and why. It doubts answers that say all there is to say in words other than the sender's, and
a last word to somebody with whom everything was talked over. It does not see many words that name the matter and say
nothing: whether anything is said must be read. How it agrees with people about real answers is measured in
`tests/corpus/test_perfunctory.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from services.audit.checks.perfunctory import Perfunctory
from services.audit.facts.persons import Names
from services.audit.facts.reading import Reading, Text
from services.audit.facts.sketches import Sketches
from shared.events import Record
from shared.events.facts import AnswerRead
from shared.organisation import load
from shared.settings import SAMPLE_ORGANISATION
from tests.backtests import answers
from tests.backtests.answers import Matter
from tests.backtests.lives import History, Truth, begin, finish, get_in_touch, history, truth, work
from tests.backtests.passing import in_order
from tests.backtests.scoring import COUNTS, Score, backtest, score
from tests.backtests.story import Story

PERFUNCTORY = (("passed on", 30), ("thanked", 20), ("promised", 20), ("copied", 18), ("hollow", 12))
FAIR = (
    ("dealt with", 70),
    ("in a word", 9),
    ("passed on with reason", 6),
    ("neighbour of the same matter", 6),
    ("dealt with, then a last word", 6),
    ("in other words", 3),
)


def draw_tale(rng: Random) -> tuple[str, bool]:
    """What kind of answer it will be, and whether that is perfunctory: one in eight."""
    tales = PERFUNCTORY if rng.random() < 0.125 else FAIR
    (tale,) = rng.choices([one for one, _ in tales], [share for _, share in tales])
    return tale, tales is PERFUNCTORY


# Drawn facts


def short(rng: Random) -> dict[str, Any]:
    """A phrase or two that name nothing; here and there a word of the sender's."""
    return {
        "length": rng.choices(("none", "phrase", "short"), (5, 45, 50))[0],
        "mentions": 0 if rng.random() < 0.85 else rng.randint(400, 1300),
        "concrete": rng.choices((0, 1, 2), (65, 28, 7))[0],
        "copy_share": rng.randint(0, 10_000) if rng.random() < 0.5 else 0,
    }


def full(rng: Random) -> dict[str, Any]:
    """What answers to the matter are like."""
    return {
        "length": rng.choices(("short", "usual", "long"), (8, 65, 27))[0],
        "mentions": rng.randint(0, 499) if rng.random() < 0.05 else rng.randint(500, 9000),
        "concrete": 0 if rng.random() < 0.03 else rng.randint(1, 20),
        "copy_share": rng.randint(2000, 8500) if rng.random() < 0.1 else 0,
        "promises": rng.random() < 0.1,
        "forwards": rng.random() < 0.03,
    }


def drawn(tale: str, rng: Random) -> dict[str, Any]:
    """The fact about an answer of a kind."""
    particular = {"mentions": rng.randint(600, 8000), "concrete": rng.randint(1, 6)}
    match tale:
        case "passed on":
            return short(rng) | {"forwards": rng.random() < 0.85}
        case "thanked" | "a last word":
            return short(rng) | {"length": "phrase"}
        case "promised":
            return short(rng) | {"length": rng.choice(("phrase", "short")), "promises": rng.random() < 0.85}
        case "copied":
            return full(rng) | {
                "copy_share": rng.randint(8000, 10_000),
                "mentions": rng.choice((0, 0, 0, 300, 800)),
            }
        case "hollow":
            return full(rng) | {"concrete": rng.randint(0, 2), "promises": True}
        case "in a word":
            return short(rng) | particular
        case "passed on with reason":
            return full(rng) | particular | {"forwards": True}
        case "neighbour of the same matter":
            return full(rng) | particular | {"copy_share": rng.randint(7000, 10_000)}
        case "in other words":
            return short(rng) | {"length": "short", "concrete": rng.randint(1, 3)}
    return full(rng)


def tell(story: Story) -> list[Truth]:
    """One answer in eight deals with nothing."""
    rng = story.rng
    story.tale, bad = draw_tale(rng)
    _before_the_answer(story)
    terms = rng.choices((24, rng.randint(0, 23)), (93, 7))[0]
    if story.tale == "dealt with, then a last word":
        _read(story, story.answer(final=False), asked=terms, **full(rng))
        story.spend(rng.uniform(60, 3600))
        answered = story.answer()
        _read(story, answered, asked=terms, **drawn("a last word", rng))
    else:
        answered = story.answer()
        _read(story, answered, asked=terms, **drawn(story.tale, rng))
    finish(story)
    return [truth(story, answered, what=story.tale)] if bad else []


def _before_the_answer(story: Story) -> None:
    begin(story)
    get_in_touch(story)
    if story.owes("resolve") is not None:
        work(story)
    story.reach("resolve", story.rng.uniform(0.1, 0.95))


def _read(story: Story, answered: Record, **fact: Any) -> None:
    read = AnswerRead(about=answered.id, case=story.case, version=1, **fact)
    story.say(read, subject=f"fact_{answered.id.replace('/', '_')}")


@pytest.mark.parametrize("count", COUNTS)
def test_answers_that_deal_with_nothing_are_mostly_seen_by_their_facts(count: int) -> None:
    made = backtest(Perfunctory(), tell, count)
    assert made.truths > count / 12
    assert made.precision >= 0.75
    assert made.recall >= 0.6


# Words


class Said(NamedTuple):
    """Something that was written in a case."""

    story: Story
    record: Record
    text: str
    subject: str = ""
    answer: bool = True


WRITE: dict[str, Callable[[Matter, Random], str]] = {
    "passed on": answers.passed_on,
    "thanked": answers.received,
    "promised": answers.promised,
    "hollow": answers.hollow,
    "dealt with": answers.dealt_with,
    "in a word": answers.in_a_word,
    "in other words": answers.in_other_words,
    "passed on with reason": answers.passed_on_and_said_why,
}


class Writing:
    """Tells stories with their words. Who copies takes an answer that somebody gave to another matter before."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self._given: list[tuple[Matter, str]] = []

    def __call__(self, story: Story) -> list[Truth]:
        rng = story.rng
        story.tale, bad = draw_tale(rng)
        matter, text = answers.draw(rng), ""
        if self._given and story.tale in {"copied", "neighbour of the same matter"}:
            other, text = rng.choice(self._given)
            if story.tale == "neighbour of the same matter":
                matter = other
        _before_the_answer(story)
        opened = next(one for one in story.records if one.type.endswith(".case.opened"))
        subject, asked = answers.asked(matter, rng)
        self.said.append(Said(story, opened, asked, subject, answer=False))
        if story.tale == "dealt with, then a last word":
            self.said.append(Said(story, story.answer(final=False), answers.dealt_with(matter, rng)))
            story.spend(rng.uniform(60, 3600))
            text = answers.received(matter, rng)
        elif not text:
            text = WRITE.get(story.tale, answers.dealt_with)(matter, rng)
        answered = story.answer()
        self.said.append(Said(story, answered, text))
        if story.tale == "dealt with":
            self._given.append((matter, text))
        finish(story)
        return [truth(story, answered, what=story.tale)] if bad and text else []

    def read(self, directory: Path) -> None:
        """Log the facts about all that was written, read in the order in which it was."""
        sketches = Sketches(directory / "sketches.db")
        reading = Reading(
            sketches, Names(load(SAMPLE_ORGANISATION)), b"pseudonym" * 4, b"sketching" * 4, "CN"
        )
        self.said.sort(key=lambda one: one.record.time)
        with sketches.at_once():
            for place, one in enumerate(self.said):
                ref, case = f"content_{place}", one.story.case
                words = Text(place, one.record.id, case, ref, one.text, one.subject)
                fact = reading.answer(words) if one.answer else reading.message(words)
                one.story.now = one.record.time + timedelta(seconds=2)
                one.story.say(fact, subject=f"fact_{place}")
        sketches.close()


def written(count: int, directory: Path) -> Score:
    """What the check makes of a history in words."""
    writing = Writing()
    told: History = history(count, count, writing)
    writing.read(directory)
    known = History(in_order(told.stories, told.until), told.until, told.truths, told.stories)
    made = score(Perfunctory(), known)
    print(f"\n{count} cases in words, {made}")
    return made


@pytest.mark.parametrize("count", [400, pytest.param(3_000, marks=pytest.mark.long)])
def test_answers_that_deal_with_nothing_are_mostly_seen_by_their_words(count: int, tmp_path: Path) -> None:
    made = written(count, tmp_path)
    assert made.truths > count / 12
    assert made.precision >= 0.75
    assert made.recall >= 0.6
