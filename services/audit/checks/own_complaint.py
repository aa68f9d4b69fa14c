"""Somebody handles a complaint about themselves, or reviews their own answer."""

from __future__ import annotations

from collections.abc import Iterator

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import CASE_EVENTS, holder_at, opening, own
from shared.events.cases import (
    AnswerDrafted,
    AnswerSentBack,
    CaseAccepted,
    CaseAnswered,
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseInspected,
    CaseOpened,
    CaseReviewed,
    CaseSolved,
    CaseSuspended,
    ExtensionDecided,
    ReturnDecided,
    SenderAsked,
    SenderContacted,
)
from shared.events.facts import MessageRead
from shared.events.linked import CaseMerged
from shared.events.messages import Kind

_AGAINST: frozenset[Kind] = frozenset({"complaint", "report"})
_HANDLES = (
    AnswerDrafted,
    AnswerSentBack,
    CaseAccepted,
    CaseAnswered,
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseInspected,
    CaseMerged,
    CaseReviewed,
    CaseSolved,
    CaseSuspended,
    ExtensionDecided,
    ReturnDecided,
    SenderAsked,
    SenderContacted,
)


class OwnComplaintParameters(Parameters):
    """Which names count."""

    manners: int = 3000
    """Basis points from which a later message complains of how its sender was treated: there a name counts too."""


class OwnComplaint(CaseCheck[OwnComplaintParameters]):
    """An officer had a hand in a complaint or report that names them, or reviewed what they had answered.

    Seen are: whoever does anything that moves a case of these kinds, after its first message, or a later one that
    complains of manners too, named them (as the fact about the message says), but for returning it or handing it up,
    which is what they should do; and whoever reviews a sender's "no" to an answer that they gave, drafted or signed.
    One finding for each case and person.

    Exact, given the facts. Those know names as the organisation file has them: two officers of one name are both
    named, a nickname names nobody, and a complaint may name somebody whom it does not complain of. What is said of a
    whole department is not seen: no fact tells which. Asked is the department that held the case.

    Figures: none.
    """

    name = "own_complaint"
    version = 1
    exact = True
    reads = CASE_EVENTS | {MessageRead.TYPE}
    parameters = OwnComplaintParameters

    def examine(self, history: CaseHistory, parameters: OwnComplaintParameters) -> Iterator[Doubt]:
        found: dict[str, list[tuple[Noted, Noted]]] = {}
        for person, because, noted in (
            *_about_themselves(history, parameters),
            *_reviewed_themselves(history),
        ):
            found.setdefault(person, []).append((because, noted))
        for person, those in found.items():
            entries = {noted.index: noted for pair in those for noted in pair}
            yield Doubt(
                key=f"{history.case}/{person}",
                since=min(max(because.at, noted.at) for because, noted in those),
                evidence=tuple(entries[index] for index in sorted(entries)),
                case=history.case,
                department=holder_at(history, those[0][1].at),
                person=person,
            )


def _about_themselves(
    history: CaseHistory, parameters: OwnComplaintParameters
) -> Iterator[tuple[str, Noted, Noted]]:
    """Who is named, by which fact, and did what."""
    if (begun := opening(history)) is None:
        return
    kind = begun.kind
    named = {
        noted.said.about: noted
        for noted in history.entries
        if isinstance(noted.said, MessageRead) and noted.said.persons
    }
    accused: dict[str, Noted] = {}
    for noted, said in own(history):
        if isinstance(said, CaseClassified):
            kind = said.kind
        if kind in _AGAINST and said.actor in accused and isinstance(said, _HANDLES):
            yield said.actor, accused[said.actor], noted
        if (fact := named.get(noted.record.id)) is not None:
            assert isinstance(fact.said, MessageRead)
            if not isinstance(said, CaseOpened) and fact.said.manners < parameters.manners:
                continue
            accused |= {person: fact for person in fact.said.persons if person not in accused}


def _reviewed_themselves(history: CaseHistory) -> Iterator[tuple[str, Noted, Noted]]:
    answer: Noted | None = None
    for noted, said in own(history):
        if isinstance(said, CaseAnswered) and said.final:
            answer = noted
        if not isinstance(said, CaseReviewed) or answer is None or said.actor is None:
            continue
        assert isinstance(answer.said, CaseAnswered)
        if said.actor in {answer.said.actor, answer.said.drafted_by}:
            yield said.actor, answer, noted
