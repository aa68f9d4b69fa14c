"""What entries mean for the console and for queries: open cases, what is owed, the balance of what came in, which
entries are a case's and a department's. Pure.

A batch of entries is folded into rows first, so that what a batch itself undoes or changes again is written once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from services.audit.kept import Changed, Earlier, Listed, Opened, Owed, Unsettled
from shared.events import REGISTRY, Event, Record
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseClassified,
    CaseClosed,
    CaseContested,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseRescheduled,
    CaseResumed,
    CaseSuspended,
    Ended,
    ExtensionDecided,
    MessageAttached,
    Started,
)
from shared.events.deliveries import DeliveryQueued
from shared.events.facts import FactEvent
from shared.events.findings import ExclusionAsked, FindingRaised, OrderIssued
from shared.events.messages import (
    DeliveryAnswered,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
    MessageReleased,
    MessageSettled,
)
from shared.events.obligations import OF_SUPERVISION

log = structlog.get_logger()

COORDINATOR = "coordinator"
SENDER = "sender"
STAGES = {"remind": 1, "warn": 2, "breach": 3, "escalate": 4, "circulate": 5}
"""How far an obligation has aged; 0 before anybody was reminded."""
WARNED, BREACHED = STAGES["warn"], STAGES["breach"]
ENDS = ("attached", "new", "quarantined", "refused")
"""What a received message becomes: the four sum to what came in, but for what still waits."""


@dataclass
class Rows:
    """What a batch of entries changes in the index, to be written in the order of these fields."""

    day: Callable[[datetime], str]
    earlier: Earlier
    listed: list[Listed] = field(default_factory=list)
    matters: dict[str, str] = field(default_factory=dict)
    """aggregate → the case that it belongs to from here on"""
    members: dict[tuple[str, str], None] = field(default_factory=dict)
    """(case, aggregate): all that ever belonged to it"""
    opened: dict[str, Opened] = field(default_factory=dict)
    changed: dict[str, Changed] = field(default_factory=dict)
    """Cases of earlier batches."""
    closed: set[str] = field(default_factory=set)
    """Cases of which nobody owes anything any more but to supervision, and what is started in this batch."""
    owed: defaultdict[str, dict[str, Owed]] = field(default_factory=lambda: defaultdict(dict))
    """case → obligation"""
    aged: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """(case, obligation of an earlier batch) → stage, rung"""
    ended: set[tuple[str, str]] = field(default_factory=set)
    """(case, obligation of an earlier batch)"""
    unsettled: dict[str, Unsettled | None] = field(default_factory=dict)
    balance: defaultdict[tuple[str, str], dict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: dict.fromkeys(("received", *ENDS), 0))
    )
    """(day, endpoint) → what came in and became of it"""
    _known: dict[str, str | None] = field(default_factory=dict)
    """aggregate → its case, as earlier batches have it"""
    _held: dict[str, str | None] = field(default_factory=dict)
    """case → who holds it, as earlier batches have it"""
    _fetched: set[str] = field(default_factory=set)
    """Cases whose obligations of earlier batches are among `owed`."""

    def add(self, at: int, record: Record | None) -> None:
        """One more entry; None where it is no event of ours. An event that its type doesn't fit is an entry all the
        same, and nothing else."""
        if record is None:
            self.listed.append(Listed(at))
            return
        fold = _FOLDS.get(record.type)
        if fold is not None:
            try:
                fold(self, record, record.data)
            except ValueError as error:
                log.warning(
                    "trail.event_does_not_fit", event_id=record.id, type=record.type, error=str(error)
                )
        case = record.subject if record.type in _OF_CASES else self._matter(record.subject)
        holder = self._holder(case) if case is not None else None
        self.listed.append(Listed(at, record.subject, milliseconds(record.time), record.type, holder))

    def _matter(self, aggregate: str) -> str | None:
        if (now := self.matters.get(aggregate)) is not None:
            return now
        if aggregate not in self._known:
            self._known[aggregate] = self.earlier.matter(aggregate)
        return self._known[aggregate]

    def _holder(self, case: str) -> str | None:
        row = self.opened.get(case) or self.changed.get(case)
        if row is not None and row.holder is not None:
            return row.holder
        if case not in self._held:
            self._held[case] = self.earlier.holder(case)
        return self._held[case]

    def _belongs(self, aggregate: str, case: str) -> None:
        self.matters[aggregate] = case
        self.members[case, aggregate] = None

    def _case(self, record: Record, event: Event) -> None:
        assert isinstance(event, CaseEvent)
        case = record.subject
        self._obligations(case, event)
        match event:
            case CaseOpened():
                self._opens(case, event)
                self._belongs(event.message, case)
            case MessageAttached():
                if event.reopened:
                    self._reopens(case)
                self._belongs(event.message, case)
            case CaseAlarmed():
                self._age(case, event)
            case CaseClosed():
                self._closes(case)
            case CaseReopened():
                self._reopens(case)
            case _:
                self._changes(case, event)

    def _opens(self, case: str, event: CaseOpened) -> None:
        self.opened[case] = Opened(
            ref=event.ref,
            kind=event.kind,
            channel=event.channel,
            arrived=milliseconds(event.arrived_at),
            promise=milliseconds(event.promise) if event.promise else None,
            state="new",
            holder=COORDINATOR,
            pause="",
        )

    def _row(self, case: str) -> Changed:
        return self.opened.get(case) or self.changed.setdefault(case, Changed())

    def _changes(self, case: str, event: CaseEvent) -> None:
        """What an event in the midst of a case's life makes of its row."""
        match event:
            case CaseAssigned():
                row = self._row(case)
                row.state, row.holder = "assigned", event.department
            case CaseQueued():
                row = self._row(case)
                row.state, row.holder = "new", COORDINATOR
            case CaseAccepted():
                self._row(case).state = "accepted"
            case CaseAnswered() if event.final:
                self._row(case).state = "answered"
            case CaseContested():
                self._row(case).state = "answered"
            case CaseClassified():
                self._row(case).kind = event.kind
            case CaseSuspended():
                self._row(case).pause = event.reason
            case CaseResumed():
                self._row(case).pause = ""
            case ExtensionDecided() | CaseRescheduled() if event.promise is not None:
                self._row(case).promise = milliseconds(event.promise)

    def _closes(self, case: str) -> None:
        row = self._row(case)
        row.state, row.pause = "closed", ""
        self.owed[case] = {id: one for id, one in self.owed[case].items() if one.kind in OF_SUPERVISION}
        self.closed.add(case)

    def _reopens(self, case: str) -> None:
        """It goes on where it was: with its department, or else with the coordinator."""
        row = self._row(case)
        holder = self._holder(case)
        row.state = "new" if holder in {None, COORDINATOR} else "accepted"

    def _obligations(self, case: str, event: CaseEvent) -> None:
        goes_on = [row for one in event.ends if (row := self._ends(case, one)) is not None]
        if isinstance(event, CaseResumed):
            goes_on += self._stood_still(case)
        for start in event.starts:
            self.owed[case][start.id] = _started(start, goes_on)

    def _ends(self, case: str, one: Ended) -> Owed | None:
        """An obligation ends; what begins anew with another end is answered."""
        if one.how in _ANEW:
            self._fetch(case)
        row = self.owed[case].pop(one.id, None)
        if row is not None and one.how == "paused":
            self.owed[case][one.id] = row._replace(binding=0, still=1)
            return None
        if row is None or case in self._fetched:
            self.ended.add((case, one.id))
        return row if one.how in _ANEW else None

    def _stood_still(self, case: str) -> list[Owed]:
        self._fetch(case)
        still = {id: row for id, row in self.owed[case].items() if row.still}
        for id in still:
            del self.owed[case][id]
            self.ended.add((case, id))
        return list(still.values())

    def _fetch(self, case: str) -> None:
        """Have what earlier batches left of a case's obligations among this one's, as far as they have come."""
        if case in self._fetched:
            return
        self._fetched.add(case)
        for id, row in self.earlier.owed(case):
            if case in self.closed and row.kind not in OF_SUPERVISION:
                continue
            if (case, id) not in self.ended:
                self.owed[case][id] = row.aged(*self.aged.get((case, id), (0, -1)))

    def _age(self, case: str, event: CaseAlarmed) -> None:
        for rung in event.rungs:
            stage, one = STAGES.get(rung.action, 0), (case, rung.obligation)
            row = self.owed[case].get(rung.obligation)
            if row is not None:
                self.owed[case][rung.obligation] = row.aged(stage, rung.rung)
            else:
                before = self.aged.get(one, (0, -1))
                self.aged[one] = (max(before[0], stage), max(before[1], rung.rung))

    def _member(self, record: Record, event: Event) -> None:
        assert isinstance(event, _MEMBERS)
        if event.case is not None:
            self._belongs(record.subject, event.case)

    def _message(self, record: Record, event: Event) -> None:
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
        before = self.unsettled[message] if message in self.unsettled else self.earlier.unsettled(message)
        if before is None:
            return
        if before.state in ENDS:
            self.balance[before.day, before.endpoint][before.state] -= 1
        self.unsettled[message] = None
        self._becomes(message, Unsettled(before.day, before.endpoint, state))


