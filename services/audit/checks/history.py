"""What checks ask of a case's entries: who held it when, what was owed and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.audit.checks.check import CaseHistory, Noted
from shared.events.cases import CaseAssigned, CaseEvent, CaseQueued
from shared.events.obligations import Ended, Started

COORDINATOR = "coordinator"
SENDER = "sender"
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
    """Everything that was ever owed in a case, in the order it began."""
    found: list[Owed] = []
    open_: dict[str, int] = {}
    for noted in history.entries:
        said = noted.said
        if not isinstance(said, CaseEvent) or noted.record.subject != history.case:
            continue
        for one in said.ends:
            if (at := open_.pop(one.id, None)) is not None:
                found[at] = Owed(found[at].started, found[at].began, one, noted)
        for start in said.starts:
            open_[start.id] = len(found)
            found.append(Owed(start, noted))
    return found


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
