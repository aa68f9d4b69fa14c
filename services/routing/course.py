"""The course of a case as its records tell it: who held it when, what was booked, helped and owed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from services.routing.deadlines import Chain, Chains
from services.routing.obligation import COORDINATOR, SENDER
from shared.events import Event, Record
from shared.events.cases import (
    AssistAsked,
    AssistGiven,
    Booking,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseContested,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    FeedbackGiven,
    MessageAttached,
    ReturnDecided,
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who had the case; `department` is None but for departments.

    `sender`: we wait for them. `pause`: the clock stands still for an approved reason. `whole`: it was still part of
    the case that it was split from, whose account says who had it.
    """

    role: Literal["coordinator", "department", "sender", "pause", "whole"]
    department: str | None = None


_COORDINATOR, _SENDER, _PAUSE, _WHOLE = (
    Holder("coordinator"),
    Holder("sender"),
    Holder("pause"),
    Holder("whole"),
)


def holder_named(office: str | None) -> Holder:
    """A department by its id, or the coordinator."""
    return _COORDINATOR if office in {None, COORDINATOR} else Holder("department", office)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One holder, one office, one version of the organisation."""

    begin: datetime
    end: datetime
    holder: Holder
    office: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Booked:
    """A booking, with the event that made it."""

    entry: int
    at: datetime
    booking: Booking


@dataclass(frozen=True, slots=True)
class Help:
    """Another department helps."""

    department: str
    begin: datetime
    end: datetime | None = None
    outcome: Literal["open", "given", "declined", "released", "over"] = "open"


@dataclass(slots=True)
class Course:
    """What the records say, in the words of the account."""

    begin: datetime
    end: datetime
    stretches: list[Stretch] = field(default_factory=list)
    bookings: list[Booked] = field(default_factory=list)
    assists: list[Help] = field(default_factory=list)
    deadlines: list[Chain] = field(default_factory=list)
    resolved: datetime | None = None
    """When it was last answered finally or closed, where it was not taken up again."""
    _lead: str | None = None
    _waits: Holder | None = None
    _whole: bool = False
    _reviewed: bool = False
    _version: str = ""
    _chains: Chains = field(default_factory=Chains)

    @classmethod
    def of(cls, records: Iterable[Record], now: datetime) -> Course:
        """The course of a case, from all its records, until it was resolved or else `now`."""
        course: Course | None = None
        for record in records:
            event = record.data
            if course is None:
                assert isinstance(event, CaseOpened), (
                    f"{record.id} is {record.type}: not a case's first record"
                )
                course = cls(begin=min(event.arrived_at, record.time), end=now)
            if isinstance(event, CaseEvent):
                course._hear(event, record)
        assert course is not None, "a case has records"
        return course._finished(now)

    def under(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, str]]:
        """The parts of a time, each under one version of the organisation."""
        for one in self.stretches:
            first, last = max(begin, one.begin), min(end, one.end)
            if first < last:
                yield first, last, one.organisation

    def _hear(self, event: CaseEvent, record: Record) -> None:
        since = record.time
        if isinstance(event, CaseOpened):
            self._version = event.organisation or ""
            self._whole = event.parent is not None
            self._mark(self.begin)
            self._whole = False
        elif isinstance(event, CaseResumed):
            since = self._chains.resumed_at(event, record.time)
        if (hear := _HEARD.get(type(event))) is not None:
            hear(self, event, record)
        self._mark(since)
        self._version = event.organisation or self._version
        self._mark(record.time)
        self._chains.hear(event, record, self._version, since)

    def _mark(self, at: datetime) -> None:
        """From then on the case is with whom the state says."""
        holder = self._holder()
        office = self._lead or COORDINATOR
        begin = max(at, self.stretches[-1].begin) if self.stretches else self.begin
        self.stretches.append(Stretch(begin, begin, holder, office, self._version))

    def _holder(self) -> Holder:
        if self._whole:
            return _WHOLE
        if self.resolved is not None:
            return _COORDINATOR if self._reviewed else _SENDER
        return self._waits or holder_named(self._lead)

    def _finished(self, now: datetime) -> Course:
        self.end = max(self.resolved or now, self.begin)
        ends = [one.begin for one in self.stretches[1:]] + [self.end]
        found: list[Stretch] = []
        for one, following in zip(self.stretches, ends, strict=True):
            end = min(following, self.end)
            if found and _alike(found[-1], one):
                found[-1] = replace(found[-1], end=max(end, found[-1].end))
            elif one.begin < end:
                found.append(replace(one, end=end))
        self.stretches = found
        self.deadlines = self._chains.all
        return self

    def assigned(self, event: CaseAssigned, record: Record) -> None:
        self._lead = event.department

    def queued(self, event: CaseQueued, record: Record) -> None:
        self._lead = None

    def suspended(self, event: CaseSuspended, record: Record) -> None:
        self._waits = _SENDER if event.reason == SENDER else _PAUSE

    def resumed(self, event: CaseResumed, record: Record) -> None:
        self._waits = None

    def answered(self, event: CaseAnswered, record: Record) -> None:
        if event.final:
            self._resolved(record.time)

    def closed(self, event: CaseClosed, record: Record) -> None:
        self._resolved(self.resolved or record.time)
        self._reviewed = False
        self.assists = [
            one if one.end else replace(one, end=record.time, outcome="over") for one in self.assists
        ]

    def _resolved(self, at: datetime) -> None:
        self.resolved, self._waits = at, None

    def disagreed(self, event: Event, record: Record) -> None:
        """The sender has spoken: until somebody takes it up again it is the coordinator who looks at it."""
        no = not isinstance(event, FeedbackGiven) or not event.solved or event.satisfied is False
        self._reviewed = self.resolved is not None and no

    def reopened(self, event: Event, record: Record) -> None:
        if not isinstance(event, MessageAttached) or event.reopened:
            self.resolved, self._reviewed = None, False

    def decided(self, event: ReturnDecided, record: Record) -> None:
        self.bookings += [Booked(record.sequence, record.time, one) for one in event.booked]

    def asked_to_assist(self, event: AssistAsked, record: Record) -> None:
        self.assists.append(Help(event.department, record.time))

    def assisted(self, event: AssistGiven, record: Record) -> None:
        self.assists = [
            replace(one, end=record.time, outcome=event.outcome)
            if one.end is None and one.department == event.department
            else one
            for one in self.assists
        ]


def _alike(one: Stretch, other: Stretch) -> bool:
    return (one.holder, one.office, one.organisation) == (other.holder, other.office, other.organisation)


_HEARD: dict[type[Event], Callable[[Course, Any, Record], None]] = {
    AssistAsked: Course.asked_to_assist,
    AssistGiven: Course.assisted,
    CaseAnswered: Course.answered,
    CaseAssigned: Course.assigned,
    CaseClosed: Course.closed,
    CaseContested: Course.disagreed,
    CaseQueued: Course.queued,
    CaseReopened: Course.reopened,
    CaseResumed: Course.resumed,
    CaseSuspended: Course.suspended,
    FeedbackGiven: Course.disagreed,
    MessageAttached: Course.reopened,
    ReturnDecided: Course.decided,
}


def versions(records: Iterable[Record]) -> list[str]:
    """The versions of the organisation that a case's records name, each once; the first may name none."""
    named = [event.organisation or "" for record in records if isinstance(event := record.data, CaseEvent)]
    return list(dict.fromkeys(one for index, one in enumerate(named) if one or index == 0))
