"""A deadline through all that moved it: pauses, more time, corrections, other calendars; and why it ends when it ends.

An obligation whose end moves ends, and begins anew under another id; together they are one deadline. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from shared.calendar import Interval, Limit, Reason, explain
from shared.events import Record
from shared.events.cases import (
    CaseAlarmed,
    CaseClosed,
    CaseEvent,
    CaseRescheduled,
    CaseResumed,
    ExtensionAsked,
    ExtensionDecided,
)
from shared.events.obligations import OF_SUPERVISION, Ended, ObligationKind, Started
from shared.organisation import Calendars

How = Literal["begun", "paused", "resumed", "asked", "extended", "refused", "corrected", "moved"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened to a deadline; `asked` and `refused` are of more time."""

    entry: int
    """The sequence of the case's event that says so."""
    how: How
    at: datetime
    """When it happened; of `begun` and `corrected` since when the limit runs, of `resumed` when the pause was over."""
    due: datetime
    """When it ended from then on."""
    limit: str | None = None
    """The limit it runs under from then on; of `asked`, how much more time."""


@dataclass(slots=True)
class Chain:
    """One deadline as the records tell it."""

    last: Started
    organisation: str
    """The version of the organisation by whose calendars its end was last counted."""
    turns: list[Turn]
    ids: list[str]
    stands_still: bool = False
    ended: Literal["met", "cancelled", "lapsed"] | None = None
    ended_at: datetime | None = None
    late: bool = False
    breached: bool = False

    def turn(self, record: Record, how: How, at: datetime, limit: str | None = None) -> None:
        """Something happened to it."""
        self.turns.append(Turn(record.sequence, how, at, self.last.due, limit))

    def goes_on(self, one: Started, organisation: str) -> None:
        """It has another end from here on."""
        self.last, self.organisation = one, organisation
        if one.id not in self.ids:
            self.ids.append(one.id)

    def pauses(self, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Whenever it stood still; a pause that goes on, up to `until`."""
        since: datetime | None = None
        for turn in self.turns:
            if turn.how == "paused":
                since = turn.at
            elif turn.how == "resumed" and since is not None:
                yield since, turn.at
                since = None
        if since is not None and since < until:
            yield since, until


@dataclass(frozen=True, slots=True)
class Deadline:
    """A deadline explained, second by second from when its limit began to run until it ends.

    What counts are the intervals that are `counted`; a pause has the reason `paused` and never counts. While it stands
    still the intervals reach to now, and `due` is when it would have ended without this pause.
    """

    id: str
    """The id of the obligation as it stands or ended."""
    kind: ObligationKind
    owner: str
    limit: str
    since: datetime
    due: datetime
    binding: bool
    turns: tuple[Turn, ...]
    stands_still: bool
    ended: Literal["met", "cancelled", "lapsed"] | None
    ended_at: datetime | None
    late: bool
    """It ended late, or is late now."""
    breached: bool
    organisation: str
    """The version of the organisation by whose calendars it is counted."""
    counted: int
    """Milliseconds that count in it."""
    intervals: tuple[Interval, ...]


@dataclass(slots=True)
class Chains:
    """All deadlines of a case, as its records are heard one by one."""

    all: list[Chain] = field(default_factory=list)
    _open: dict[str, Chain] = field(default_factory=dict)
    _still: list[Chain] = field(default_factory=list)

    def resumed_at(self, event: CaseResumed, at: datetime) -> datetime:
        """When the pause was over: where its time ran out, then, and not when somebody noticed."""
        lapsed = [
            self._open[one.id].last.due for one in event.ends if one.how == "lapsed" and one.id in self._open
        ]
        return min(lapsed[0], at) if event.reason == "lapsed" and lapsed else at

    def hear(self, event: CaseEvent, record: Record, organisation: str, since: datetime) -> None:
        """An event; `since` is when what it says holds from, where it is a resumption."""
        going_on = [chain for one in event.ends if (chain := self._end(one, record)) is not None]
        if isinstance(event, CaseResumed):
            going_on, self._still = [*going_on, *self._still], []
        for one in event.starts:
            chain = next((chain for chain in going_on if _same(chain, one)), None)
            if chain is None:
                chain = Chain(one, organisation, [], [])
                self.all.append(chain)
                how: How = "begun"
            else:
                going_on.remove(chain)
                how = _how(event)
            limit_before = chain.last.limit if chain.ids else None
            chain.goes_on(one, organisation)
            chain.stands_still = False
            at = {"begun": one.since, "corrected": one.since, "resumed": since}.get(how, record.time)
            chain.turn(
                record, how, at, one.limit if one.limit != limit_before or how == "corrected" else None
            )
            self._open[one.id] = chain
        self._particular(event, record, organisation)

    def _end(self, one: Ended, record: Record) -> Chain | None:
        """The end of one: its deadline goes on where it only moves, and stands still where it is paused."""
        chain = self._open.pop(one.id, None)
        if chain is None:
            return None
        if one.how == "paused":
            chain.stands_still = True
            chain.turn(record, "paused", record.time)
            self._still.append(chain)
            return None
        if one.how in {"extended", "moved"}:
            return chain
        chain.ended, chain.ended_at, chain.late = one.how, record.time, one.late  # type: ignore[assignment]
        return None

    def _particular(self, event: CaseEvent, record: Record, organisation: str) -> None:
        match event:
            case CaseAlarmed():
                for rung in event.rungs:
                    if rung.action == "breach" and rung.obligation in self._open:
                        self._open[rung.obligation].breached = True
            case ExtensionAsked() | ExtensionDecided(granted=False):
                asked = event.limit if isinstance(event, ExtensionAsked) else None
                for chain in self._open.values():
                    if chain.last.kind == "resolve":
                        chain.turn(record, "asked" if asked else "refused", record.time, asked)
            case CaseRescheduled():
                self._moved_still(event, record, organisation)
            case CaseClosed():
                goes_on = {id: one for id, one in self._open.items() if one.last.kind in OF_SUPERVISION}
                over = [one for id, one in self._open.items() if id not in goes_on]
                for chain in (*over, *self._still):
                    chain.ended, chain.ended_at, chain.stands_still = "cancelled", record.time, False
                self._open, self._still = goes_on, []

    def _moved_still(self, event: CaseRescheduled, record: Record, organisation: str) -> None:
        moved = {one.id: one for one in event.paused}
        for chain in self._still:
            if (one := moved.get(chain.last.id)) is not None:
                chain.goes_on(one, organisation)
                chain.turn(record, "moved", record.time)


def _same(chain: Chain, one: Started) -> bool:
    last = chain.last
    return (last.kind, last.owner, last.about) == (one.kind, one.owner, one.about)


def _how(event: CaseEvent) -> How:
    match event:
        case CaseResumed():
            return "resumed"
        case ExtensionDecided():
            return "extended"
        case CaseRescheduled():
            return "moved"
    return "corrected"


def explained(chain: Chain, calendars: Calendars, now: datetime) -> Deadline:
    """A deadline with every interval of it."""
    last = chain.last
    limit = Limit.parse(last.limit)
    until = now if chain.stands_still else last.due
    pauses = [(_second(begin), _second(end)) for begin, end in chain.pauses(now)]
    intervals = _explained(chain, calendars, limit, until, pauses)
    counted = sum((one.end - one.begin for one in intervals if one.counted), start=last.due - last.due)
    return Deadline(
        id=last.id,
        kind=last.kind,
        owner=last.owner,
        limit=last.limit,
        since=last.since,
        due=last.due,
        binding=last.binding,
        turns=tuple(chain.turns),
        stands_still=chain.stands_still,
        ended=chain.ended,
        ended_at=chain.ended_at,
        late=chain.late
        or (chain.ended is None and not chain.stands_still and last.binding and last.due < now),
        breached=chain.breached,
        organisation=chain.organisation,
        counted=round(counted.total_seconds()) * 1000,
        intervals=tuple(intervals),
    )


def _explained(
    chain: Chain,
    calendars: Calendars,
    limit: Limit,
    until: datetime,
    pauses: Sequence[tuple[datetime, datetime]],
) -> list[Interval]:
    """What the calendar makes of it, with its pauses laid over."""
    begin = _second(chain.last.since)
    if begin >= until:
        return []
    left = explain(calendars.of(chain.last.owner), begin, until, limit)
    found: list[Interval] = []
    for since, last in pauses:
        first = max(since, begin)
        found += [one for part in left if (one := _cut(part, begin, first)) is not None]
        left = [one for part in left if (one := _cut(part, last, until)) is not None]
        if first < last:
            found.append(Interval(first, last, counted=False, reason=Reason.PAUSED))
        begin = max(begin, last)
    return found + left


def _cut(part: Interval, begin: datetime, end: datetime) -> Interval | None:
    first, last = max(part.begin, begin), min(part.end, end)
    if first >= last:
        return None
    return part if (first, last) == (part.begin, part.end) else replace(part, begin=first, end=last)


def _second(at: datetime) -> datetime:
    """Limits and pauses are counted from the whole second in which they begin."""
    return at.replace(microsecond=0)
