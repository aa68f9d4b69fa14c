"""An event is missing in the trail."""

from __future__ import annotations

from collections.abc import Iterator

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, NoParameters, Noted
from shared.events import REGISTRY
from shared.events.findings import Figure
from shared.events.trail import TrailTicked


class Hole(CaseCheck[NoParameters]):
    """Each aggregate's events are numbered without holes, and have one place each.

    A number that the trail has not, below one that it has, is an entry that somebody kept from it; another entry with
    the number of one is something that somebody wrote beside it. Exact. Nobody is asked to explain it but operations.

    Figures: `expected` and `found`, numbers of entries.
    """

    name = "hole"
    version = 1
    exact = True
    reads = frozenset(REGISTRY) - {TrailTicked.TYPE}
    parameters = NoParameters
    figures = ("expected", "found")

    def examine(self, history: CaseHistory, parameters: NoParameters) -> Iterator[Doubt]:
        last: dict[str, Noted] = {}
        for noted in history.entries:
            record = noted.record
            before = last.get(record.subject)
            known = before.record.sequence if before is not None else 0
            if record.sequence == known + 1:
                last[record.subject] = noted
                continue
            if record.sequence > known:
                last[record.subject] = noted
            yield Doubt(
                key=f"{record.subject}/{record.sequence}/{noted.index}",
                since=noted.at,
                evidence=(noted,) if before is None else (before, noted),
                case=history.case,
                figures=(
                    Figure(name="expected", value=known + 1),
                    Figure(name="found", value=record.sequence),
                ),
            )
