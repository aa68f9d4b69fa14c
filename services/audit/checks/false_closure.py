"""A matter is called solved, or closed, and is not (弄虛作假)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import holder_at, opening, own
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
from shared.events.trail import TrailTicked

_SOMETHING_TO_SOLVE: frozenset[Kind] = frozenset({"problem", "complaint", "report"})
_THANKS = frozenset({"none", "phrase"})
"""What is so short says thanks, or nothing."""


class FalseClosureParameters(Parameters):
    """How long a solution must hold, and how long silence must last."""

    days: int = 14
    """A case that is opened again within so many days was not over."""
    unread: int = 86_400
    """Seconds after which a message that no fact tells of counts as more than thanks."""
    silence: int = 259_200
    """Seconds of silence below which nobody may take it as an end."""


class _Sign(NamedTuple):
    name: str
    noted: Noted
    since: datetime


@dataclass
class _Answer:
    """A final answer, and what became of it."""

    noted: Noted
    claimed: bool
    shown: bool
    """Something shows that it was dealt with: a talk, a visit, another's part, what was put down as evidence."""
    signs: list[_Sign] = field(default_factory=list)
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
            TrailTicked,
        )
    )
    parameters = FalseClosureParameters
    figures = ("not_solved", "wrote_again", "taken_up_again", "closed_early", "nothing_shown")

    def examine(self, history: CaseHistory, parameters: FalseClosureParameters) -> Iterator[Doubt]:
        for answer in _answers(history, parameters):
            signs = [sign for sign in answer.signs if sign.since <= history.as_of.at]
            if not signs:
                continue
            yield Doubt(
                key=answer.noted.record.id,
                since=min(sign.since for sign in signs),
                evidence=tuple(dict.fromkeys((answer.noted, *(sign.noted for sign in signs)))),
                case=history.case,
                department=holder_at(history, answer.noted.at),
                figures=tuple(
                    Figure(name=name, value=1) for name in dict.fromkeys(one.name for one in signs)
                ),
            )

    def again(self, history: CaseHistory, parameters: FalseClosureParameters) -> datetime | None:
        signs = (sign for answer in _answers(history, parameters) for sign in answer.signs)
        return min((sign.since for sign in signs if sign.since > history.as_of.at), default=None)


def _answers(history: CaseHistory, parameters: FalseClosureParameters) -> list[_Answer]:
    begun = opening(history)
    solvable = begun is None or begun.kind in _SOMETHING_TO_SOLVE
    read = {noted.said.about: noted for noted in history.entries if isinstance(noted.said, MessageRead)}
    found: list[_Answer] = []
    shown = solved = False
    for noted, said in own(history):
        if isinstance(said, CaseAnswered) and said.final:
            answer = _Answer(noted, said.resolved or solved, shown, asked=noted)
            if answer.claimed and solvable and not shown and not said.direct:
                answer.signs.append(_Sign("nothing_shown", noted, noted.at))
            found.append(answer)
            solved = False
            continue
        shown = shown or _shows(said)
        solved = solved or isinstance(said, CaseSolved)
        if found:
            last = found[-1]
            last.claimed = last.claimed or isinstance(said, CaseSolved)
            if isinstance(said, SenderContacted) and said.callback:
                last.asked = noted
            if (sign := _sign(last, noted, said, read, parameters)) is not None:
                last.signs.append(sign)
        if isinstance(said, CaseReopened) or (isinstance(said, MessageAttached) and said.reopened):
            solved = False
            shown = shown and not isinstance(said, CaseReopened)
    return found


def _shows(said: CaseEvent) -> bool:
    match said:
        case SenderContacted(outcome="reached" | "refused", callback=False) | SenderAsked() | CaseSolved():
            return True
        case AssistGiven(outcome="given") | CaseAnswered(final=False) | SenderContacted(site_visit=True):
            return True
    return False


def _sign(
    last: _Answer, noted: Noted, said: CaseEvent, read: dict[str, Noted], parameters: FalseClosureParameters
) -> _Sign | None:
    soon = noted.at - last.noted.at <= timedelta(days=parameters.days)
    match said:
        case FeedbackGiven(solved=False) if last.claimed:
            return _Sign("not_solved", noted, noted.at)
        case MessageAttached(reopened=True) if last.claimed and soon:
            return _wrote_again(noted, read.get(noted.record.id), parameters)
        case CaseReopened(reason="reviewed" | "not_passed" | "not_solved") if soon:
            return _Sign("taken_up_again", noted, noted.at)
        case CaseClosed(outcome="silence") if last.asked is not None:
            early = noted.at - last.asked.at < timedelta(seconds=parameters.silence)
            return _Sign("closed_early", noted, noted.at) if early else None
    return None


def _wrote_again(noted: Noted, fact: Noted | None, parameters: FalseClosureParameters) -> _Sign | None:
    """Seen once it is known what the words are like; after a while also where nobody knows."""
    if fact is None:
        return _Sign("wrote_again", noted, noted.at + timedelta(seconds=parameters.unread))
    said = fact.said
    assert isinstance(said, MessageRead)
    if said.length in _THANKS and not said.gone:
        return None
    return _Sign("wrote_again", noted, max(noted.at, fact.at))
