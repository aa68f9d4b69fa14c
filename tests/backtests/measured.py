"""How well a check sees what is so: precision and recall, each error by what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.audit.checks.check import AsOf, Check, Doubt, Noted, Parameters
from services.audit.checks.running import Tuned, run
from shared.events import Record
from shared.events.findings import Evidence
from tests.backtests.lives import History, Truth


@dataclass
class Measured:
    """What a check found in a history, against what is so."""

    check: str
    found: int
    right: int
    so: int
    seen: int
    false: list[Doubt] = field(default_factory=list)
    missed: list[Truth] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """Of what it found, how much is so."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of what is so, how much it found."""
        return self.seen / self.so if self.so else 1.0

    def __str__(self) -> str:
        missed = Counter(one.what for one in self.missed)
        return (
            f"{self.check}: precision {self.precision:.3f} of {self.found} found, recall {self.recall:.3f} of {self.so}"
            f" that are so{f'; missed: {dict(missed)}' if missed else ''}"
        )


def noted(records: Sequence[Record]) -> list[Noted]:
    """Entries, as checks read them back from their bytes."""
    return [Noted(at, Record.read("", record.value)) for at, record in enumerate(records)]


def measure(check: Check[Any], history: History, parameters: Parameters | None = None) -> Measured:
    """Run one check over a history. A doubt is right where it names an event of something that is so in its case."""
    entries = noted(history.records)
    as_of = AsOf(len(entries), history.until)
    doubts = [doubt for _, doubt in run(entries, [Tuned(check, parameters or check.parameters())], as_of)]
    keys = [doubt.key for doubt in doubts]
    assert len(keys) == len(set(keys)), "what a check finds under one key it finds once"
    by_event: dict[str, list[Truth]] = {}
    for truth in history.truths:
        for event in truth.events:
            by_event.setdefault(event, []).append(truth)
    seen: set[int] = set()
    false = []
    for doubt in doubts:
        of_it = [truth for event in _events(doubt) for truth in by_event.get(event, ())]
        seen |= {id(truth) for truth in of_it}
        if not of_it:
            false.append(doubt)
    missed = [truth for truth in history.truths if id(truth) not in seen]
    return Measured(
        check.name,
        len(doubts),
        len(doubts) - len(false),
        len(history.truths),
        len(history.truths) - len(missed),
        false,
        missed,
    )


def _events(doubt: Doubt) -> list[str]:
    return [one.event if isinstance(one, Evidence) else one.record.id for one in doubt.evidence]
