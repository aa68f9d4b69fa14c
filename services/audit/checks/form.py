"""What is owed on the way is done for form's sake (走形式主義)."""

from __future__ import annotations

from collections.abc import Iterator

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import CASE_EVENTS, Hand, Owed, hands, opening, owed, own, seconds
from shared.events.cases import CaseAccepted, CaseAnswered, CaseEvent, SenderAsked, SenderContacted
from shared.events.findings import Figure


class FormParameters(Parameters):
    """What looks like form, and how much of it makes a doubt."""

    last: int = 500
    """Basis points of the time left below which something is done at the limit …"""
    minutes: int = 900
    """… and no more than so many seconds."""
    at_once: int = 60
    """Seconds: a talk recorded so soon after accepting was not had."""
    signs: int = 2
    """So many signs in one department's hands make a doubt."""


class Form(CaseCheck[FormParameters]):
    """A department does what is counted, when it is counted, and nothing with it.

    In one department's hands these are signs: it accepted in the last minutes; the first contact came in the last
    minutes of its time; a contact is recorded as had and nobody wrote down what was said; a visit, the same; the
    contact was recorded within a minute of accepting. So many of them, once it has had the contact or answered, make
    a doubt.

    A judgement, the weakest of these: busy people are late in good faith and short of words, and who writes a sentence
    behind each act is not seen at all. It says where to look, not what was done. Limits are wall time; the minutes of
    an anonymous case's entries say nothing, so only words count there.

    Figures, each a number of signs: `accepted_at_limit`, `contacted_at_limit`, `no_words`, `visit_no_words`,
    `at_once`.
    """

    name = "form"
    version = 1
    exact = False
    reads = CASE_EVENTS
    parameters = FormParameters
    figures = ("accepted_at_limit", "contacted_at_limit", "no_words", "visit_no_words", "at_once")

    def examine(self, history: CaseHistory, parameters: FormParameters) -> Iterator[Doubt]:
        begun = opening(history)
        timed = begun is None or not begun.anonymous
        owes = owed(history)
        for hand in hands(history):
            signs = list(_signs(history, hand, owes, parameters, timed=timed))
            if len(signs) < parameters.signs:
                continue
            figures: dict[str, int] = {}
            for name, _ in signs:
                figures[name] = figures.get(name, 0) + 1
            yield Doubt(
                key=f"{history.case}/{hand.began.record.id}",
                since=signs[parameters.signs - 1][1].at,
                evidence=tuple(dict.fromkeys((hand.began, *(noted for _, noted in signs)))),
                case=history.case,
                department=hand.department,
                figures=tuple(Figure(name=name, value=value) for name, value in figures.items()),
            )


def _signs(
    history: CaseHistory, hand: Hand, owes: list[Owed], parameters: FormParameters, *, timed: bool
) -> Iterator[tuple[str, Noted]]:
    stop = hand.over.index if hand.over is not None else history.as_of.size
    accepted: Noted | None = None
    contacted = False
    for noted, said in own(history):
        if not hand.began.index < noted.index < stop:
            continue
        if isinstance(said, CaseAccepted) and not said.deemed:
            accepted = noted
            if timed and _at_limit(owes, noted, "accept", parameters):
                yield "accepted_at_limit", noted
        if isinstance(said, SenderContacted) and not said.callback and said.outcome == "reached":
            if said.words is None:
                yield ("visit_no_words" if said.site_visit else "no_words"), noted
            if timed and accepted is not None and seconds(accepted.at, noted.at) <= parameters.at_once:
                yield "at_once", noted
        if _contacts(said) and not contacted:
            contacted = True
            if timed and _at_limit(owes, noted, "contact", parameters):
                yield "contacted_at_limit", noted


def _contacts(said: CaseEvent) -> bool:
    match said:
        case SenderContacted(callback=False, outcome="reached") | SenderAsked() | CaseAnswered():
            return True
    return False


def _at_limit(owes: list[Owed], noted: Noted, kind: str, parameters: FormParameters) -> bool:
    """Whether something that was owed was done just before it was due."""
    for one in owes:
        if one.started.kind == kind and one.end is noted:
            left = seconds(noted.at, one.started.due)
            whole = seconds(one.began.at, one.started.due)
            return 0 <= left <= parameters.minutes and left * 10_000 <= whole * parameters.last
    return False
