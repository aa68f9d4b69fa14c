"""What others were asked for in a case, and what came back, from its history: assists, opinions, what supervision
asked (M03, M04, M15)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from services.routing.case import Case
from services.routing.obligation import Obligation
from services.routing.shapes import ShownAssist, ShownDemand, ShownOpinion
from shared.content.words import Options
from shared.events import Record
from shared.events.cases import (
    AssistAsked,
    AssistGiven,
    CaseEscalated,
    CaseEvent,
    OpinionAsked,
    OpinionGiven,
)
from shared.events.content import ContentRef
from shared.events.obligations import Started
from shared.events.supervised import (
    CaseExplained,
    CaseOrdered,
    CaseRectified,
    DemandDropped,
    ExplanationAsked,
)

Said = Callable[[ContentRef | None], Awaitable[Options | None]]
"""Opens what was written; None where nothing was, or it was erased."""


class Asked:
    """Gathers them in the order of what happened. Nobody owes two of a kind at once, so an owner names an open one."""

    def __init__(self, case: Case, said: Said) -> None:
        self._case = case
        self._said = said
        self._owners: dict[str, str] = {}
        self.assists: list[ShownAssist] = []
        self.opinions: list[ShownOpinion] = []
        self.demands: list[ShownDemand] = []

    async def read(self, history: Iterable[Record]) -> None:
        """All that was asked and answered."""
        for record in history:
            event = record.data
            if not isinstance(event, CaseEvent):
                continue
            self._owners |= {one.id: one.owner for one in event.starts}
            match event:
                case AssistAsked():
                    await self._assist(event)
                case AssistGiven():
                    await self._given(event)
                case CaseEscalated() | OpinionAsked():
                    await self._opinion(event)
                case OpinionGiven():
                    await self._answered(event)
                case ExplanationAsked() | CaseOrdered() if event.starts:
                    await self._demanded(event)
                case CaseExplained() | CaseRectified():
                    await self._answered_for(event)
                case DemandDropped():
                    self._turns(event.about, {"state": "dropped"})

    async def _assist(self, event: AssistAsked) -> None:
        began = _began(event, "assist")
        open_ = self._open("assist", event.department)
        said = await self._said(event.words)
        self.assists.append(
            ShownAssist(
                id=open_.id if open_ else event.assist,
                department=event.department,
                since=began.since,
                due=open_.due if open_ else began.due,
                state="open" if open_ else "cancelled",
                asked=said and said.text,
            )
        )

    async def _given(self, event: AssistGiven) -> None:
        said = await self._said(event.words)
        given = {"state": event.outcome, "given": said and said.text}
        for place, one in reversed([*enumerate(self.assists)]):
            if one.department == event.department:
                self.assists[place] = one.model_copy(update=given)
                return

    async def _opinion(self, event: CaseEscalated | OpinionAsked) -> None:
        began = _began(event, "opinion")
        open_ = self._open("opinion", event.to)
        said = await self._said(event.words)
        self.opinions.append(
            ShownOpinion(
                id=open_.id if open_ else began.id,
                to=event.to,
                by=event.actor,
                since=began.since,
                due=open_.due if open_ else began.due,
                state="open" if open_ else "cancelled",
                text=said and said.text,
                options=[*said.options] if said else [],
                preferred=said.preferred if said else 1,
            )
        )

    async def _answered(self, event: OpinionGiven) -> None:
        said = await self._said(event.words)
        given = {"state": "given", "choice": event.choice, "answer": said and said.text}
        for place, one in reversed([*enumerate(self.opinions)]):
            if one.to == self._owners.get(event.opinion):
                self.opinions[place] = one.model_copy(update=given)
                return

    async def _demanded(self, event: ExplanationAsked | CaseOrdered) -> None:
        (began,) = event.starts
        open_ = next((one for one in self._case.obligations if one.about == began.about), None)
        ordered = isinstance(event, CaseOrdered)
        said = await self._said(event.words) if isinstance(event, CaseOrdered) else None
        self.demands.append(
            ShownDemand(
                about=began.about or "",
                kind="rectify" if ordered else "explain",
                department=event.department,
                since=began.since,
                due=open_.due if open_ else began.due,
                again=isinstance(event, CaseOrdered) and event.again,
                check=event.check if isinstance(event, ExplanationAsked) else None,
                asked=said and said.text,
            )
        )

    async def _answered_for(self, event: CaseExplained | CaseRectified) -> None:
        said = await self._said(event.words)
        about = event.finding if isinstance(event, CaseExplained) else event.order
        self._turns(about, {"state": "given", "given": said and said.text})

    def _turns(self, about: str, change: dict[str, object]) -> None:
        """The latest that was asked for a finding or an order has become something else."""
        for place, one in reversed([*enumerate(self.demands)]):
            if one.about == about:
                self.demands[place] = one.model_copy(update=change)
                return

    def _open(self, kind: str, owner: str) -> Obligation | None:
        """The obligation as it stands now, where it is still owed."""
        return next((one for one in self._case.owed(kind) if one.owner == owner), None)


def _began(event: CaseEvent, kind: str) -> Started:
    return next(one for one in event.starts if one.kind == kind)
