"""How well a check sees what is so in a history: precision, recall, and of which kinds its errors are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.audit.checks.check import AsOf, CaseCheck, Doubt, Noted, Parameters
from services.audit.checks.running import Gathered, Tuned, examined
from tests.backtests.lives import History, Telling, history


@dataclass
class Score:
    """What a check made of a history."""

    name: str
    doubts: int = 0
    right: int = 0
    truths: int = 0
    seen: int = 0
    missed: Counter[str] = field(default_factory=Counter)
    """What was not seen, by what it was."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Lives of which something was seen that is not so, by their kind."""

    @property
    def precision(self) -> float:
        """The share of doubts that are so."""
        return self.right / self.doubts if self.doubts else 1.0

    @property
    def recall(self) -> float:
        """The share of what is so that was doubted."""
        return self.seen / self.truths if self.truths else 1.0

    def __str__(self) -> str:
        precision = f"precision {self.precision:.4f} ({self.right} of {self.doubts})"
        lines = [f"{self.name}: {precision}, recall {self.recall:.4f} ({self.seen} of {self.truths})"]
        if self.wrong:
            lines.append(f"  seen, and not so: {_listed(self.wrong)}")
        if self.missed:
            lines.append(f"  so, and not seen: {_listed(self.missed)}")
        return "\n".join(lines)


COUNTS = [1_000, pytest.param(20_000, marks=pytest.mark.long)]


def backtest(check: CaseCheck[Any], tell: Telling, count: int, **how: Any) -> Score:
    """A made-up history of so many cases, what the check makes of it, printed."""
    made = score(check, history(count, count, tell, **how))
    print(f"\n{count} cases, {made}")
    return made


def score(check: CaseCheck[Any], told: History, parameters: Parameters | None = None) -> Score:
    """Ask a check about a history. A doubt is right where its evidence names an event of something that is so."""
    gathered = Gathered()
    for index, record in enumerate(told.records):
        gathered.add(Noted(index, record))
    tuned = Tuned(check, parameters or check.parameters())
    found: dict[str, list[Doubt]] = {}
    for one in gathered.histories(AsOf(len(told.records), told.until)):
        found[one.case] = [doubt for _, doubt in examined(one, [tuned])]
    spoken = {figure.name for doubts in found.values() for doubt in doubts for figure in doubt.figures}
    assert spoken <= {*check.figures}, "a check names its figures, so that they have words"
    return compared(check.name, told, found)


def compared(name: str, told: History, found: dict[str, list[Doubt]]) -> Score:
    """The score of what was found, case by case."""
    made = Score(name)
    tales = {story.case: story.tale for story in told.stories}
    so: dict[str, list[frozenset[str]]] = {}
    for truth in told.truths:
        so.setdefault(truth.case, []).append(truth.events)
        made.truths += 1
        if any(truth.events & named(doubt) for doubt in found.get(truth.case, ())):
            made.seen += 1
        else:
            made.missed[truth.what] += 1
    for case, doubts in found.items():
        for doubt in doubts:
            made.doubts += 1
            if any(events & named(doubt) for events in so.get(case, ())):
                made.right += 1
            else:
                made.wrong[tales[case]] += 1
    return made


def named(doubt: Doubt) -> frozenset[str]:
    """The events that a doubt rests on."""
    return frozenset(one.record.id for one in doubt.evidence)


def _listed(counted: Counter[str]) -> str:
    kinds: Iterable[tuple[str, int]] = counted.most_common()
    return ", ".join(f"{kind} {count}" for kind, count in kinds)
