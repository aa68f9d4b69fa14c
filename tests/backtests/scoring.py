"""How well a check sees what is so in a history: precision, recall, and of which kinds its errors are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.audit.checks.check import AsOf, Check, Doubt, Noted, Parameters, placed
from services.audit.checks.running import Tuned, run
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


def backtest(check: Check[Any], tell: Telling, count: int, **how: Any) -> Score:
    """A made-up history of so many cases, what the check makes of it, printed."""
    made = score(check, history(count, count, tell, **how))
    print(f"\n{count} cases, {made}")
    return made


def score(check: Check[Any], told: History, parameters: Parameters | None = None) -> Score:
    """Ask a check about a history. A doubt is right where its evidence names an event of something that is so."""
    entries = [Noted(index, record) for index, record in enumerate(told.records)]
    tuned = Tuned(check, parameters or check.parameters())
    doubts = [doubt for _, doubt in run(entries, [tuned], AsOf(len(entries), told.until))]
    spoken = {figure.name for doubt in doubts for figure in doubt.figures}
    assert spoken <= {*check.figures}, "a check names its figures, so that they have words"
    return compared(check.name, told, doubts)


def compared(name: str, told: History, doubts: Sequence[Doubt]) -> Score:
    """The score of what was found."""
    tales = {story.case: story.tale for story in told.stories}
    found = {event for doubt in doubts for event in named(doubt)}
    so = {event for truth in told.truths for event in truth.events}
    seen = [truth for truth in told.truths if truth.events & found]
    right = [doubt for doubt in doubts if named(doubt) & so]
    return Score(
        name,
        doubts=len(doubts),
        right=len(right),
        truths=len(told.truths),
        seen=len(seen),
        missed=Counter(truth.what for truth in told.truths if not truth.events & found),
        wrong=Counter(tales.get(doubt.case or "", "") for doubt in doubts if not named(doubt) & so),
    )


def named(doubt: Doubt) -> frozenset[str]:
    """The events that a doubt rests on."""
    return frozenset(placed(one).event for one in doubt.evidence)


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in counted.most_common())
