"""The console's figures, read from the index: what is late, by department; the balance of what came in."""

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

_LATE = "binding AND due < :now"
_SOON = "binding AND due >= :now AND (due < :soon OR stage >= :warned)"
_AGED = "binding AND (due < :soon OR stage >= :warned)"


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
class Figures:
    """The console at a glance."""

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
            holders=stands,
            closed=index.execute("SELECT count(*) FROM cases").fetchone()[0] - open_,
            late=_listed(index, _LATE, asked, holders),
            soon=_listed(index, _SOON, asked, holders),
            balance=_balance(index),
            received_today=index.execute(
                "SELECT coalesce(sum(received), 0) FROM balance WHERE day = ?", (today,)
            ).fetchone()[0],
        )


def _holders(index: sqlite3.Connection, asked: dict[str, str | int]) -> list[Holder]:
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for holder, state, count in index.execute(
        "SELECT holder, state, count(*) FROM cases WHERE state <> 'closed' GROUP BY holder, state"
    ):
        counts[holder][state] = count
    for holder, *aged in index.execute(
        "SELECT holder, count(DISTINCT iif(stage >= :breached, matter, NULL)),"  # noqa: S608
        " count(DISTINCT iif(due < :now OR stage >= :breached, matter, NULL)),"
        " count(DISTINCT iif(due >= :now AND stage < :breached, matter, NULL))"
        f" FROM owed JOIN cases USING (matter) WHERE {_AGED} GROUP BY holder",
        asked,
    ):
        counts[holder] |= dict(zip(("breached", "overdue", "warned"), aged, strict=True))
    found = [Holder(id, **numbers) for id, numbers in counts.items()]
    return sorted(found, key=lambda one: (-one.breached, -one.overdue, -one.warned, one.id))


def _listed(
    index: sqlite3.Connection, which: str, asked: dict[str, str | int], holders: Iterable[str] | None
) -> Listed:
    own: dict[str, str | int] = {f"holder{number}": one for number, one in enumerate(holders or ())}
    if holders is not None:
        which += f" AND holder IN ({', '.join(f':{name}' for name in own)})"
    rows = index.execute(
        "SELECT ref, owed.kind, owner, holder, since, due, stage FROM owed JOIN cases USING (matter)"  # noqa: S608
        f" WHERE {which} ORDER BY due, ref, owed.kind LIMIT :most",
        asked | own,
    ).fetchall()
    count = len(rows)
    if count == MOST_LISTED:
        sql = f"SELECT count(*) FROM owed JOIN cases USING (matter) WHERE {which}"  # noqa: S608
        count = index.execute(sql, asked | own).fetchone()[0]
    return Listed([Owed(*row) for row in rows], count)


def _balance(index: sqlite3.Connection) -> list[Balance]:
    sums = ", ".join(f"sum({column})" for column in ("received", *ENDS))
    rows = index.execute(f"SELECT endpoint, {sums} FROM balance GROUP BY endpoint ORDER BY endpoint")  # noqa: S608
    return [Balance(*row) for row in rows]
