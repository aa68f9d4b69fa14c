"""What supervisors do: the API and the pages have it in common. Everything raised is a `Problem`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from pydantic import BaseModel

from services.audit.supervision import exclusion, finding, order, probe, sample
from services.audit.supervision.exclusion import Exclusion, exclusion_id
from services.audit.supervision.finding import Finding
from services.audit.supervision.judging import Refused, own, sees_all
from services.audit.supervision.order import Order
from services.audit.supervision.probe import Probe, probe_id
from services.audit.supervision.sample import Sample
from services.audit.trail import Trail
from shared import ids
from shared.aggregate import Aggregates, Answer
from shared.content import ContentGone, seal_model
from shared.content.words import Note, ProbeSecret
from shared.events import Event, Record
from shared.events.cases import CaseAssigned, CaseOpened
from shared.events.content import ContentRef
from shared.events.findings import Dismissal, Measure, OrderIssued, SampleAnnounced
from shared.rights import Principal
from shared.service import House
from shared.store import Sealed
from shared.web.problems import Problem, not_found

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody does with words of their own."""

    input: str
    text: str
    case: str | None
    """The case that it is about."""


class Supervision:
    """Findings, orders, exclusions, samples and probes, and what people do with them."""

    def __init__(self, house: House, trail: Trail) -> None:
        self._house = house
        self._store = house.store
        self._trail = trail
        self.findings: Aggregates[Finding] = Aggregates(finding.KIND, house.store, house.clock)
        self.orders: Aggregates[Order] = Aggregates(order.KIND, house.store, house.clock)
        self.exclusions: Aggregates[Exclusion] = Aggregates(exclusion.KIND, house.store, house.clock)
        self.samples: Aggregates[Sample] = Aggregates(sample.KIND, house.store, house.clock)
        self.probes: Aggregates[Probe] = Aggregates(probe.KIND, house.store, house.clock)

    async def finding(self, who: Principal, id: str) -> Finding:
        """A finding. Raises Problem 404 where there is none, or it is closed to who asks."""
        state = (await self.findings.load(id)).state if id.startswith("finding_") else None
        if state is None or not (sees_all(who) or state.open_to in own(who)):
            raise not_found("finding")
        return state

    async def confirm(self, who: Principal, id: str, text: str, key: str | None) -> Answer[Finding]:
        """It is so."""
        stands = await self.finding(who, id)
        return await self._decide(
            self.findings,
            id,
            Written(_input(who, "confirm", id, key), text, stands.case),
            lambda state, now, words: finding.confirm(state, who, words, now),
        )

    async def dismiss(
        self, who: Principal, id: str, reason: Dismissal, text: str, key: str | None
    ) -> Answer[Finding]:
        """It is not."""
        stands = await self.finding(who, id)
        return await self._decide(
            self.findings,
            id,
            Written(_input(who, "dismiss", id, key), text, stands.case),
            lambda state, _, words: finding.dismiss(state, who, reason, words),
        )

    async def order(self, who: Principal, id: str) -> Order:
        """An order. Raises Problem 404 where there is none, or it is closed to who asks."""
        state = (await self.orders.load(id)).state if id.startswith("order_") else None
        if state is None or not (sees_all(who) or state.department in own(who)):
            raise not_found("order")
        return state

    async def issue(
        self,
        who: Principal,
        ref: str,
        department: str,
        limit: str,
        text: str,
        *,
        about: str | None = None,
        key: str | None = None,
    ) -> tuple[str, Answer[Order]]:
        """Demand that a department put something right in a case. Raises Problem 404, 409, 422."""
        case = await self.case_of(ref)
        if department != "coordinator" and department not in self._house.organisation.department:
            raise Problem(
                422,
                "no-such-department",
                "There is no such department",
                f"No department is called {department!r}.",
            )
        if about is not None:
            stands = await self.finding(who, about)
            if stands.case != case or stands.state == "dismissed":
                rule = "another-finding"
                told = "The finding is dismissed, or of another case. Leave it out, or name another."
                raise Problem(409, rule, "A rule does not allow this", told, rule=rule)
        input_id = _input(who, "issue", case, key)
        id = ids.derived("order", input_id)

        def decide(state: Order | None, now: datetime, words: ContentRef) -> Sequence[Event]:
            issued = OrderIssued(
                actor=who.id, case=case, department=department, finding=about, limit=limit, words=words
            )
            return order.issue(state, who, issued)

        return id, await self._begin(self.orders, id, Written(input_id, text, case), decide)

    async def accept(self, who: Principal, id: str, text: str, key: str | None) -> Answer[Order]:
        """It is put right."""
        stands = await self.order(who, id)
        return await self._decide(
            self.orders,
            id,
            Written(_input(who, "accept", id, key), text, stands.case),
            lambda state, _, words: order.accept(state, who, words),
        )

    async def refuse(self, who: Principal, id: str, limit: str, text: str, key: str | None) -> Answer[Order]:
        """It is not put right yet."""
        stands = await self.order(who, id)
        return await self._decide(
            self.orders,
            id,
            Written(_input(who, "refuse", id, key), text, stands.case),
            lambda state, _, words: order.refuse(state, who, limit, words),
        )

    async def conclude(
        self, who: Principal, id: str, measure: Measure, text: str, key: str | None
    ) -> Answer[Order]:
        """What follows for those who answer for it."""
        stands = await self.order(who, id)
        return await self._decide(
            self.orders,
            id,
            Written(_input(who, "conclude", id, key), text, stands.case),
            lambda state, _, words: order.conclude(state, who, measure, words),
        )

    async def exclude(
        self, who: Principal, ref: str, text: str, key: str | None
    ) -> tuple[str, Answer[Exclusion]]:
        """Ask that a case be left out of the figures. Raises Problem 403, 404, 409."""
        case = await self.case_of(ref)
        if not exclusion.may_ask(who, await self._led_by(case)):
            raise not_found("case")
        id = exclusion_id(case)
        asked = await self._begin(
            self.exclusions,
            id,
            Written(_input(who, "exclude", case, key), text, case),
            lambda state, _, words: exclusion.ask(state, who, case, words),
        )
        return id, asked

    async def decide_exclusion(
        self, who: Principal, id: str, text: str, key: str | None, *, granted: bool
    ) -> Answer[Exclusion]:
        """Leave it out, or not."""
        stands = (await self.exclusions.load(id)).state if id.startswith("exclusion_") else None
        if stands is None or not sees_all(who):
            raise not_found("exclusion")
        return await self._decide(
            self.exclusions,
            id,
            Written(_input(who, "exclusion", id, key), text, stands.case),
            lambda state, _, words: exclusion.decide(state, who, words, granted=granted),
        )

    async def announce(
        self,
        who: Principal,
        count: int,
        since: datetime,
        until: datetime,
        *,
        department: str | None = None,
        key: str | None = None,
    ) -> tuple[str, Answer[Sample]]:
        """Say what a checkpoint that nobody knows yet will draw. Raises Problem 409, 422."""
        if department is not None and department not in self._house.organisation.department:
            raise Problem(
                422,
                "no-such-department",
                "There is no such department",
                f"No department is called {department!r}.",
            )
        announced = SampleAnnounced(
            actor=who.id,
            count=count,
            since=since,
            until=until,
            department=department,
            size=self._trail.index.state.size,
        )
        input_id = _input(who, "announce", "", key)
        id = ids.derived("sample", input_id)
        try:
            answer = await self.samples.answer(
                id, input_id, lambda state, _: sample.announce(state, who, announced)
            )
        except Refused as refused:
            raise _problem(refused) from refused
        return id, answer

    async def plant(self, who: Principal, ref: str, key: str | None) -> tuple[str, Answer[Probe]]:
        """Commit to it that the message which opened a case is a probe. Raises Problem 404, 409."""
        case = await self.case_of(ref)
        history = await self._store.history(case)
        message = _opened(history).message
        salt = ids.random_bytes(32)
        id = probe_id(message)
        commitment = probe.committed(salt, message)
        kept = ProbeSecret(message=message, salt=salt.hex())
        sealed, secret = seal_model(kept, owner=id, now=self._house.clock.now())
        try:
            answer = await self.probes.answer(
                id,
                _input(who, "plant", message, key),
                lambda state, _: probe.plant(state, who, history, commitment, secret),
                contents=(sealed,),
            )
        except Refused as refused:
            raise _problem(refused) from refused
        return id, answer

    async def reveal(self, who: Principal, id: str, text: str, key: str | None) -> Answer[Probe]:
        """Say which message it was, and what was seen. Raises Problem 404, 409, 410."""
        stands = (await self.probes.load(id)).state if id.startswith("probe_") else None
        if stands is None:
            raise not_found("probe")
        secret = await self.secret(stands)
        if secret is None:
            raise Problem(
                410, "content-gone", "Its content was erased", "Which message it was can't be told any more."
            )
        return await self._decide(
            self.probes,
            id,
            Written(_input(who, "reveal", id, key), text, None),
            lambda state, _, words: probe.reveal(state, who, secret, words),
        )

    async def secret(self, stands: Probe) -> ProbeSecret | None:
        """Which message a probe is; None where that was erased."""
        try:
            return (
                stands.secret and await self._house.content.open_model(stands.secret, ProbeSecret)
            ) or None
        except ContentGone:
            return None

    async def case_of_message(self, message: str) -> str:
        """The case that a message opened or joined."""
        return await self._store.claimed(f"message:{message}") or ids.derived("case", message)

    async def case_of(self, ref: str) -> str:
        """The case that has a ref. Raises Problem 404."""
        usual = ids.read_ref(ref)
        case = usual and await self._store.claimed(f"ref:{usual}")
        if not case or not await self._store.history(case):
            raise not_found("case")
        return case

    async def _led_by(self, case: str) -> str | None:
        led = [
            one.data.department
            for one in await self._store.history(case)
            if isinstance(one.data, CaseAssigned)
        ]
        return led[-1] if led else None

    async def _decide(
        self,
        aggregates: Aggregates[S],
        id: str,
        written: Written,
        decides: Callable[[S, datetime, ContentRef], Sequence[Event]],
    ) -> Answer[S]:
        def decide(state: S | None, now: datetime, words: ContentRef) -> Sequence[Event]:
            assert state is not None
            return decides(state, now, words)

        return await self._begin(aggregates, id, written, decide)

    async def _begin(
        self,
        aggregates: Aggregates[S],
        id: str,
        written: Written,
        decides: Callable[[S | None, datetime, ContentRef], Sequence[Event]],
    ) -> Answer[S]:
        """Decide with what was written. It is erased with the case's message, for it may say who wrote that."""
        case = written.case
        owner = id if case is None else _opened(await self._store.history(case)).message
        sealed, words = seal_model(Note(text=written.text), owner=owner, now=self._house.clock.now())
        contents: tuple[Sealed, ...] = (sealed,)
        try:
            return await aggregates.answer(
                id, written.input, lambda state, now: decides(state, now, words), contents=contents
            )
        except Refused as refused:
            raise _problem(refused) from refused


def _opened(history: Sequence[Record]) -> CaseOpened:
    opened = history[0].data
    assert isinstance(opened, CaseOpened)
    return opened


def _input(
    who: Principal,
    what: Literal[
        "confirm",
        "dismiss",
        "issue",
        "accept",
        "refuse",
        "conclude",
        "exclude",
        "exclusion",
        "announce",
        "plant",
        "reveal",
    ],
    about: str,
    key: str | None,
) -> str:
    return ids.derived("cmd", who.id, what, about, key or ids.random_bytes(16).hex())


def _problem(refused: Refused) -> Problem:
    status = 403 if refused.code in {"people-decide", "own-department", "about-yourself"} else 409
    return Problem(status, refused.code, "A rule does not allow this", refused.text, rule=refused.code)
