"""Facts of real messages and answers; floors are somewhat below what was measured, figures only."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from services.audit.facts.persons import Names
from services.audit.facts.reading import Reading, Text
from services.audit.facts.sketches import Sketches
from shared.events.facts import AnswerRead
from shared.organisation import load
from shared.settings import SAMPLE_ORGANISATION
from tests.corpus_data import corpus

pytestmark = pytest.mark.long


@cache
def rows() -> list[dict[str, str]]:
    path = corpus("zh_messages", "replies_train.csv")
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))


def answers(directory: Path, answer_of: Sequence[int]) -> list[AnswerRead]:
    """All messages are read, then each one's answer: its own, or another's."""
    sketches = Sketches(directory / "sketches.db")
    reading = Reading(sketches, Names(load(SAMPLE_ORGANISATION)), b"p" * 32, b"k" * 32, "CN")
    count = len(rows())
    with sketches.at_once():
        for number, row in enumerate(rows()):
            reading.message(
                Text(number, f"m/{number}", f"case_{number}", f"c_{number}", row["留言详情"], row["留言主题"])
            )
        found = [
            reading.answer(
                Text(count + number, f"a/{number}", f"case_{number}", f"d_{number}", rows()[of]["答复意见"])
            )
            for number, of in enumerate(answer_of)
        ]
    sketches.close()
    return found


def area(higher: Sequence[int], lower: Sequence[int]) -> float:
    """How often one of the first is above one of the second (area under the ROC curve)."""
    ranked = sorted([(value, 1) for value in higher] + [(value, 0) for value in lower])
    ranks, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        ranks += sum(of for _, of in ranked[at:end]) * (at + end + 1) / 2
        at = end
    return (ranks - len(higher) * (len(higher) + 1) / 2) / (len(higher) * len(lower))


def test_answers_speak_of_their_own_matter_and_not_of_another(tmp_path: Path) -> None:
    count = len(rows())
    own = answers(tmp_path / "own", range(count))
    others = answers(tmp_path / "others", [(number + count // 2) % count for number in range(count)])
    told_apart = area([one.mentions for one in own], [one.mentions for one in others])
    print(f"an answer's own matter told from another's: {told_apart:.3f} of {count}")
    assert told_apart >= 0.88
    explains = [int(row["人工_可解释性_S"]) for row in rows()]
    by_label = area(
        [one.mentions for one, yes in zip(own, explains, strict=True) if yes],
        [one.mentions for one, yes in zip(own, explains, strict=True) if not yes],
    )
    print(f"answers that explain, as people labelled them, told from others: {by_label:.3f}")
    assert by_label >= 0.90
    unexplained = [one for one, yes in zip(own, explains, strict=True) if not yes]
    vague = sum(one.concrete <= 1 for one in unexplained) / len(unexplained)
    print(f"of those that explain nothing, with one particular at most: {vague:.2f}")
    assert vague >= 0.8
