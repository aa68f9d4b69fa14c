"""How far the check for perfunctory answers agrees with people who labelled real ones by hand. Figures only, no texts.

Contestants labelled citizens' messages and their answers (`shared/data`, README): one team said of every answer whether
it explains itself, another of few whether it does and whether it is complete. "Does not explain itself" is nearest to
perfunctory. Whether a doubt is raised was set on half of the answers, drawn by a hash of the message's number; what is
told here is of the other half.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.audit.checks.check import Noted
from services.audit.checks.perfunctory import Perfunctory
from services.audit.checks.running import as_they_are, run
from services.audit.facts.persons import Names
from services.audit.facts.reading import Reading, Text
from services.audit.facts.sketches import Sketches
from shared.events import Event, emit
from shared.events.cases import CaseAnswered
from shared.events.content import ContentRef
from shared.events.facts import AnswerRead
from shared.organisation import load
from shared.settings import SAMPLE_ORGANISATION
from tests.corpus_data import corpus

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
LABELS = {
    "does not explain itself (S)": "人工_可解释性_S",
    "does not explain itself (R)": "人工_可解释性_R",
    "is not complete (R)": "人工_完整性_R",
}
Row = dict[str, str]


class Agreement(NamedTuple):
    """How often both say so, only the check, only the people, neither."""

    both: int
    check: int
    people: int
    neither: int

    @property
    def precision(self) -> float:
        """Of what is doubted, how much people hold for perfunctory."""
        return self.both / max(1, self.both + self.check)

    @property
    def recall(self) -> float:
        """Of what people hold for perfunctory, how much is doubted."""
        return self.both / max(1, self.both + self.people)

    @property
    def balanced_accuracy(self) -> float:
        """The mean of what is right of either."""
        return (self.recall + self.neither / max(1, self.neither + self.check)) / 2

    @property
    def kappa(self) -> float:
        """Cohen's: 0 as by chance, 1 always."""
        whole = sum(self)
        doubted, labelled = self.both + self.check, self.both + self.people
        chance = (doubted * labelled + (whole - doubted) * (whole - labelled)) / whole**2
        return ((self.both + self.neither) / whole - chance) / (1 - chance)

    def __str__(self) -> str:
        return (
            f"{sum(self)} answers, {self.both + self.people} so labelled, {self.both + self.check} doubted: precision"
            f" {self.precision:.3f}, recall {self.recall:.3f}, balanced accuracy {self.balanced_accuracy:.3f}, Cohen's"
            f" kappa {self.kappa:.3f}"
        )


def agreement(pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    """Of pairs of what the check and what people say."""
    return Agreement(
        *(pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False)))
    )


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)])
def test_the_check_for_perfunctory_answers_agrees_with_people_far_beyond_chance(
    step: int, tmp_path: Path
) -> None:
    with corpus("zh_messages", "replies_train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::step]
    facts = read(rows, tmp_path)
    doubted = doubts(facts)
    told = [at for at, row in enumerate(rows) if not _set_on(row)]
    print()
    for name, column in LABELS.items():
        pairs = [(at in doubted, rows[at][column] == "0") for at in told if rows[at][column]]
        print(f"{name}: {agreement(pairs)}")
    labelled = [rows[at][LABELS["does not explain itself (S)"]] == "0" for at in told]
    phrases = [facts[at].length in {"none", "phrase"} for at in told]
    print(f"by length alone (S): {agreement(list(zip(phrases, labelled, strict=True)))}")
    found = agreement(list(zip((at in doubted for at in told), labelled, strict=True)))
    assert found.kappa > (0.6 if step == 1 else 0.45)
    assert found.balanced_accuracy > 0.8


def _set_on(row: Row) -> bool:
    """Whether an answer is of the half that limits were set on."""
    return hashlib.sha256(row["留言编号"].encode()).digest()[0] % 2 == 0


def read(rows: Sequence[Row], directory: Path) -> list[AnswerRead]:
    """The facts about the answers, read as the house reads them: message by message and answer by answer, in time."""
    happened = sorted(
        [(_instant(row["留言时间"]), at, False) for at, row in enumerate(rows)]
        + [
            (max(_instant(row["留言时间"]), _instant(row["答复时间"])), at, True)
            for at, row in enumerate(rows)
        ],
        key=lambda one: (one[0], one[2]),
    )
    sketches = Sketches(directory / "sketches.db")
    reading = Reading(sketches, Names(load(SAMPLE_ORGANISATION)), b"pseudonym" * 4, b"sketching" * 4, "CN")
    found: dict[int, AnswerRead] = {}
    with sketches.at_once():
        for place, (_, at, answer) in enumerate(happened):
            row, case = rows[at], f"case_{at}"
            if answer:
                found[at] = reading.answer(Text(place, f"{case}/2", case, f"answer_{at}", row["答复意见"]))
            else:
                words = Text(place, f"{case}/1", case, f"message_{at}", row["留言详情"], row["留言主题"])
                reading.message(words)
    sketches.close()
    return [found[at] for at in range(len(rows))]


def doubts(facts: Sequence[AnswerRead]) -> set[int]:
    """Which answers the check doubts."""
    entries: list[Noted] = []

    def note(event: Event, subject: str, sequence: int) -> None:
        how: dict[str, Any] = {"source": "/corpus", "causation": "corpus", "key": subject, "nonce": bytes(16)}
        time = BEGINNING + timedelta(seconds=len(entries))
        entries.append(Noted(len(entries), emit(event, subject=subject, sequence=sequence, time=time, **how)))

    for at, fact in enumerate(facts):
        note(CaseAnswered(words=_NOTHING, final=True), f"case_{at}", 2)
        note(fact, f"fact_{at}", 1)
    found = run(entries, as_they_are([Perfunctory()]))
    return {int(str(doubt.case).removeprefix("case_")) for _, doubt in found}


_NOTHING = ContentRef(ref="content", commitment="0" * 64, size=2)


def _instant(written: str) -> datetime:
    """The table writes days as 2019/1/2 or 2019-01-02."""
    day, clock = written.split()
    year, month, date = (int(part) for part in day.replace("/", "-").split("-"))
    hour, minute, second = (int(part) for part in clock.split(":"))
    return datetime(year, month, date, hour, minute, second, tzinfo=UTC)
