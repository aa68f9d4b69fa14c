"""A final answer that deals with nothing (敷衍塞責)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import holder_at, opening, own
from shared.events.cases import CaseAnswered, CaseReopened, MessageAttached
from shared.events.facts import AnswerRead, LengthClass
from shared.events.findings import Figure

_SHORT: dict[LengthClass, int] = {"none": 2, "phrase": 2, "short": 1}


class PerfunctoryParameters(Parameters):
    """What counts as a sign, and how many points make a doubt."""

    points: int = 3
    asked: int = 12
    """Of a matter with fewer terms of its own it is not said that an answer is short or leaves it out."""
    mentions: int = 500
    """Basis points of these terms below which an answer does not speak of the matter."""
    copied: int = 9_000
    """Basis points of an answer from which it is a copy of one to another matter."""


class _Read(NamedTuple):
    """A final answer, or one on the way, and the fact about it where there is one."""

    noted: Noted
    said: CaseAnswered
    fact: Noted | None
    read: AnswerRead | None


class Perfunctory(CaseCheck[PerfunctoryParameters]):
    """A final answer is short, passes the matter on, promises, or repeats another answer, and says nothing of it.

    It rests on the fact `answer_read`. Points are added up: at most twenty signs for a matter that was told at more
    length (2), at most eighty (1); it does not speak of what the sender asked (1), and is besides a copy of an answer
    to another matter (2); it says that the matter was passed on and nothing of what became of it (1); it has no date,
    amount, place, rule, telephone or office (1), and besides only promises (1). Three points make a doubt. Nothing is
    seen where an earlier answer to the same message dealt with the matter, or where nobody knows whether it did; thanks
    for praise may be short.

    A judgement. Seen wrongly: a short answer that says all there is to say in other words than the sender's, and one
    to what was dealt with by telephone. Not seen: many words that say nothing, and a refusal with a rule in it that
    does not apply; whether what an answer says is true is not asked at all. Against hand labels of real answers see
    docs/checks.md. Asked is who held the case when it was answered.

    Figures: `points`; `mentions` and `copied` in basis points; each 1 where it is so: `short`, `off_matter`,
    `forwards`, `promises`, `bare`.
    """

    name = "perfunctory"
    version = 1
    exact = False
    reads = frozenset({CaseAnswered.TYPE, AnswerRead.TYPE})
    parameters = PerfunctoryParameters
    figures = ("points", "mentions", "copied", "short", "off_matter", "forwards", "promises", "bare")

    def examine(self, history: CaseHistory, parameters: PerfunctoryParameters) -> Iterator[Doubt]:
        begun = opening(history)
        if begun is not None and begun.kind == "praise":
            return
        known: list[datetime] = []
        excused = False
        for one in _answers(history):
            if one is None:
                known, excused = [], False
                continue
            if one.read is None or one.fact is None or one.read.gone:
                # Nobody knows, perhaps not yet, what it said: it may have dealt with the matter.
                excused = True
                continue
            known.append(max(one.noted.at, one.fact.at))
            signs = signs_of(one.read, parameters)
            if one.said.final and not excused and signs["points"] >= parameters.points:
                yield Doubt(
                    key=one.noted.record.id,
                    since=max(known),
                    evidence=(one.noted, one.fact),
                    case=history.case,
                    department=holder_at(history, one.noted.at),
                    figures=tuple(Figure(name=name, value=value) for name, value in signs.items()),
                )
            excused = excused or _deals_with_it(one.read, signs, parameters)


def signs_of(read: AnswerRead, parameters: PerfunctoryParameters) -> dict[str, int]:
    """What an answer shows, by the names of the figures; `points` is what it adds up to."""
    told = read.asked >= parameters.asked
    short = _SHORT.get(read.length, 0) if told else 0
    off_matter = told and read.mentions < parameters.mentions
    copied = off_matter and read.copy_share >= parameters.copied
    bare = read.concrete == 0
    promises = bare and read.promises
    found = {"points": short + off_matter + 2 * copied + read.forwards + bare + promises}
    if told:
        found["mentions"] = read.mentions
    if copied:
        found["copied"] = read.copy_share
    seen = {
        "short": short > 0,
        "off_matter": off_matter,
        "forwards": read.forwards,
        "promises": promises,
        "bare": bare,
    }
    return found | {name: 1 for name, so in seen.items() if so}


def _answers(history: CaseHistory) -> Iterator[_Read | None]:
    """Every answer of a case; None where the case was taken up again, and answers count anew."""
    facts = {
        noted.said.about: (noted, noted.said)
        for noted in history.entries
        if isinstance(noted.said, AnswerRead)
    }
    for noted, said in own(history):
        if isinstance(said, CaseAnswered):
            fact, read = facts.get(noted.record.id, (None, None))
            yield _Read(noted, said, fact, read)
        elif isinstance(said, CaseReopened) or (isinstance(said, MessageAttached) and said.reopened):
            yield None


def _deals_with_it(read: AnswerRead, signs: dict[str, int], parameters: PerfunctoryParameters) -> bool:
    """Whether an answer says so much that a later one may be a last word."""
    said_little = signs["points"] >= parameters.points or read.length in {"none", "phrase"}
    return not (said_little or signs.keys() & {"off_matter", "forwards", "bare"} or read.promises)
