"""A case is handed on instead of being handled (推諉)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import Hand, hands, owed, own, returns, seconds
from shared.events.cases import CaseAnswered, CaseAssigned, CaseQueued, CaseReturned, ReturnDecided
from shared.events.findings import Figure


class BuckPassingParameters(Parameters):
    """When handing on is more than an honest mistake."""

    late: int = 3000
    """Basis points of the time to resolve after which a case is handed on late."""
    late_refused: int = 1000
    """The same for a return that the coordinator refused: whoever errs in good faith says so at once."""
    refused: int = 2
    """So many refused returns of one department are too many, however early."""
    passings: int = 3
    """So many times is too often, whoever did it."""


@dataclass(frozen=True)
class _Passing:
    """A department handed a case on, or tried to."""

    hand: Hand
    noted: Noted
    how: Literal["transfer", "returned", "upheld", "refused"]
    used: int
    """Basis points of the time to resolve that were over."""
    looked: bool
    """Somebody went to look first."""
    end: Noted
    """When it was decided; the handing on itself where nobody had to."""

    @property
    def gone(self) -> bool:
        return self.how in {"transfer", "upheld"}


@dataclass(frozen=True)
class _Sign:
    department: str
    name: str
    value: int
    seen: Noted
    evidence: tuple[Noted, ...]


class BuckPassing(CaseCheck[BuckPassingParameters]):
    """A department hands a case on that is its own, or hands it on late.

    Seen are: a return that the coordinator refused and that didn't come at once, or a second one; a return or
    transfer when much of the time was over, unless somebody went to look first; a case that came back to a department
    that had handed it on (A→B→A); and a case handed on again and again, where whoever did so last is asked. What the
    coordinator takes from a department is not its handing on. Time is wall time of the department's own limit.

    A judgement. It sees a department that was wrong in good faith and slow to say so; it does not see one that
    returns its own cases at once and a single time each, for an honest mistake looks the same.

    Figures: `handed_on_late`, basis points of the limit that were over; `refused`, returns refused; `came_back`, 1;
    `handed_on`, how often the case was.
    """

    name = "buck_passing"
    version = 1
    exact = False
    reads = frozenset({CaseAssigned.TYPE, CaseQueued.TYPE, CaseReturned.TYPE, ReturnDecided.TYPE})
    parameters = BuckPassingParameters
    figures = ("handed_on_late", "refused", "came_back", "handed_on")

    def examine(self, history: CaseHistory, parameters: BuckPassingParameters) -> Iterator[Doubt]:
        passings = _passings(history)
        answers = [noted for noted, said in own(history) if isinstance(said, CaseAnswered) and said.final]
        signs: dict[str, list[_Sign]] = {}
        for sign in (
            *_late(passings, parameters),
            *_refused(passings, parameters),
            *_came_back(passings, hands(history), answers),
            *_often(passings, parameters),
        ):
            signs.setdefault(sign.department, []).append(sign)
        for department, found in signs.items():
            figures: dict[str, int] = {}
            for sign in found:
                figures[sign.name] = max(sign.value, figures.get(sign.name, 0))
            entries = {noted.index: noted for sign in found for noted in sign.evidence}
            yield Doubt(
                key=f"{history.case}/{department}",
                since=min(sign.seen.at for sign in found),
                evidence=tuple(entries[index] for index in sorted(entries)),
                case=history.case,
                department=department,
                figures=tuple(Figure(name=name, value=value) for name, value in figures.items()),
            )


def _passings(history: CaseHistory) -> list[_Passing]:
    given = returns(history)
    dues = {
        one.began.index: one.started.due for one in reversed(owed(history)) if one.started.kind == "resolve"
    }
    found = []
    for hand in hands(history):
        due = dues.get(hand.began.index)
        whole = seconds(hand.began.at, due) if due is not None else 0

        def used(at: Noted, hand: Hand = hand, whole: int = whole) -> int:
            return seconds(hand.began.at, at.at) * 10_000 // whole if whole > 0 else 0

        stop = hand.over.index if hand.over is not None else history.as_of.size
        for one in given:
            if hand.began.index < one.noted.index < stop:
                how: Literal["returned", "upheld", "refused"] = (
                    "returned" if one.upheld is None else "upheld" if one.upheld else "refused"
                )
                end = one.decision or one.noted
                found.append(_Passing(hand, one.noted, how, used(one.noted), one.said.site_visit, end))
        over = hand.over
        if over is not None and isinstance(over.said, CaseAssigned) and over.said.by == "transfer":
            found.append(_Passing(hand, over, "transfer", used(over), looked=False, end=over))
    return found


def _late(passings: Sequence[_Passing], parameters: BuckPassingParameters) -> Iterator[_Sign]:
    for one in passings:
        most = parameters.late_refused if one.how == "refused" else parameters.late
        if one.used < most or (one.looked and one.how != "refused"):
            continue
        seen = one.noted if one.used >= parameters.late and not one.looked else one.end
        evidence = (one.hand.began, one.noted, one.end)
        yield _Sign(one.hand.department, "handed_on_late", min(one.used, 99_999), seen, evidence)


def _refused(passings: Sequence[_Passing], parameters: BuckPassingParameters) -> Iterator[_Sign]:
    refused: dict[str, list[_Passing]] = {}
    for one in passings:
        if one.how != "refused":
            continue
        before = refused.setdefault(one.hand.department, [])
        before.append(one)
        if len(before) >= parameters.refused:
            evidence = tuple(noted for passing in before for noted in (passing.noted, passing.end))
            yield _Sign(one.hand.department, "refused", len(before), one.end, evidence)


def _came_back(
    passings: Sequence[_Passing], had: Sequence[Hand], answers: Sequence[Noted]
) -> Iterator[_Sign]:
    """The case is given to a department that had handed it on; what happens after an answer is another matter."""
    for one in passings:
        if not one.gone:
            continue
        answered = next((noted.index for noted in answers if noted.index > one.end.index), None)
        for hand in had:
            begun = hand.began.index
            if begun > one.end.index and hand.department == one.hand.department:
                if answered is None or begun < answered:
                    yield _Sign(one.hand.department, "came_back", 1, hand.began, (one.noted, hand.began))
                break


def _often(passings: Sequence[_Passing], parameters: BuckPassingParameters) -> Iterator[_Sign]:
    gone = [one for one in passings if one.gone]
    if len(gone) >= parameters.passings:
        last = gone[parameters.passings - 1]
        evidence = tuple(one.noted for one in gone)
        yield _Sign(last.hand.department, "handed_on", len(gone), last.noted, evidence)
