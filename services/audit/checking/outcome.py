"""What checks found over a log, as bytes that any machine with the same entries computes the same. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.audit.checks.check import Doubt, placed
from services.audit.checks.running import Tuned
from services.audit.following.raising import bounded
from services.audit.log import TreeState, leaf_hash, tree_root
from services.audit.supervision.finding import finding_id
from shared.events import canonical, timestamp


@dataclass(frozen=True)
class Asked:
    """What is to be found: of which checks, seen in which time, in how much of the log."""

    checks: Sequence[Tuned]
    since: datetime | None = None
    until: datetime | None = None
    """Findings that could be seen from `since` on and before `until`; of all times where absent."""

    def wants(self, instant: datetime) -> bool:
        """Whether what could be seen from then on is asked for."""
        return (self.since is None or instant >= self.since) and (self.until is None or instant < self.until)


@dataclass(frozen=True, order=True)
class Found:
    """A finding as it would have been raised."""

    since: str
    check: str
    key: str
    id: str = field(compare=False)
    case: str | None = field(compare=False)
    department: str | None = field(compare=False)
    person: str | None = field(compare=False)
    evidence: tuple[tuple[int, str], ...] = field(compare=False)
    figures: tuple[tuple[str, int], ...] = field(compare=False)

    @classmethod
    def of(cls, check: str, doubt: Doubt) -> Found:
        """A doubt of a check."""
        some = bounded(doubt)
        return cls(
            timestamp(doubt.since),
            check,
            doubt.key,
            finding_id(check, doubt.key),
            doubt.case,
            doubt.department,
            doubt.person,
            tuple((one.index, one.event) for one in map(placed, some.evidence)),
            tuple((one.name, one.value) for one in doubt.figures),
        )

    def shown(self) -> dict[str, Any]:
        """It as JSON."""
        return {
            "id": self.id,
            "check": self.check,
            "key": self.key,
            "since": self.since,
            "case": self.case,
            "department": self.department,
            "person": self.person,
            "evidence": [{"index": index, "event": event} for index, event in self.evidence],
            "figures": [{"name": name, "value": value} for name, value in self.figures],
        }


@dataclass(frozen=True, order=True)
class Failure:
    """A check that raised something, and where."""

    check: str
    place: int
    case: str
    why: str


@dataclass
class Some:
    """What one process came to."""

    found: list[Found] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """Everything that was found, and what it rests on."""

    asked: Asked
    origin: str
    tree: TreeState
    cases: Sequence[str]
    """Ids of the cases that were looked at."""
    found: Sequence[Found]
    failures: Sequence[Failure]

    @classmethod
    def gathered(cls, asked: Asked, origin: str, tree: TreeState, parts: Sequence[Some]) -> Outcome:
        """In the one order that does not hang on who computed which part: a finding once, as it was seen first."""
        once: dict[str, Found] = {}
        for one in sorted(found for part in parts for found in part.found):
            once.setdefault(one.id, one)
        cases = {case for part in parts for case in part.cases}
        failures = {failure for part in parts for failure in part.failures}
        return cls(asked, origin, tree, sorted(cases), sorted(once.values()), sorted(failures))

    def canonical(self) -> bytes:
        """RFC 8785 JSON and a line's end: the same bytes on every machine."""
        counts = Counter(one.check for one in self.found)
        period = {"since": self.asked.since, "until": self.asked.until}
        said = {
            "checkpoint": {"origin": self.origin, "size": self.tree.size, "root": self.tree.root.hex()},
            "period": {name: at and timestamp(at) for name, at in period.items()},
            "cases": {"count": len(self.cases), "root": self.root().hex()},
            "checks": [
                {
                    "name": check.name,
                    "version": check.version,
                    "exact": check.exact,
                    "parameters": parameters.model_dump(mode="json"),
                    "digest": parameters.digest(),
                    "found": counts[check.name],
                }
                for check, parameters in sorted(self.asked.checks, key=lambda one: one.check.name)
            ],
            "findings": [one.shown() for one in self.found],
            "failures": [
                {"check": one.check, "entry": one.place, "case": one.case, "why": one.why}
                for one in self.failures
            ],
        }
        return canonical(said) + b"\n"

    def root(self) -> bytes:
        """RFC 6962's root over the sorted ids of the cases: names their set."""
        return tree_root(b"".join(leaf_hash(case.encode()) for case in self.cases))

    def table(self) -> str:
        """The findings as CSV, a line each."""
        lines = io.StringIO()
        write = csv.writer(lines, lineterminator="\n").writerow
        write(("since", "check", "case", "department", "person", "key", "id", "entries", "figures"))
        for one in self.found:
            entries = " ".join(str(index) for index, _ in one.evidence)
            figures = " ".join(f"{name}={value}" for name, value in one.figures)
            who = (one.case or "", one.department or "", one.person or "")
            write((one.since, one.check, *who, one.key, one.id, entries, figures))
        return lines.getvalue()
