"""How a case stands after some of its events, as far as it matters who is told what. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.events import Record
from shared.events.cases import (
    AssistAsked,
    CaseAssigned,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    ExtensionDecided,
    MessageAttached,
    OpinionAsked,
    Started,
)
from shared.events.content import ContentRef
from shared.events.linked import CaseJoined
from shared.events.supervised import CaseOrdered, ExplanationAsked

_GOES_ON = frozenset({"paused", "extended", "moved"})
"""How an obligation ends that begins anew with another end."""


@dataclass
class Course:
    """A case up to one of its events."""

    opened: CaseOpened
    department: str | None = None
    """Who leads; None while the coordinator must dispatch it."""
    helpers: set[str] = field(default_factory=set)
    """Departments that were asked to assist, or for an opinion."""
    closed: bool = False
    promise: datetime | None = None
    begun: dict[str, Started] = field(default_factory=dict)
    """Every obligation that there was."""
    open: dict[str, Started] = field(default_factory=dict)
    """Those that are owed."""
    ended: dict[str, str] = field(default_factory=dict)
    """How the others ended."""
    options: dict[str, ContentRef] = field(default_factory=dict)
    """What an opinion chooses from, by the obligation to give it."""
    joined: list[CaseJoined] = field(default_factory=list)
    """The cases that were merged into it."""

    def still_owed(self, obligation: str) -> Started | None:
        """The obligation, or what goes on in its place with another end; None where it is over or stands still."""
        if obligation in self.open:
            return self.open[obligation]
        before = self.begun.get(obligation)
        if before is None or self.ended.get(obligation) not in _GOES_ON:
            return None
        what = (before.kind, before.owner, before.about)
        same = (one for one in self.open.values() if (one.kind, one.owner, one.about) == what)
        return next(same, None)


def course(history: Sequence[Record], until: int | None = None) -> Course:
    """How a case stands after its event number `until`, that one included; after all of them where none is named."""
    opened = opening(history)
    found = Course(opened, promise=opened.promise)
    for record in history[:until]:
        if isinstance(event := record.data, CaseEvent):
            _owed(found, event)
            _held(found, event)
            _known(found, event)
    return found


def opening(history: Sequence[Record]) -> CaseOpened:
    """The event that a case began with."""
    return next(record.data for record in history if isinstance(record.data, CaseOpened))


def in_one_decision(history: Sequence[Record], record: Record) -> tuple[CaseEvent | None, CaseEvent | None]:
    """The events just before and just after one, where the same decision made them."""
    around = []
    for number in (record.sequence - 1, record.sequence + 1):
        other = history[number - 1] if 0 < number <= len(history) else None
        same = other is not None and other.causation == record.causation
        around.append(other.data if other and same and isinstance(other.data, CaseEvent) else None)
    return around[0], around[1]


def _owed(found: Course, event: CaseEvent) -> None:
    for one in event.ends:
        found.open.pop(one.id, None)
        found.ended[one.id] = one.how
    for begun in event.starts:
        found.begun[begun.id] = found.open[begun.id] = begun


def _held(found: Course, event: CaseEvent) -> None:
    match event:
        case CaseAssigned():
            found.department = event.department
        case CaseQueued():
            found.department = None
        case CaseClosed():
            found.closed = True
        case CaseReopened():
            found.closed = False
        case MessageAttached() if event.reopened:
            found.closed = False


def _known(found: Course, event: CaseEvent) -> None:
    match event:
        case AssistAsked():
            found.helpers.add(event.department)
        case ExplanationAsked() | CaseOrdered() if event.starts:
            found.helpers.add(event.department)
        case OpinionAsked():
            found.helpers.add(event.to.partition("/")[0])
            found.options[event.opinion] = event.words
        case CaseEscalated() if event.words is not None:
            asked = (one.id for one in event.starts if one.kind == "opinion")
            found.options.update(dict.fromkeys(asked, event.words))
        case ExtensionDecided() if event.promise is not None:
            found.promise = event.promise
        case CaseJoined():
            found.joined.append(event)
