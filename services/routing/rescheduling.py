"""Another calendar holds: which running deadlines move, and to where (M14). Pure.

Deadlines are kept as instants, so a change of calendar moves none by itself. Here each is counted anew from when its
limit began, through every pause and extension it had, by the calendars that hold now. What is late stays late, and
nothing moves into the past.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.routing.case import Case
from services.routing.commands import Now, stamped
from services.routing.course import Course
from services.routing.deadlines import Chain
from services.routing.desk import Desk
from services.routing.obligation import Obligation
from shared.calendar import Calendar, Limit, add_counted, due, shifted
from shared.events import Record
from shared.events.cases import CaseEvent, CaseRescheduled
from shared.events.obligations import Ended, Started


@dataclass(frozen=True, slots=True)
class End:
    """When an obligation ends by the calendars that hold now, and by how many seconds pauses have moved that."""

    due: datetime
    paused: int = 0
    asked: datetime | None = None
    """When it would end with the time that was asked for."""


@dataclass(frozen=True, slots=True)
class Move:
    """A running deadline that another calendar moves."""

    obligation: Obligation
    end: End


class HistoryNeeded(Exception):
    """The case alone does not tell how its deadlines came to be: an obligation of it was paused or extended."""


class BegunSince(Exception):
    """The case has gone on since its deadlines were counted anew: count them again."""


def ends_of(desk: Desk, case: Case) -> dict[str, End]:
    """The end of each open obligation, by id. Raises HistoryNeeded where only the records can tell."""
    plain = not (case.pause or case.extensions or case.extension) and not any(
        one.paused for one in case.obligations
    )
    if not plain:
        raise HistoryNeeded
    return {
        one.id: End(due(desk.calendar(one.owner), one.since, Limit.parse(one.limit)))
        for one in case.obligations
    }


def ends_told(desk: Desk, records: Iterable[Record], now: datetime) -> dict[str, End]:
    """The end of each obligation of a case, by the ids that it ever had, from all records of the case."""
    granted: dict[int, datetime] = {}
    ends: dict[str, End] = {}
    chains = Course.of(records, now).deadlines
    for chain in sorted(
        chains, key=lambda chain: chain.last.kind == "promise"
    ):  # which moves as far as `resolve`
        end = _counted_anew(chain, desk.calendar(chain.last.owner), granted)
        ends |= dict.fromkeys(chain.ids, end)
    return ends


def _counted_anew(chain: Chain, calendar: Calendar, granted: dict[int, datetime]) -> End:
    """`granted`: when each extension let the case be resolved, by the event's sequence; filled by what comes first."""
    since = chain.last.since
    limit = Limit.parse(chain.turns[0].limit or chain.last.limit)
    end, paused = due(calendar, since, limit), 0
    asked: datetime | None = None
    still: datetime | None = None
    for turn in chain.turns:
        match turn.how:
            case "paused":
                still = turn.at
            case "resumed" if still is not None:
                end, seconds = add_counted(calendar, end, still, turn.at, limit)
                paused, still = paused + seconds, None
            case "asked":
                asked = due(calendar, end, Limit.parse(turn.limit or chain.last.limit))
            case "refused":
                asked = None
            case "extended":
                end = max(end, granted.get(turn.entry, end)) if asked is None else asked
                granted[turn.entry], asked = end, None
            case "corrected":
                limit = Limit.parse(turn.limit or chain.last.limit)
                end = shifted(calendar, due(calendar, since, limit), paused, limit)
    return End(end, paused, asked)


def moves(case: Case, ends: Mapping[str, End], now: datetime) -> list[Move]:
    """Which of a case's deadlines move: of what runs, and of what stands still and is not late once it goes on."""
    running = [(one, now) for one in case.obligations]
    if case.pause is not None:
        running += [(one, case.pause.since) for one in case.pause.obligations]
    return [
        Move(one, end)
        for one, late_before in running
        if (end := ends[one.id]).due != one.due and one.due > late_before and end.due > late_before
    ]


def reschedule(
    desk: Desk, case: Case, ends: Mapping[str, End], now: datetime, calendar: str
) -> list[CaseEvent]:
    """What moves the case's deadlines; nothing where none moves. `calendar` is the digest of those that hold now.

    Raises BegunSince where the case has an obligation that is not among `ends`.
    """
    still = {one.id for one in case.pause.obligations} if case.pause else set[str]()
    if not still.union(one.id for one in case.obligations) <= ends.keys():
        raise BegunSince
    moving = moves(case, ends, now)
    room = Now(desk, now)
    ended: list[Ended] = []
    starts: list[Started] = []
    paused: list[Started] = []
    for move in moving:
        one, more = move.obligation, move.end.paused - move.obligation.paused
        if one.id in still:
            number = int(one.id.rpartition("-")[2])
            paused.append(desk.again(one, number, end=move.end.due, paused=more))
        else:
            ended.append(room.end(one, "moved"))
            starts.append(room.again(case, one, move.end.due, paused=more))
    if not moving:
        return []
    promised = [move.end.due for move in moving if move.obligation.kind == "promise"]
    asked = [move.end.asked for move in moving if move.obligation.kind == "resolve"]
    event = CaseRescheduled(
        calendar=calendar,
        promise=promised[0] if promised else None,
        extension=asked[0] if asked and case.extension is not None else None,
        paused=paused,
        ends=ended,
        starts=starts,
    )
    return stamped(case, desk.version, [event])
