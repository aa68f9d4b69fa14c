"""What entries mean for the console: open cases, what is owed, the balance of what came in. Pure.

A batch of entries is folded into rows first, so that what a batch itself undoes or changes again is written once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

import structlog

from shared.events import REGISTRY, Event, Record
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    MessageAttached,
)
from shared.events.deliveries import DeliveryQueued
from shared.events.messages import (
    DeliveryAnswered,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
    MessageReleased,
    MessageSettled,
)

log = structlog.get_logger()

COORDINATOR = "coordinator"
STAGES = {"remind": 1, "warn": 2, "breach": 3, "escalate": 4}
"""How far an obligation has aged; 0 before anybody was reminded."""
WARNED, BREACHED = STAGES["warn"], STAGES["breach"]
ENDS = ("attached", "new", "quarantined", "refused")
"""What a received message becomes: the four sum to what came in, but for what still waits."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Unsettled(NamedTuple):
    """A message that waits to be settled, or in quarantine for a person to look."""

    day: str
    endpoint: str
    state: str


class Days:
    """The day an instant falls on in one zone; asked mostly for instants of the same day."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._first = self._last = _EPOCH
        self._name = ""

    def __call__(self, instant: datetime) -> str:
        if not self._first <= instant < self._last:
            self._name = self._of(instant)
            self._first = instant.replace(minute=0, second=0, microsecond=0)
            self._last = self._first + timedelta(hours=1)
            if self._of(self._first) != self._of(self._last - _MILLISECOND):
                self._last = self._first  # midnight falls within this hour: nothing to remember
        return self._name

    def _of(self, instant: datetime) -> str:
        return instant.astimezone(self._zone).date().isoformat()


@dataclass
class Rows:
    """What a batch of entries changes in the index, to be written in the order of these fields."""

    day: Callable[[datetime], str]
    unsettled_before: Callable[[str], Unsettled | None]
    """A message that an earlier batch left unsettled."""
    entries: list[tuple[str, int, str | None]] = field(default_factory=list)
    """Whose entry it is, where it stands, and what it says belongs to a case, which has the entry, too."""
    opened: dict[str, list[str | int | None]] = field(default_factory=dict)
    """case → ref, kind, channel, arrival, promise, state, holder"""
    moved: dict[str, list[str | None]] = field(default_factory=dict)
    """case of an earlier batch → state, holder where it changes"""
    closed: set[str] = field(default_factory=set)
    """Cases of which nobody owes anything any more, but for what is started in this batch."""
    owed: defaultdict[str, dict[str, list[str | int]]] = field(default_factory=lambda: defaultdict(dict))
    """case → obligation → kind, owner, since, due, binding, stage"""
    aged: list[tuple[int, str, str]] = field(default_factory=list)
    """stage, case, obligation of an earlier batch"""
    ended: list[tuple[str, str]] = field(default_factory=list)
    """case, obligation of an earlier batch"""
    unsettled: dict[str, Unsettled | None] = field(default_factory=dict)
    balance: defaultdict[tuple[str, str], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: dict.fromkeys(("received", *ENDS), 0))
    )
    """(day, endpoint) → what came in and became of it"""

    def add(self, at: int, record: Record) -> None:
        """One more entry. An event that its type doesn't fit is an entry like any other, and nothing else."""
        fold = _FOLDS.get(record.type)
        belongs = None
        if fold is not None:
            try:
                belongs = fold(self, record, record.data, at)
            except ValueError as error:
                log.warning(
                    "trail.event_does_not_fit", event_id=record.id, type=record.type, error=str(error)
                )
        self.entries.append((record.subject, at, belongs))

    def _case(self, record: Record, event: Event, at: int) -> str | None:
        assert isinstance(event, CaseEvent)
        case = record.subject
        belongs = None
        match event:
            case CaseOpened():
                self.opened[case] = [
                    event.ref,
                    event.kind,
                    event.channel,
                    milliseconds(event.arrived_at),
                    milliseconds(event.promise) if event.promise else None,
                    "new",
                    COORDINATOR,
                ]
                belongs = event.message
            case MessageAttached():
                belongs = event.message
                if event.reopened:
                    self._move(case, "accepted")
            case CaseAssigned():
                self._move(case, "assigned", event.department)
            case CaseQueued():
                self._move(case, "new", COORDINATOR)
            case CaseAccepted() | CaseReopened():
                self._move(case, "accepted")
            case CaseAnswered() if event.final:
                self._move(case, "answered")
            case CaseClosed():
                self._move(case, "closed")
                self.owed.pop(case, None)
                self.closed.add(case)
            case CaseAlarmed():
                self._age(case, event)
        self._obligations(case, event)
        return belongs

    def _obligations(self, case: str, event: CaseEvent) -> None:
        for one in event.ends:
            if self.owed[case].pop(one.id, None) is None:
                self.ended.append((case, one.id))
        for start in event.starts:
            since, due = milliseconds(start.since), milliseconds(start.due)
            self.owed[case][start.id] = [start.kind, start.owner, since, due, int(start.binding), 0]

    def _move(self, case: str, state: str, holder: str | None = None) -> None:
        row = self.opened.get(case)
        if row is not None:
            row[5], row[6] = state, holder or row[6]
            return
        before = self.moved.get(case)
        self.moved[case] = [state, holder or (before[1] if before else None)]

    def _age(self, case: str, event: CaseAlarmed) -> None:
        for rung in event.rungs:
            stage = STAGES.get(rung.action, 0)
            row = self.owed[case].get(rung.obligation)
            if row is None:
                self.aged.append((stage, case, rung.obligation))
            else:
                row[5] = max(int(row[5]), stage)

    def _delivery(self, record: Record, event: Event, at: int) -> None:
        assert isinstance(event, DeliveryQueued)
        self.entries.append((event.case, at, record.subject))

    def _message(self, record: Record, event: Event, at: int) -> None:
        message = record.subject
        match event:
            case MessageReceived() | MessageQuarantined() | MessageRefused() | DeliveryAnswered():
                day = self.day(record.time)
                if record.sequence == 1:
                    self.balance[day, event.endpoint]["received"] += 1
                self._becomes(message, Unsettled(day, event.endpoint, _BECOMES[type(event)]))
            case MessageSettled():
                self._turns(message, "new" if event.outcome == "new" else "attached")
            case MessageReleased():
                self._turns(message, "waiting" if event.outcome == "case" else "refused")

    def _becomes(self, message: str, now: Unsettled) -> None:
        if now.state in ENDS:
            self.balance[now.day, now.endpoint][now.state] += 1
        if now.state in _REMEMBERED:
            self.unsettled[message] = now

    def _turns(self, message: str, state: str) -> None:
        """A message that came in earlier becomes something else."""
        before = self.unsettled[message] if message in self.unsettled else self.unsettled_before(message)
        if before is None:
            return
        if before.state in ENDS:
            self.balance[before.day, before.endpoint][before.state] -= 1
        self.unsettled[message] = None
        self._becomes(message, Unsettled(before.day, before.endpoint, state))


_REMEMBERED = frozenset({"waiting", "quarantined"})
_BECOMES: dict[type[Event], str] = {
    MessageReceived: "waiting",
    MessageQuarantined: "quarantined",
    MessageRefused: "refused",
    DeliveryAnswered: "attached",  # to the delivery it answers
}

_MESSAGES: tuple[type[Event], ...] = (*_BECOMES, MessageSettled, MessageReleased)

_FOLDS: dict[str, Callable[[Rows, Record, Event, int], str | None]] = {
    **{kind.TYPE: Rows._case for kind in REGISTRY.values() if issubclass(kind, CaseEvent)},  # noqa: SLF001
    **{kind.TYPE: Rows._message for kind in _MESSAGES},  # noqa: SLF001
    DeliveryQueued.TYPE: Rows._delivery,  # noqa: SLF001
}
"""Events of other types are entries and nothing else: they aren't even parsed."""


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970, UTC."""
    return round(instant.timestamp() * 1000)
