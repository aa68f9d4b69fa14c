"""What became of each thing in a file: input = accepted + quarantined + refused + not sent, always."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

End = Literal["accepted", "quarantined", "refused", "not_sent"]
ENDS: tuple[End, ...] = ("accepted", "quarantined", "refused", "not_sent")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one message ended; `reason` is a code, `detail` the words, `receipt` what the door signed."""

    end: End
    reason: str = ""
    detail: str = ""
    message_id: str | None = None
    receipt: Any = None


@dataclass(slots=True)
class Reason:
    """Why some of a file's messages were not accepted: how many, and the first of them."""

    count: int
    detail: str
    first: str


@dataclass(slots=True)
class Balance:
    """One file's account."""

    file: str
    ends: dict[End, int] = field(default_factory=lambda: dict.fromkeys(ENDS, 0))
    reasons: dict[tuple[End, str], Reason] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    """Codes of what of an accepted record could not be used, and how often."""

    def add(self, outcome: Outcome, where: str) -> None:
        """Books one message; `where` is its place in the file, for people."""
        self.ends[outcome.end] += 1
        if outcome.end != "accepted":
            reason = self.reasons.setdefault((outcome.end, outcome.reason), Reason(0, outcome.detail, where))
            reason.count += 1

    def note(self, codes: tuple[str, ...]) -> None:
        for code in codes:
            self.notes[code] = self.notes.get(code, 0) + 1

    @property
    def input(self) -> int:
        return sum(self.ends.values())

    @property
    def all_taken(self) -> bool:
        """Nothing was refused and nothing left behind; what is quarantined was taken."""
        return not (self.ends["refused"] or self.ends["not_sent"])

    def as_json(self) -> dict[str, Any]:
        reasons = [
            {"outcome": end, "reason": code, "count": each.count, "detail": each.detail, "first": each.first}
            for (end, code), each in sorted(self.reasons.items())
        ]
        counts: dict[str, Any] = {str(end): count for end, count in self.ends.items()}
        return {"file": self.file, "input": self.input} | counts | {"reasons": reasons, "notes": self.notes}


def total(balances: Iterable[Balance]) -> Balance:
    """All files' accounts as one."""
    whole = Balance("total")
    for balance in balances:
        for end, count in balance.ends.items():
            whole.ends[end] += count
        for key, reason in balance.reasons.items():
            first = f"{balance.file}, {reason.first}"
            whole.reasons.setdefault(key, Reason(0, reason.detail, first)).count += reason.count
        for code, count in balance.notes.items():
            whole.notes[code] = whole.notes.get(code, 0) + count
    return whole
