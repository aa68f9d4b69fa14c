"""Puts together what is shown of findings, orders, exclusions, samples and probes: states, histories, content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.audit.supervision.exclusion import exclusion_id
from services.audit.supervision.finding import DECIDED, Finding, waits_until
from services.audit.supervision.judging import Refused, must_be_impartial, own, sees_all, supervises
from services.audit.supervision.order import Order
from services.audit.supervision.reading import MOST_COUNTED, MOST_LISTED
from services.audit.supervision.shapes import (
    Answered,
    Decision,
    FindingList,
    ListedFinding,
    ListedOrder,
    OrderList,
    ShownFinding,
    ShownOrder,
    Step,
)
from services.audit.supervision.unannounced import Unannounced
from shared.events import Record
from shared.events.findings import (
    FindingConfirmed,
    FindingDismissed,
    FindingExplained,
    FindingRaised,
    OrderAccepted,
    OrderAnswered,
    OrderConcluded,
    OrderIssued,
    OrderRefused,
)
from shared.rights import Principal
from shared.store import Where
from shared.web.problems import not_found


@dataclass(frozen=True)
class Wanted:
    """Which findings or orders are asked for; what is None does not matter."""

    check: str | None = None
    department: str | None = None
    state: str | None = None
    case: str | None = None
    """The ref of a case."""


@dataclass(frozen=True)
class Counts:
    """What waits and what counts, as far as it is counted."""

    raised: int
    explained: int
    confirmed: int
    left_out: int
    """Of the confirmed ones, those on cases that are left out of the figures."""
    cases_left_out: int
    """How many cases are left out of the figures."""


class Showing(Unannounced):
    """What is shown, over what supervision holds."""

    async def findings(
        self, who: Principal, wanted: Wanted, *, cursor: str | None = None, limit: int = 50
    ) -> FindingList:
        """A page of those that somebody may see."""
        where = await self._where(who, wanted, "open_to")
        if wanted.check is not None:
            where.append(Where("check", "=", wanted.check))
        rows, following = await self._page(self._all.findings, where, cursor, limit)
        return FindingList(findings=[await self._listed(id, one) for id, one in rows], next=following)

    async def counts(self, who: Principal) -> Counts:
        """What waits and what counts, of all that somebody may see."""
        mine = [] if sees_all(who) else [Where("open_to", "in", sorted(own(who)))]
        numbers = [
            await self._store.count(
                self._all.findings.kind.collection,
                [*mine, Where("state", "=", state)],
                order="rank",
                cap=MOST_COUNTED,
            )
            for state in ("raised", "explained", "confirmed")
        ]
        cases = await self.cases_left_out()
        left_out = 0
        for case in cases:
            where = [*mine, Where("case", "=", case), Where("state", "=", "confirmed")]
            left_out += await self._store.count(
                self._all.findings.kind.collection, where, order="rank", cap=MOST_COUNTED
            )
        raised, explained, confirmed = numbers
        return Counts(raised, explained, confirmed, left_out, len(cases))

    async def finding(self, who: Principal, id: str) -> ShownFinding:
        """One finding. Raises Problem 404."""
        state = await self._all.finding(who, id)
        history = await self._store.history(id)
        raised = history[0].data
        assert isinstance(raised, FindingRaised)
        leads = supervises(who) or state.department in who.leads or sees_all(who)
        orders = await self._store.find(
            self._all.orders.kind.collection,
            [Where("case", "=", state.case or "")],
            order="rank",
            limit=MOST_LISTED,
        )
        followed = [
            document.id for document, _ in orders if self._read(self._all.orders, document).finding == id
        ]
        return ShownFinding(
            **dict(await self._listed(id, state)),
            version=raised.version,
            parameters=raised.parameters,
            person=raised.person if leads else None,
            as_of=raised.as_of,
            evidence=[*raised.evidence],
            figures=[*raised.figures],
            explanation=await self._explanation(history),
            decision=await self._decision(history),
            orders=followed,
            possible=self._possible(who, state),
            waits=waits_until(state, self._house.clock.now()),
        )

    async def orders(
        self, who: Principal, wanted: Wanted, *, cursor: str | None = None, limit: int = 50
    ) -> OrderList:
        """A page of those that somebody may see."""
        where = await self._where(who, wanted, "department")
        rows, following = await self._page(self._all.orders, where, cursor, limit)
        return OrderList(orders=[await self._listed_order(id, one) for id, one in rows], next=following)

    async def order(self, who: Principal, id: str) -> ShownOrder:
        """One order. Raises Problem 404."""
        state = await self._all.order(who, id)
        steps = [step for one in await self._store.history(id) if (step := await self._step(one)) is not None]
        possible: list[Any] = []
        if supervises(who) and _impartial(who, state.department):
            possible = {
                "answered": ["accept", "refuse"],
                "issued": ["conclude"],
                "accepted": ["conclude"],
                "concluded": [],
            }[state.state]
        return ShownOrder(
            **dict(await self._listed_order(id, state)),
            finding=state.finding,
            limit=state.limit,
            steps=steps,
            possible=possible,
        )

    async def _where(self, who: Principal, wanted: Wanted, open_to: str) -> list[Where]:
        """Raises Problem 404 for a department or a case that is closed to who asks."""
        where: list[Where] = []
        if not sees_all(who):
            if wanted.department is not None and wanted.department not in own(who):
                raise not_found("department")
            among = [wanted.department] if wanted.department else sorted(own(who))
            where.append(Where(open_to, "in", among))
        elif wanted.department is not None:
            where.append(Where("department", "=", wanted.department))
        if wanted.state is not None:
            where.append(Where("state", "=", wanted.state))
        if wanted.case is not None:
            where.append(Where("case", "=", await self._all.case_of(wanted.case)))
        return where

    async def _listed(self, id: str, one: Finding) -> ListedFinding:
        return ListedFinding(
            id=id,
            check=one.check,
            state=one.state,
            case=await self._ref(one.case),
            department=one.department,
            since=one.since,
            raised=one.raised,
            due=one.due,
            left_out=await self._left_out(one.case),
        )

    async def _left_out(self, case: str | None) -> bool:
        if case is None:
            return False
        state = (await self._all.exclusions.load(exclusion_id(case))).state
        return state is not None and state.state == "granted"

    async def _listed_order(self, id: str, one: Order) -> ListedOrder:
        return ListedOrder(
            id=id,
            case=await self._ref(one.case),
            department=one.department,
            state=one.state,
            issued=one.issued,
            due=one.due,
            refusals=one.refusals,
            measure=one.measure,
        )

    async def _explanation(self, history: Sequence[Record]) -> Answered | None:
        for record in history:
            if isinstance(event := record.data, FindingExplained):
                return Answered(
                    by=event.actor,
                    department=event.department,
                    at=record.time,
                    text=await self._said(event.words),
                )
        return None

    async def _decision(self, history: Sequence[Record]) -> Decision | None:
        last = history[-1]
        event = last.data
        if not isinstance(event, FindingConfirmed | FindingDismissed):
            return None
        return Decision(
            outcome="confirmed" if isinstance(event, FindingConfirmed) else "dismissed",
            reason=event.reason if isinstance(event, FindingDismissed) else None,
            by=event.actor,
            at=last.time,
            text=await self._said(event.words),
        )

    async def _step(self, record: Record) -> Step | None:
        event = record.data
        named = _STEPS.get(type(event))
        if named is None:
            return None
        assert isinstance(event, OrderIssued | OrderAnswered | OrderAccepted | OrderRefused | OrderConcluded)
        return Step(
            what=named,
            by=event.actor,
            at=record.time,
            text=await self._said(event.words),
            limit=getattr(event, "limit", None),
            measure=getattr(event, "measure", None),
        )

    def _possible(self, who: Principal, state: Finding) -> list[Any]:
        if not supervises(who) or not _impartial(who, state.department, state.person):
            return []
        order = ["order"] if state.case is not None and state.state != "dismissed" else []
        if state.state in DECIDED:
            return order
        early = waits_until(state, self._house.clock.now()) is not None
        return [*([] if early else ["confirm"]), "dismiss", *order]


_STEPS: dict[type, Any] = {
    OrderIssued: "issued",
    OrderAnswered: "answered",
    OrderAccepted: "accepted",
    OrderRefused: "refused",
    OrderConcluded: "concluded",
}


def _impartial(who: Principal, department: str | None, person: str | None = None) -> bool:
    try:
        must_be_impartial(who, department, person)
    except Refused:
        return False
    return True
