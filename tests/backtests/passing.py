"""Time passes in one case of a made-up history, and what is owed ages: kept as the house keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from shared.events import Event, Record, emit
from shared.events.cases import (
    CaseAlarmed,
    CaseClosed,
    CaseEvent,
)
from shared.events.content import ContentRef
from shared.events.obligations import Ended, Rung, Started
from tests.backtests.hours import AROUND_THE_CLOCK, Hours

COORDINATOR = "coordinator"
OF_THE_DEPARTMENT = ("accept", "contact", "resolve")
LAPSING = frozenset({"silence", "reply", "pause"})
MOST_TRIES = 3
STAND_STILL = frozenset({"contact", "resolve", "promise"})


@dataclass(frozen=True)
class Town:
    """A house as it was drawn: its hours, its limits in working seconds, who works there."""

    number: int
    hours: Hours
    limits: dict[str, int]
    departments: tuple[str, ...]
    officers: dict[str, tuple[str, ...]]
    deemed: bool = False
    """Nobody doing anything until the limit counts as accepting."""
    flagged: bool = True
    """Whether its entries say themselves what ended late."""
    alarmed: float = 0.9
    """The share of rungs that the house noticed: an outage swallows the others."""

    def clock(self, kind: str) -> Hours:
        """The sender's silence passes in plain time."""
        return AROUND_THE_CLOCK if kind == "silence" else self.hours


@dataclass
class Debt:
    """Something owed, from where its present end began to be counted."""

    started: Started
    begin: datetime
    seconds: float
    rungs: list[tuple[datetime, str]] = field(default_factory=list)
    began: str = ""
    """The event that it began with."""

    def is_over(self, now: datetime) -> bool:
        """Whether somebody is late with it."""
        return self.started.binding and self.started.owner != "sender" and now > self.started.due

    @property
    def what(self) -> tuple[str, str, datetime]:
        """What is owed by whom since when, whatever its end is."""
        return self.started.kind, self.started.owner, self.started.since


