"""The console's figures, read from the projection: what is late, by department; the balance of what came in."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from services.audit.index import connect
from services.audit.projection import BREACHED, ENDS, WARNED, milliseconds

MOST_LISTED = 200
SOON = timedelta(days=1)
"""What falls due within this time is due soon; so is what somebody was warned of."""
OPEN_STATES = ("new", "assigned", "accepted", "answered")

# Each range is one of an index: of a million open obligations only those that are shown or counted are read.
_OF_LATE = ("binding AND due < :now",)
_OF_SOON = (
    "binding AND due >= :now AND due < :soon",
    f"binding AND stage >= {WARNED} AND stage > 1 AND due >= :soon",  # `owed_aged` has those above 1
)


@dataclass(frozen=True)
class Owed:
    """Something owed that is late, or will be soon."""

    ref: str
    kind: str
    """What is owed."""
    owner: str
    holder: str
    """Who holds the case; not always who owes."""
    since: int
    due: int
    """Milliseconds since 1970."""
    stage: int
    """How far up the ladder the trail says it is (`projection.STAGES`)."""


@dataclass(frozen=True)
class Listed:
    """The obligations of one kind of lateness, the longest due first: at most `MOST_LISTED` of `count`."""

    owed: list[Owed]
    count: int


@dataclass(frozen=True)
class Holder:
    """How a department's open cases stand, or the coordinator's. Cases are counted, each once a column; whoever owes
    what is late in them.
    """

    id: str
    new: int = 0
    assigned: int = 0
    accepted: int = 0
    answered: int = 0
    suspended: int = 0
    """Of these, whose clock stands still."""
    breached: int = 0
    """With a limit that the trail says was breached."""
    overdue: int = 0
    """With something late, breached or not yet."""
    warned: int = 0

    @property
    def open(self) -> int:
        """Cases that are not closed."""
        return self.new + self.assigned + self.accepted + self.answered


@dataclass(frozen=True)
class Balance:
    """What came in by one endpoint and what became of it."""

    endpoint: str
    received: int
    attached: int
    new: int
    quarantined: int
    refused: int

    @property
    def waiting(self) -> int:
        """Received, and not yet one of the four."""
        return self.received - self.attached - self.new - self.quarantined - self.refused


@dataclass(frozen=True)
class Ages:
    """How many open cases have a limit that was breached; how many others one that somebody was warned of."""

    on_time: int
    warned: int
    breached: int


@dataclass(frozen=True)
class Figures:
    """The console at a glance."""

    as_of: int
    """How many of the trail's entries they rest on."""
    holders: list[Holder]
    closed: int
    late: Listed
    soon: Listed
    balance: list[Balance]
    received_today: int


def figures(path: Path, now: datetime, today: str, holders: Iterable[str] | None = None) -> Figures:
    """Read them, over a connection of their own: not for the event loop.

    Obligations are listed of the cases that `holders` hold alone, where it is given; what is counted, is of all.
    """
    asked: dict[str, str | int] = {
        "now": milliseconds(now),
        "soon": milliseconds(now + SOON),
        "warned": WARNED,
        "breached": BREACHED,
        "most": MOST_LISTED,
    }
    with closing(connect(path, read_only=True)) as index:
        index.execute("BEGIN")  # all of it as it stood at one moment
        stands = _holders(index, asked)
        open_ = sum(one.open for one in stands)
        return Figures(
            as_of=int((index.execute("SELECT size FROM cursor").fetchone() or (0,))[0]),
            holders=stands,
            closed=index.execute("SELECT count(*) FROM cases").fetchone()[0] - open_,
            late=_listed(index, _OF_LATE, asked, holders),
            soon=_listed(index, _OF_SOON, asked, holders),
            balance=_balance(index),
            received_today=index.execute(
                "SELECT coalesce(sum(received), 0) FROM balance WHERE day = ?", (today,)
            ).fetchone()[0],
        )


def ages(path: Path) -> Ages:
    """How old what is owed in the open cases is, as the trail says. Not for the event loop."""
    with closing(connect(path, read_only=True)) as index:
        index.execute("BEGIN")
        open_ = index.execute("SELECT count(*) FROM cases WHERE state <> 'closed'").fetchone()[0]
        stages = index.execute(
            "SELECT coalesce(sum(stage >= ?), 0), count(*)"
            " FROM (SELECT max(stage) AS stage FROM owed INDEXED BY owed_aged"
            " WHERE binding AND stage > 1 GROUP BY matter)",
            (BREACHED,),
        )
        breached, aged = stages.fetchone()
        return Ages(on_time=open_ - aged, warned=aged - breached, breached=breached)


def _holders(index: sqlite3.Connection, asked: dict[str, str | int]) -> list[Holder]:
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for holder, state, count, suspended in index.execute(
        "SELECT holder, state, count(*), sum(pause <> '') FROM cases WHERE state <> 'closed' GROUP BY holder, state"
    ):
        counts[holder][state] = count
        counts[holder]["suspended"] = counts[holder].get("suspended", 0) + suspended
    for holder, *aged in index.execute(
        "SELECT holder, sum(breached), sum(overdue), sum(warned) FROM (SELECT matter,"  # noqa: S608
        " max(stage >= :breached) AS breached, max(due < :now OR stage >= :breached) AS overdue,"
        " max(due >= :now AND stage < :breached) AS warned"
        f" FROM ({_ranges('matter, due, stage', _OF_LATE + _OF_SOON)}) GROUP BY matter)"
        " JOIN cases USING (matter) GROUP BY holder",
        asked,
    ):
        counts[holder] |= dict(zip(("breached", "overdue", "warned"), aged, strict=True))
    found = [Holder(id, **numbers) for id, numbers in counts.items()]
    return sorted(found, key=lambda one: (-one.breached, -one.overdue, -one.warned, one.id))


def _listed(
    index: sqlite3.Connection,
    which: tuple[str, ...],
    asked: dict[str, str | int],
    holders: Iterable[str] | None,
) -> Listed:
    own: dict[str, str | int] = {f"holder{number}": one for number, one in enumerate(holders or ())}
    held = "" if holders is None else f" AND holder IN ({', '.join(f':{name}' for name in own)})"
    found: list[Owed] = []
    count = 0
    for one in which:
        owed = f"owed JOIN cases USING (matter) WHERE {one}{held}"
        rows = index.execute(
            f"SELECT ref, owed.kind, owner, holder, since, due, stage FROM {owed}"  # noqa: S608
            " ORDER BY due, ref, owed.kind LIMIT :most",
            asked | own,
        ).fetchall()
        found += (Owed(*row) for row in rows)
        if len(rows) < MOST_LISTED:
            count += len(rows)
        else:
            counted = f"owed WHERE {one}" if holders is None else owed
            count += index.execute(f"SELECT count(*) FROM {counted}", asked | own).fetchone()[0]  # noqa: S608
    found.sort(key=lambda one: (one.due, one.ref, one.kind))
    return Listed(found[:MOST_LISTED], count)


def _ranges(columns: str, which: tuple[str, ...]) -> str:
    return " UNION ALL ".join(f"SELECT {columns} FROM owed WHERE {one}" for one in which)  # noqa: S608


def _balance(index: sqlite3.Connection) -> list[Balance]:
    sums = ", ".join(f"sum({column})" for column in ("received", *ENDS))
    rows = index.execute(f"SELECT endpoint, {sums} FROM balance GROUP BY endpoint ORDER BY endpoint")  # noqa: S608
    return [Balance(*row) for row in rows]
