"""A matter is called solved, or closed, and is not (弄虛作假)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import COORDINATOR, holder_at, opening, own
from shared.events.cases import (
    AssistGiven,
    CaseAnswered,
    CaseClosed,
    CaseEvent,
    CaseInspected,
    CaseReopened,
    CaseReviewed,
    CaseSolved,
    FeedbackGiven,
    MessageAttached,
    SenderAsked,
    SenderContacted,
)
from shared.events.facts import MessageRead
from shared.events.findings import Figure
from shared.events.messages import Kind

_SOMETHING_TO_SOLVE: frozenset[Kind] = frozenset({"problem", "complaint", "report"})
_THANKS = frozenset({"none", "phrase"})
"""What is so short says thanks, or nothing."""


class FalseClosureParameters(Parameters):
    """How long a solution must hold, and how long silence must last."""

    days: int = 14
    """A case that is opened again within so many days was not over."""
    silence: int = 259_200
    """Seconds of silence below which nobody may take it as an end."""


@dataclass
class _Answer:
    """A final answer, and what became of it."""

    noted: Noted
    claimed: bool
    shown: bool
    """Something shows that it was dealt with: a talk, a visit, another's part, what was put down as evidence."""
    signs: list[tuple[str, Noted]] = field(default_factory=list)
    asked: Noted | None = None
    """What began the sender's time to speak: the answer, or the call that told it."""


class FalseClosure(CaseCheck[FalseClosureParameters]):
    """An answer ended a case that was not over.

    Of a final answer these are seen: it called the matter solved and the sender says that it is not; it called it
    solved and the sender wrote again within the days set, with more than a word of thanks; somebody else looked and
    had it taken up again, or an inspection found it not solved; it was closed for silence sooner than silence means
    anything; it called a problem, complaint or report solved although nobody had spoken to the sender, asked, gone
    there, had help, or put down what shows it. One finding for each answer, with all that speaks against it.

    A judgement. Seen wrongly: a sender who says "not solved" of what can't be solved, who writes again with a new
    matter, and what was solved on the spot by somebody who wrote nothing down. Not seen: a false claim with an
    invented note, whose sender is silent. Asked is who held the case when it was answered.

    Figures, each 1: `not_solved`, `wrote_again`, `taken_up_again`, `closed_early`, `nothing_shown`.
    """

    name = "false_closure"
    version = 1
    exact = False
    reads = frozenset(
        kind.TYPE
        for kind in (
            AssistGiven,
            CaseAnswered,
            CaseClosed,
            CaseInspected,
            CaseReopened,
            CaseReviewed,
            CaseSolved,
            FeedbackGiven,
            MessageAttached,
            MessageRead,
            SenderAsked,
            SenderContacted,
        )
    )
    parameters = FalseClosureParameters

    def examine(self, history: CaseHistory, parameters: FalseClosureParameters) -> Iterator[Doubt]:
        begun = opening(history)
        if begun is None:
            return
        for answer in _answers(history, begun.kind in _SOMETHING_TO_SOLVE, parameters):
            if not answer.signs:
                continue
            department = holder_at(history, answer.noted.at)
            yield Doubt(
                key=answer.noted.record.id,
                since=answer.signs[0][1].at,
                evidence=tuple(dict.fromkeys((answer.noted, *(noted for _, noted in answer.signs)))),
                case=history.case,
                department=department or COORDINATOR,
                figures=tuple(Figure(name=name, value=1) for name in dict(answer.signs)),
            )


def _answers(history: CaseHistory, solvable: bool, parameters: FalseClosureParameters) -> list[_Answer]:
    short = {
        noted.said.about
        for noted in history.entries
        if isinstance(noted.said, MessageRead) and noted.said.length in _THANKS and not noted.said.gone
    }
    found: list[_Answer] = []
    shown = solved = False
    for noted, said in own(history):
        last = found[-1] if found else None
        if isinstance(said, CaseAnswered) and said.final:
            answer = _Answer(noted, said.resolved or solved, shown, asked=noted)
            if answer.claimed and solvable and not shown and not said.direct:
                answer.signs.append(("nothing_shown", noted))
            found.append(answer)
            solved = False
            continue
        if _shows(said):
            shown = True
        if isinstance(said, CaseSolved):
            solved = True
        if last is not None:
            if isinstance(said, CaseSolved):
                last.claimed = True
            if isinstance(said, SenderContacted) and said.callback:
                last.asked = noted
            if (sign := _sign(last, noted, said, short, parameters)) is not None:
                last.signs.append((sign, noted))
        if isinstance(said, CaseReopened) or (isinstance(said, MessageAttached) and said.reopened):
            shown = solved = False
    return found


def _shows(said: CaseEvent) -> bool:
    match said:
        case SenderContacted(outcome="reached" | "refused", callback=False) | SenderAsked() | CaseSolved():
            return True
        case AssistGiven(outcome="given") | CaseAnswered(final=False) | SenderContacted(site_visit=True):
            return True
    return False


def _sign(
    last: _Answer, noted: Noted, said: CaseEvent, short: set[str], parameters: FalseClosureParameters
) -> str | None:
    soon = noted.at - last.noted.at <= timedelta(days=parameters.days)
    match said:
        case FeedbackGiven(solved=False) if last.claimed:
            return "not_solved"
        case MessageAttached(reopened=True) if last.claimed and soon and noted.record.id not in short:
            return "wrote_again"
        case CaseReopened(reason="reviewed" | "not_passed" | "not_solved") if soon:
            return "taken_up_again"
        case CaseClosed(outcome="silence") if last.asked is not None:
            early = noted.at - last.asked.at < timedelta(seconds=parameters.silence)
            return "closed_early" if early else None
    return None
