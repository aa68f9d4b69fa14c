"""Puts together what is shown of findings, orders, exclusions, samples and probes: states, histories, content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from services.audit.supervision.desk import Supervision
from services.audit.supervision.exclusion import Exclusion, exclusion_id
from services.audit.supervision.finding import DECIDED, Finding, waits_until
from services.audit.supervision.judging import Refused, must_be_impartial, own, sees_all, supervises
from services.audit.supervision.order import Order
from services.audit.supervision.probe import Probe
from services.audit.supervision.sample import Sample
from services.audit.supervision.shapes import (
    Answered,
    Decision,
    ExclusionList,
    FindingList,
    ListedFinding,
    ListedOrder,
    OrderList,
    ProbeList,
    SampleList,
    ShownExclusion,
    ShownFinding,
    ShownOrder,
    ShownProbe,
    ShownSample,
    Step,
)
from shared.aggregate import Aggregates
from shared.content import ContentGone
from shared.content.words import Note
from shared.events import Record
from shared.events.cases import CaseOpened
from shared.events.content import ContentRef
from shared.events.findings import (
    ExclusionAsked,
    ExclusionDecided,
    FindingConfirmed,
    FindingDismissed,
    FindingExplained,
    FindingRaised,
    OrderAccepted,
    OrderAnswered,
    OrderConcluded,
    OrderIssued,
    OrderRefused,
    ProbeRevealed,
)
from shared.rights import Principal
from shared.service import House
from shared.store import Document, Where
from shared.web.problems import Problem, not_found

S = TypeVar("S", bound=BaseModel)

MOST_LISTED = 200
MOST_COUNTED = 10_000
_CURSOR = re.compile(r"(-?\d{1,15})\.([a-z]+_[0-9a-z]{1,60})")


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


class Showing:
    """What is shown, over what supervision holds."""

    def __init__(self, house: House, supervision: Supervision) -> None:
        self._house = house
        self._store = house.store
        self._all = supervision

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

    async def cases_left_out(self) -> list[str]:
        """The cases that count in no figure: those that two people left out, and the probes that were revealed."""
        granted = await self._states(self._all.exclusions, [Where("state", "=", "granted")])
        revealed = await self._states(self._all.probes, [Where("state", "=", "revealed")])
        probed = [await self._all.case_of_message(one.message) for one in revealed if one.message]
        return list(dict.fromkeys([*(one.case for one in granted), *probed]))

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

    async def exclusions(
        self, who: Principal, *, state: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ExclusionList:
        """A page of them: all, or those that somebody asked for themselves."""
        where = [] if sees_all(who) else [Where("asked_by", "=", who.id)]
        where += [] if state is None else [Where("state", "=", state)]
        rows, following = await self._page(self._all.exclusions, where, cursor, limit)
        return ExclusionList(
            exclusions=[await self.exclusion(id, one) for id, one in rows],
            next=following,
            left_out=len(await self.cases_left_out()),
        )

    async def exclusion(self, id: str, state: Exclusion) -> ShownExclusion:
        """One exclusion."""
        asked: ContentRef | None = None
        decided: ContentRef | None = None
        for record in await self._store.history(id):
            if isinstance(event := record.data, ExclusionAsked):
                asked, decided = event.words, None
            elif isinstance(event, ExclusionDecided):
                decided = event.words
        return ShownExclusion(
            id=id,
            case=await self._ref(state.case),
            state=state.state,
            asked_by=state.asked_by,
            asked=state.asked,
            reason=await self._said(asked),
            decided_by=state.decided_by,
            words=await self._said(decided),
        )

    async def samples(self, *, cursor: str | None = None, limit: int = 50) -> SampleList:
        """A page of samples."""
        rows, following = await self._page(self._all.samples, [], cursor, limit)
        return SampleList(samples=[await self._sample(id, one) for id, one in rows], next=following)

    async def sample(self, id: str) -> ShownSample:
        """One sample. Raises Problem 404."""
        state = (await self._all.samples.load(id)).state if id.startswith("sample_") else None
        if state is None:
            raise not_found("sample")
        return await self._sample(id, state)

    async def probes(self, *, cursor: str | None = None, limit: int = 50) -> ProbeList:
        """A page of probes, for those who supervise."""
        rows, following = await self._page(self._all.probes, [], cursor, limit)
        return ProbeList(probes=[await self.probe(id, one) for id, one in rows], next=following)

    async def probe(self, id: str, state: Probe) -> ShownProbe:
        """One probe, for those who supervise."""
        secret = None if state.message else await self._all.secret(state)
        message = state.message or (secret and secret.message)
        words = [
            one.data.words for one in await self._store.history(id) if isinstance(one.data, ProbeRevealed)
        ]
        return ShownProbe(
            id=id,
            state=state.state,
            by=state.by,
            planted=state.planted,
            commitment=state.commitment,
            case=await self._ref(await self._all.case_of_message(message)) if message else None,
            words=await self._said(words[0]) if words else None,
        )

    async def probed(self, case: str) -> bool:
        """Whether a case is a probe, revealed or not: for those who supervise alone."""
        for one in await self._states(self._all.probes, []):
            secret = None if one.message else await self._all.secret(one)
            message = one.message or (secret and secret.message)
            if message and await self._all.case_of_message(message) == case:
                return True
        return False

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

    async def _page(
        self, aggregates: Aggregates[S], where: Sequence[Where], cursor: str | None, limit: int
    ) -> tuple[list[tuple[str, S]], str | None]:
        rows = await self._store.find(
            aggregates.kind.collection, where, order="rank", after=_read(cursor), limit=limit + 1
        )
        shown = [(document.id, self._read(aggregates, document)) for document, _ in rows[:limit]]
        following = f"{rows[limit - 1][1]}.{rows[limit - 1][0].id}" if len(rows) > limit else None
        return shown, following

    async def _states(self, aggregates: Aggregates[S], where: Sequence[Where]) -> list[S]:
        """All that there are: of what people decide one by one."""
        rows = await self._store.find(aggregates.kind.collection, where, order="rank", limit=MOST_COUNTED)
        return [self._read(aggregates, document) for document, _ in rows]

    def _read(self, aggregates: Aggregates[S], document: Document) -> S:
        state = aggregates.read(document.body, document.version).state
        assert state is not None
        return state

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

    async def _sample(self, id: str, one: Sample) -> ShownSample:
        refs = [await self._ref(case) or case for case in one.cases]
        return ShownSample(
            **one.model_dump(exclude={"cases", "checkpoint"}),
            id=id,
            cases=refs,
            checkpoint=one.checkpoint or None,
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

    async def _ref(self, case: str | None) -> str | None:
        if case is None:
            return None
        history: Sequence[Record] = await self._store.history(case)
        opened = history[0].data if history else None
        return opened.ref if isinstance(opened, CaseOpened) else None

    async def _said(self, words: ContentRef | None) -> str | None:
        if words is None:
            return None
        try:
            return (await self._house.content.open_model(words.ref, Note)).text
        except ContentGone:
            return None


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


def _read(cursor: str | None) -> tuple[int, str] | None:
    """Where the page before ended. Raises Problem 400 for what is no cursor of ours."""
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Problem(
            400, "no-cursor", "This is no cursor", "Use `next` of the page before, or leave it out."
        )
    return int(found[1]), found[2]
