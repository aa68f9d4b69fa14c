"""What checks ask of a case's entries: who held it when, what was owed and what became of it, pauses, returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.audit.checks.check import CaseHistory, Noted
from shared.events import REGISTRY
from shared.events.cases import (
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseResumed,
    CaseReturned,
    CaseSuspended,
    ReturnDecided,
)
from shared.events.obligations import OF_SUPERVISION, Ended, Started
from shared.organisation import POSTS

COORDINATOR = "coordinator"
SENDER = "sender"
CASE_EVENTS = frozenset(name for name, kind in REGISTRY.items() if issubclass(kind, CaseEvent))
"""The types of everything that happens to a case itself."""
ANEW = frozenset({"paused", "extended", "moved"})
"""Ends after which the same is owed again, with another end."""


@dataclass(frozen=True)
class Owed:
    """One obligation of a case, from an event that began it to the one that ended it."""

    started: Started
    began: Noted
    ended: Ended | None = None
    end: Noted | None = None

    @property
    def late(self) -> bool:
        """Whether it was binding, and ended after it was due; of an open one nothing is said."""
        return self.started.binding and self.end is not None and self.end.at > self.started.due


def owed(history: CaseHistory) -> list[Owed]:
    """Everything that was ever owed in a case, in the order it began. What a closing case leaves open ends with it."""
    found: list[Owed] = []
    open_: dict[str, int] = {}
    for noted, said in own(history):
        for one in said.ends:
            if (at := open_.pop(one.id, None)) is not None:
                found[at] = Owed(found[at].started, found[at].began, one, noted)
        if isinstance(said, CaseClosed):
            for at in [at for at in open_.values() if found[at].started.kind not in OF_SUPERVISION]:
                found[at] = Owed(found[at].started, found[at].began, None, noted)
            open_ = {id: at for id, at in open_.items() if found[at].started.kind in OF_SUPERVISION}
        for start in said.starts:
            open_[start.id] = len(found)
            found.append(Owed(start, noted))
    return found


def own(history: CaseHistory) -> Iterator[tuple[Noted, CaseEvent]]:
    """The case's own entries, with what they say."""
    for noted in history.entries:
        said = noted.said
        if isinstance(said, CaseEvent) and noted.record.subject == history.case:
            yield noted, said


def opening(history: CaseHistory) -> CaseOpened | None:
    """How the case began; None where that entry is missing."""
    return next((said for _, said in own(history) if isinstance(said, CaseOpened)), None)


def office_of(owner: str) -> str | None:
    """The department, or the coordinator, that answers for what an owner owes; None for a post of the whole house."""
    office = owner.partition("/")[0]
    return office if office == COORDINATOR or office not in {*POSTS, SENDER} else None


@dataclass(frozen=True)
class Paused:
    """A stretch of time in which a case's clock stood still."""

    began: Noted
    said: CaseSuspended
    over: Noted | None = None
    resumed: CaseResumed | None = None


def pauses(history: CaseHistory) -> list[Paused]:
    """Every time the clock stood still."""
    found: list[Paused] = []
    for noted, said in own(history):
        if isinstance(said, CaseSuspended):
            found.append(Paused(noted, said))
        elif isinstance(said, (CaseResumed, CaseClosed)) and found and found[-1].over is None:
            resumed = said if isinstance(said, CaseResumed) else None
            found[-1] = Paused(found[-1].began, found[-1].said, noted, resumed)
    return found


@dataclass(frozen=True)
class Returned:
    """A department gave a case back, and what the coordinator said to it."""

    noted: Noted
    said: CaseReturned
    decision: Noted | None = None
    upheld: bool | None = None


def returns(history: CaseHistory) -> list[Returned]:
    """Every return of a case."""
    found: list[Returned] = []
    for noted, said in own(history):
        if isinstance(said, CaseReturned):
            found.append(Returned(noted, said))
        elif isinstance(said, ReturnDecided) and found and found[-1].decision is None:
            found[-1] = Returned(found[-1].noted, found[-1].said, noted, said.upheld)
    return found


@dataclass(frozen=True)
class Hand:
    """A stretch of time in which one department led a case."""

    department: str
    began: Noted
    by: str
    over: Noted | None = None


def hands(history: CaseHistory) -> list[Hand]:
    """Who led the case, one after the other. A return that is refused ends no hand: the department keeps the case."""
    found: list[Hand] = []
    for noted, said in own(history):
        if not isinstance(said, CaseAssigned):
            continue
        if found and said.by == "return_refused" and found[-1].department == said.department:
            continue
        if found:
            found[-1] = Hand(found[-1].department, found[-1].began, found[-1].by, noted)
        found.append(Hand(said.department, noted, said.by))
    return found


def seconds(begin: datetime, end: datetime) -> int:
    """Whole seconds from one instant to another."""
    return int((end - begin).total_seconds())


def held(history: CaseHistory) -> Iterator[tuple[Noted, str]]:
    """Each entry of the case's own, with whoever holds the case once it has happened."""
    holder = COORDINATOR
    for noted in history.entries:
        if noted.record.subject != history.case:
            continue
        match noted.said:
            case CaseAssigned(department=department):
                holder = department
            case CaseQueued():
                holder = COORDINATOR
        yield noted, holder


def holder_at(history: CaseHistory, instant: datetime) -> str:
    """Who held the case at an instant."""
    holder = COORDINATOR
    for noted, now in held(history):
        if noted.at > instant:
            break
        holder = now
    return holder
