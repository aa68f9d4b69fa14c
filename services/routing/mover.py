"""Moves running deadlines where another calendar holds, case by case, inside the running installation (M14).

Nothing is remembered of how far it came: each case is moved under one input that the change of version names, and one
that is moved needs no move. So whoever was killed begins again, and two at once do what one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import structlog
from pydantic import BaseModel, Field

from services.routing.case import CASES, RANK_OF_CLOSED, Case
from services.routing.desk import Desk
from services.routing.published import Versions
from services.routing.rescheduling import (
    BegunSince,
    End,
    HistoryNeeded,
    Move,
    ends_of,
    ends_told,
    moves,
    reschedule,
)
from shared import metrics
from shared.aggregate import Aggregates, Decide
from shared.calendar import CalendarError
from shared.events.cases import CaseRescheduled
from shared.events.obligations import ObligationKind
from shared.service import House
from shared.store import StoreError, Where
from shared.web.problems import Problem

log = structlog.get_logger()

MOST_COUNTED = 10_000_000
_AT_ONCE = 100
_OPEN = (Where("rank", "<", RANK_OF_CLOSED),)

Mark = tuple[str | int, str]
"""Where in the order of lists a look at cases ended."""


class Progress(BaseModel):
    """How far the move of deadlines has come that was last begun where this was asked."""

    running: bool
    open: int = Field(description="Open cases when it began")
    looked_at: int = Field(0, description="Cases it has looked at")
    cases: int = Field(0, description="Cases of which something moved")
    deadlines: int = Field(0, description="Deadlines that moved")
    problem: str | None = Field(None, description="Why it stopped before its end; begin it again")


class ShownMove(BaseModel):
    """A running deadline and where it moves."""

    ref: str
    department: str | None = Field(
        description="Who leads the case; none while the coordinator must dispatch it"
    )
    kind: ObligationKind
    owner: str
    limit: str
    before: datetime
    after: datetime
    stands_still: bool = Field(description="Its clock stands still; it moves as far and goes on from there")


class Moves(BaseModel):
    """Part of what would move, in the order of what is owed next."""

    organisation: str = Field(description="The version that holds; name it to have the deadlines moved")
    open: int = Field(description="Open cases")
    looked_at: int = Field(description="Cases looked at for this part")
    moves: list[ShownMove]
    next: str | None = Field(None, description="`cursor` of the following part")
    progress: Progress | None = Field(None, description="Of a move that was begun here")


class Mover:
    """Runs beside the handlers once somebody has begun it."""

    def __init__(self, house: House, desk: Desk, cases: Aggregates[Case]) -> None:
        self._store = house.store
        self._clock = house.clock
        self._versions = Versions(house)
        self._desk = desk
        self._cases = cases
        self._digest = desk.organisation.all_calendars.digest
        self._task: asyncio.Task[None] | None = None
        self.progress: Progress | None = None

    async def look(self, after: Mark | None, limit: int) -> tuple[Moves, Mark | None]:
        """What would move of the next `limit` open cases; and where to go on."""
        now = self._clock.now()
        rows, following = await self._next(after, limit)
        found = [
            _shown(case, move) for id, case in rows for move in moves(case, await self._ends(id, case), now)
        ]
        shown = Moves(
            organisation=self._desk.version,
            open=await self._store.count(CASES, _OPEN, cap=MOST_COUNTED),
            looked_at=len(rows),
            moves=found,
            progress=self.progress,
        )
        return shown, following

    async def begin(self, version: str) -> Progress:
        """Begin to move all of them, where nobody has. Raises Problem 409 where another version holds."""
        if version != self._desk.version:
            raise Problem(
                409,
                "other-version",
                "Another version of the organisation holds",
                f"Here {self._desk.version} holds: look again at what would move, then name that version.",
                rule="other-version",
            )
        if self._task is None or self._task.done():
            count = await self._store.count(CASES, _OPEN, cap=MOST_COUNTED)
            self.progress = Progress(running=True, open=count)
            self._task = asyncio.create_task(self._run(self.progress))
        assert self.progress is not None
        return self.progress

    async def start(self) -> None:
        """Nothing moves before somebody says so."""

    async def stop(self) -> None:
        """Leave off where it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def idle(self) -> None:
        """Return once a move that was begun has come to its end."""
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._task)

    def ready(self) -> str | None:
        return None

    async def _run(self, progress: Progress) -> None:
        """Pass over the open cases until nothing moves any more: while it goes on, they change their places."""
        change = await self._versions.change()
        try:
            while await self._pass(progress, change):
                pass
        except (StoreError, CalendarError) as error:
            log.warning("deadlines.not_moved", error=str(error))
            progress.problem = str(error)
        finally:
            progress.running = False
            metrics.TO_MOVE.set(0)
        log.info("deadlines.moved", **progress.model_dump(exclude_none=True))

    async def _pass(self, progress: Progress, change: str) -> bool:
        """Look at every open case once; answers whether anything moved."""
        before, after = progress.deadlines, None
        while True:
            rows, after = await self._next(after, _AT_ONCE)
            for moved in await asyncio.gather(*(self._move(id, case, change) for id, case in rows)):
                progress.deadlines += moved
                progress.cases += moved > 0
                metrics.MOVED.inc(moved)
            progress.looked_at = min(progress.open, progress.looked_at + len(rows))
            metrics.TO_MOVE.set(progress.open - progress.looked_at)
            if after is None:
                return progress.deadlines > before

    async def _move(self, id: str, case: Case, change: str) -> int:
        """Move what must be moved of a case; answers how many deadlines that were."""
        while moves(case, ends := await self._ends(id, case), self._clock.now()):
            try:
                answer = await self._cases.answer(id, f"{id}/calendar/{change}", self._decision(ends))
            except BegunSince:
                loaded = (await self._cases.load(id)).state
                assert loaded is not None
                case = loaded
            else:
                events = (record.data for record in answer.records)
                return sum(
                    len(event.starts) + len(event.paused)
                    for event in events
                    if isinstance(event, CaseRescheduled)
                )
        return 0

    def _decision(self, ends: Mapping[str, End]) -> Decide[Case]:
        return lambda case, now: reschedule(self._desk, case, ends, now, self._digest) if case else []

    async def _ends(self, id: str, case: Case) -> dict[str, End]:
        try:
            return ends_of(self._desk, case)
        except HistoryNeeded:
            return ends_told(self._desk, await self._store.history(id), self._clock.now())

    async def _next(self, after: Mark | None, limit: int) -> tuple[Sequence[tuple[str, Case]], Mark | None]:
        """The next open cases, and where to go on; None at the end."""
        rows = await self._store.find(CASES, _OPEN, order="rank", after=after, limit=limit)
        found = []
        for document, _ in rows:
            case = self._cases.read(document.body, document.version).state
            assert case is not None
            found.append((document.id, case))
        return found, (rows[-1][1], rows[-1][0].id) if len(rows) == limit else None


def _shown(case: Case, move: Move) -> ShownMove:
    one = move.obligation
    return ShownMove(
        ref=case.ref,
        department=case.department,
        kind=one.kind,
        owner=one.owner,
        limit=one.limit,
        before=one.due,
        after=move.end.due,
        stands_still=case.pause is not None and one in case.pause.obligations,
    )