_ANEW = frozenset({"paused", "extended", "moved"})
"""Ends after which the same is owed again, with another end."""
_REMEMBERED = frozenset({"waiting", "quarantined"})
_BECOMES: dict[type[Event], str] = {
    MessageReceived: "waiting",
    MessageQuarantined: "quarantined",
    MessageRefused: "refused",
    DeliveryAnswered: "attached",  # to the delivery it answers
}

_MESSAGES: tuple[type[Event], ...] = (*_BECOMES, MessageSettled, MessageReleased)

_MEMBERS = (DeliveryQueued, FactEvent, FindingRaised, OrderIssued, ExclusionAsked)
"""The first event of an aggregate that is about a case, and so belongs to it."""
_OF_CASES = frozenset(kind.TYPE for kind in REGISTRY.values() if issubclass(kind, CaseEvent))

_FOLDS: dict[str, Callable[[Rows, Record, Event], None]] = {
    **dict.fromkeys(_OF_CASES, Rows._case),  # noqa: SLF001
    **{kind.TYPE: Rows._message for kind in _MESSAGES},  # noqa: SLF001
    **{kind.TYPE: Rows._member for kind in REGISTRY.values() if issubclass(kind, _MEMBERS)},  # noqa: SLF001
}
"""Events of other types are entries and nothing else: they aren't even parsed."""


def _started(start: Started, goes_on: Iterable[Owed]) -> Owed:
    """What begins. It is as old as what goes on with it, but where its ladder begins anew."""
    row = Owed(
        start.kind,
        start.owner,
        milliseconds(start.since),
        milliseconds(start.due),
        int(start.binding and start.owner != SENDER),
        stage=0,
        rung=-1,
        still=0,
    )
    for before in goes_on:
        same = (before.kind, before.owner) == (row.kind, row.owner)
        if same and (start.next_rung is None or start.next_rung > before.rung):
            return row.aged(before.stage, before.rung)
    return row


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970, UTC."""
    return round(instant.timestamp() * 1000)
