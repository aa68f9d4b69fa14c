"""The same sender comes again with the same matter (重複投訴)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel

from services.audit.checks.check import Doubt, HouseCheck, Noted, Parameters
from services.audit.checks.history import COORDINATOR
from shared.events.cases import CaseAnswered, CaseAssigned, CaseClosed, CaseOpened, CaseQueued
from shared.events.facts import MessageRead
from shared.events.findings import Evidence, Figure
from shared.events.linked import CaseMerged


class Again(Parameters):
    """What counts as again."""

    days: int = 60
    """For so many days after an answer."""
    likeness: int = 6000
    """Basis points, as `MessageRead.likeness` has it."""


class Matter(BaseModel):
    """A case whose sender may come again."""

    sender: str | None = None
    """Not known before the fact about its first message."""
    messages: list[str] = []
    """The events that brought its messages, the latest few."""
    department: str | None = None
    answered: datetime | None = None
    evidence: Evidence | None = None
    """The answer or the end."""
    seen: datetime


class Remembered(BaseModel):
    """Cases of the time that matters, by their ids; and whose message is whose."""

    cases: dict[str, Matter] = {}
    of_message: dict[str, str] = {}
    swept: datetime | None = None


class _Known(NamedTuple):
    """An earlier case of the same sender that was answered."""

    id: str
    matter: Matter
    answered: datetime
    evidence: Evidence


_MESSAGES = 8
_SWEEP = timedelta(days=1)


class RepeatedComplaint(HouseCheck[Again, Remembered]):
    """A matter that was answered or closed is brought again, as another case, by the same sender.

    It rests on the fact `message_read`: the sender's pseudonym, and which earlier message is most alike. The department
    that gave the earlier answer is asked. One finding a case, with the `days` since and the `likeness` in basis points.
    A judgement: a sender who writes from another address, or in quite other words, is missed; two matters of one kind
    of one sender (two lamps in one street) are taken for one.
    """

    name = "repeated_complaint"
    version = 1
    exact = False
    figures = ("days", "likeness")
    reads = frozenset(
        one.TYPE
        for one in (CaseOpened, MessageRead, CaseAssigned, CaseQueued, CaseAnswered, CaseClosed, CaseMerged)
    )
    parameters = Again
    state = Remembered

    def take(self, state: Remembered, noted: Noted, parameters: Again) -> Iterator[Doubt]:
        _sweep(state, noted.at, timedelta(days=parameters.days))
        said, case = noted.said, noted.record.subject
        match said:
            case CaseOpened():
                state.cases[case] = Matter(seen=noted.at)
            case MessageRead():
                yield from self._read(state, noted, said, parameters)
            case CaseAssigned() if case in state.cases:
                state.cases[case].department = said.department
            case CaseQueued() if case in state.cases:
                state.cases[case].department = COORDINATOR
            case CaseAnswered() | CaseClosed() if case in state.cases:
                if isinstance(said, CaseClosed) or said.final:
                    known = state.cases[case]
                    known.answered = known.seen = noted.at
                    known.evidence = Evidence(index=noted.index, event=noted.record.id)
            case CaseMerged() if case in state.cases:
                _forget(state, case)

    def _read(self, state: Remembered, noted: Noted, said: MessageRead, parameters: Again) -> Iterator[Doubt]:
        matter = state.cases.get(said.case)
        if said.sender is None or matter is None:
            return
        new = matter.sender is None
        if new and (known := _answered_before(state, said, parameters)) is not None:
            passed = noted.at - known.answered
            yield Doubt(
                key=said.case,
                since=noted.at,
                evidence=(known.evidence, noted),
                case=said.case,
                department=known.matter.department,
                figures=(
                    Figure(name="days", value=max(0, passed.days)),
                    Figure(name="likeness", value=said.likeness),
                ),
            )
        if new:
            matter.sender = said.sender
        if matter.sender == said.sender:
            matter.messages.append(said.about)
            state.of_message[said.about] = said.case
            for old in matter.messages[:-_MESSAGES]:
                state.of_message.pop(old, None)
            del matter.messages[:-_MESSAGES]


def _answered_before(state: Remembered, said: MessageRead, parameters: Again) -> _Known | None:
    if said.like is None or said.likeness < parameters.likeness:
        return None
    id = state.of_message.get(said.like)
    if id is None or id == said.case:
        return None
    matter = state.cases[id]
    if matter.sender != said.sender or matter.answered is None or matter.evidence is None:
        return None
    return _Known(id, matter, matter.answered, matter.evidence)


def _sweep(state: Remembered, now: datetime, window: timedelta) -> None:
    """Forget what is over for longer than counts; once a day."""
    if state.swept is not None and now - state.swept < _SWEEP:
        return
    state.swept = now
    for case in [case for case, one in state.cases.items() if one.answered and one.seen < now - window]:
        _forget(state, case)


def _forget(state: Remembered, case: str) -> None:
    for message in state.cases.pop(case).messages:
        state.of_message.pop(message, None)