class Passing:
    """What passes in one case. Its `now` moves by `wait_until` and `spend`; what is said is an event of that moment."""

    def __init__(
        self,
        town: Town,
        rng: Random,
        number: int,
        at: datetime,
        *,
        kind: str = "problem",
        channel: str = "web",
        can_mail: bool = True,
        anonymous: bool = False,
    ) -> None:
        self.town = town
        self.rng = rng
        self.case = f"case_{number:06d}"
        self.message = f"msg_{number:06d}"
        self.kind: Any = kind
        self.channel: Any = channel
        self.can_mail = can_mail
        self.anonymous = anonymous
        self.now = at
        self.arrived = at
        self.department: str | None = None
        self.assigned = at
        self.records: list[Record] = []
        self.debts: dict[str, Debt] = {}
        self.still: list[Debt] = []
        """What stands still while the case is suspended."""
        self.closed = False
        self.overdue: list[tuple[Debt, Record]] = []
        """What was done late, and what ended it."""
        self.tale = "innocent"
        """What kind of life it is, for the analysis of errors."""
        self.not_reached = 0
        """Calls in vain after an answer."""
        self._sequences: dict[str, int] = {}
        self._begun = 0
        self._messages = 0

    # What passes

    def wait_until(self, instant: datetime) -> None:
        """Time passes; rungs fall that the house notices."""
        if instant <= self.now:
            return
        fallen = [
            (at, action, debt.started)
            for debt in self.debts.values()
            for at, action in debt.rungs
            if self.now < at <= instant
        ]
        fallen.sort(key=lambda rung: rung[0])
        for at, action, started in fallen:
            if self.rng.random() < self.town.alarmed:
                self.now = at
                rung = Rung(
                    obligation=started.id,
                    kind=started.kind,
                    owner=started.owner,
                    due=started.due,
                    rung=0,
                    action=action,
                    at=at,
                )
                self.say(CaseAlarmed(at=at, rungs=[rung]))
        self.now = instant

    def spend(self, seconds: float) -> None:
        """So much working time passes."""
        self.wait_until(self.town.hours.after(self.now, seconds))

    def when(self, kind: str, fraction: float) -> datetime:
        """When that part of what is owed is used up."""
        debt = self.owes(kind)
        assert debt is not None, f"{self.case} owes no {kind}"
        return self.town.clock(kind).after(debt.begin, fraction * debt.seconds)

    def reach(self, kind: str, fraction: float) -> None:
        """Wait until that part of what is owed is used up; not at all where nothing is owed or that time is over."""
        if self.owes(kind) is not None:
            self.wait_until(self.when(kind, fraction))

    def when_late(self, kind: str) -> bool:
        """Whether something of that kind is owed, and its time is over."""
        debt = self.owes(kind)
        return debt is not None and self.now > debt.started.due

    def owes(self, kind: str) -> Debt | None:
        """What is owed of a kind."""
        return next((debt for debt in self.debts.values() if debt.started.kind == kind), None)

    # How it is told

    def say(self, *events: Event, subject: str | None = None) -> Record:
        """The events happen now, to the case where nothing else is named."""
        subject = subject or self.case
        for event in events:
            sequence = self._sequences[subject] = self._sequences.get(subject, 0) + 1
            record = emit(
                event,
                source="/made-up",
                subject=subject,
                sequence=sequence,
                time=self.now,
                causation="made-up",
                key=subject,
                nonce=sequence.to_bytes(16, "big"),
            )
            self.records.append(record)
            if isinstance(event, CaseEvent):
                self._settle({one.id for one in event.ends}, record)
                for start in event.starts:
                    if (debt := self.debts.get(start.id)) is not None:
                        debt.began = record.id
            if isinstance(event, CaseClosed):
                self._settle({*self.debts}, record)
        return record

    def _settle(self, ids: set[str], record: Record) -> None:
        for id in ids & self.debts.keys():
            debt = self.debts.pop(id)
            if debt.is_over(self.now):
                self.overdue.append((debt, record))

    def words(self, size: int | None = None) -> ContentRef:
        """What somebody wrote, of a length in bytes."""
        return ContentRef(
            ref=f"c_{self.rng.getrandbits(48):012x}",
            commitment="00" * 32,
            size=size if size is not None else self.rng.randint(60, 1500),
        )

    def officer(self, department: str | None = None) -> str:
        """Somebody who works there; in the case's department where none is named."""
        return self.rng.choice(self.town.officers[department or self.department or COORDINATOR])

    def begin(
        self,
        kind: str,
        owner: str,
        *,
        since: datetime | None = None,
        start: datetime | None = None,
        seconds: float | None = None,
    ) -> Started:
        """Something is owed: under the town's limit from `since`, or for so many more seconds from now."""
        self._begun += 1
        clock = self.town.clock(kind)
        since = since or self.now
        counted = start or since
        if seconds is None:
            seconds = self.town.limits[kind]
        due = clock.after(counted, seconds)
        binding = kind not in LAPSING and not (kind == "accept" and self.town.deemed)
        started = Started(
            id=f"{kind}-{self._begun}",
            kind=kind,
            owner=owner,
            since=since,
            due=due,
            limit="1wd",
            binding=binding,
        )
        debt = Debt(started, counted, seconds)
        if binding:
            parts = ((0.5, "remind"), (0.75, "warn"))
            debt.rungs = [(clock.after(counted, part * seconds), action) for part, action in parts]
            debt.rungs.append((due, "breach"))
        self.debts[started.id] = debt
        return started

    def ends(self, how: Any, *kinds: str) -> list[Ended]:
        """What is owed of these kinds ends with what is said next; everything where none is named."""
        return [
            Ended(id=debt.started.id, how=how, late=self.town.flagged and debt.is_over(self.now))
            for debt in self.debts.values()
            if not kinds or debt.started.kind in kinds
        ]


def in_order(stories: Iterable[Passing], horizon: datetime) -> list[Record]:
    """What happened in all of them until the horizon, in the order it happened."""
    told = (record for story in stories for record in story.records)
    return sorted((one for one in told if one.time <= horizon), key=lambda one: one.time)
