"""The console's figures, read from the index: what is late, by department; the balance of what came in."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.audit.index import connect
from services.audit.projection import BREACHED, ENDS, WARNED, milliseconds

MOST_LISTED = 500

_LATE = "binding AND (due < :now OR stage >= :warned)"


@dataclass(frozen=True)
class Late:
    """Something owed that is late, or that somebody was warned of."""

    ref: str
    kind: str
    """What is owed."""
    owner: str
    holder: str
    """Who holds the case; not always who owes."""
    due: int
    """Milliseconds since 1970."""
    stage: int

    @property
    def breached(self) -> bool:
        """Whether the trail says so already."""
        return self.stage >= BREACHED


@dataclass(frozen=True)
class Holder:
    """How a department stands, or the coordinator. Cases, not obligations, are counted."""

    id: str
    open: int = 0
    breached: int = 0
    overdue: int = 0
    """With something late, breached or not yet."""
    warned: int = 0


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
    late: list[Late]
    """Breached ones first, the longest due first; at most `MOST_LISTED`."""
    balance: list[Balance]
    received_today: int


def figures(path: Path, now: datetime, today: str) -> Figures:
    """Read them, over a connection of their own: not for the event loop."""
    asked = {"now": milliseconds(now), "warned": WARNED, "breached": BREACHED, "most": MOST_LISTED}
    with closing(connect(path, read_only=True)) as index:
        open_ = dict(
            index.execute("SELECT holder, count(*) FROM cases WHERE state <> 'closed' GROUP BY holder")
        )
        aged = {
            row[0]: row[1:]
            for row in index.execute(
                "SELECT owner, count(DISTINCT iif(stage >= :breached, matter, NULL)),"  # noqa: S608
                " count(DISTINCT iif(due < :now OR stage >= :breached, matter, NULL)),"
                " count(DISTINCT iif(due >= :now AND stage < :breached, matter, NULL))"
                f" FROM owed WHERE {_LATE} GROUP BY owner",
                asked,
            )
        }
        late = index.execute(
            f"SELECT ref, owed.kind, owner, holder, due, stage FROM owed JOIN cases USING (matter) WHERE {_LATE}"  # noqa: S608
            " ORDER BY stage >= :breached DESC, due LIMIT :most",
            asked,
        ).fetchall()
        sums = ", ".join(f"sum({column})" for column in ("received", *ENDS))
        balance = index.execute(
            f"SELECT endpoint, {sums} FROM balance GROUP BY endpoint ORDER BY endpoint"  # noqa: S608
        ).fetchall()
        today_ = index.execute(
            "SELECT coalesce(sum(received), 0) FROM balance WHERE day = ?", (today,)
        ).fetchone()
    holders = [Holder(id, open_.get(id, 0), *aged.get(id, ())) for id in {*open_, *aged}]
    holders.sort(key=lambda one: (-one.breached, -one.overdue, -one.warned, one.id))
    return Figures(holders, [Late(*row) for row in late], [Balance(*row) for row in balance], today_[0])
