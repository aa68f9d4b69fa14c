"""Supervision over HTTP: findings, orders, exclusions, samples, probes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query

from services.audit.supervision.bodies import (
    Acceptance,
    Conclusion,
    Confirmation,
    Dismissed,
    ExclusionDecision,
    NewExclusion,
    NewOrder,
    NewProbe,
    NewSample,
    Refusal,
    Revelation,
)
from services.audit.supervision.desk import Supervision
from services.audit.supervision.exclusion import State as ExclusionState
from services.audit.supervision.finding import State as FindingState
from services.audit.supervision.order import State as OrderState
from services.audit.supervision.shapes import (
    ExclusionList,
    FindingList,
    OrderList,
    ProbeList,
    SampleList,
    ShownExclusion,
    ShownFinding,
    ShownOrder,
    ShownProbe,
    ShownSample,
)
from services.audit.supervision.showing import Showing, Wanted
from shared.rights import Principal, Right, requires
from shared.web.openapi import ProblemDetails

Reads = Annotated[Principal, requires(Right.CASES_READ)]
Directs = Annotated[Principal, requires(Right.CASES_DIRECT)]
Supervises = Annotated[Principal, requires(Right.SUPERVISE)]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="Sent twice under one key, it is done once"),
]
Cursor = Annotated[str | None, Query(max_length=100, description="`next` of the page before")]
Most = Annotated[int, Query(ge=1, le=200)]
Department = Annotated[str | None, Query(max_length=40, description="Or `coordinator`")]
CaseRef = Annotated[str | None, Query(max_length=40, description="A case's ref", examples=["K7QM-2XPA-B"])]
_HEX = "0c9e5d7a1b2f4836a7c1d2e3f4051627"


def _named(what: str) -> Any:
    return Path(max_length=80, description=f"The {what}'s id", examples=[f"{what}_{_HEX}"])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of a route, for the OpenAPI."""
    meanings = {
        400: "The request can't be read",
        401: "Sign in, or send an API key",
        403: "Not allowed, or not for you to decide; `rule` names it",
        404: "No such thing, or not open to who asks",
        409: "A rule does not allow it; `rule` names it",
        410: "Its content was erased",
        422: "A field does not fit",
        503: "Nothing can be saved right now; send it again later",
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"model": ProblemDetails, "description": meanings[status], "content": content}
        for status in statuses
    }


_READ = problems(400, 401, 403, 404, 422)
_DONE = problems(400, 401, 403, 404, 409, 422, 503)


def router(supervision: Supervision, showing: Showing) -> APIRouter:
    """The routes of supervision."""
    routes = APIRouter(prefix="/v1", tags=["supervision"])
    _findings(routes, supervision, showing)
    _orders(routes, supervision, showing)
    _exclusions(routes, supervision, showing)
    _samples(routes, supervision, showing)
    _probes(routes, supervision, showing)
    return routes


def _findings(routes: APIRouter, supervision: Supervision, showing: Showing) -> None:
    @routes.get("/findings", responses=_READ)
    async def list_findings(
        *,
        principal: Reads,
        check: Annotated[str | None, Query(max_length=40)] = None,
        department: Department = None,
        state: FindingState | None = None,
        case: CaseRef = None,
        cursor: Cursor = None,
        limit: Most = 50,
    ) -> FindingList:
        """What the checks found, the latest first. A department sees what it was asked to explain."""
        wanted = Wanted(check, department, state, case)
        return await showing.findings(principal, wanted, cursor=cursor, limit=limit)

    @routes.get("/findings/{finding}", responses=problems(401, 403, 404, 422))
    async def show_finding(principal: Reads, finding: Annotated[str, _named("finding")]) -> ShownFinding:
        """A finding: what it rests on, what the department says, what was decided."""
        return await showing.finding(principal, finding)

    @routes.post("/findings/{finding}/confirm", responses=_DONE)
    async def confirm_finding(
        *,
        principal: Supervises,
        finding: Annotated[str, _named("finding")],
        body: Confirmation,
        idempotency_key: Key = None,
    ) -> ShownFinding:
        """It is so: it counts from here on. Only once the department has explained it, or had its time."""
        await supervision.confirm(principal, finding, body.text, idempotency_key)
        return await showing.finding(principal, finding)

    @routes.post("/findings/{finding}/dismiss", responses=_DONE)
    async def dismiss_finding(
        *,
        principal: Supervises,
        finding: Annotated[str, _named("finding")],
        body: Dismissed,
        idempotency_key: Key = None,
    ) -> ShownFinding:
        """It is not so, or nobody is to blame: it never counts."""
        await supervision.dismiss(principal, finding, body.reason, body.text, idempotency_key)
        return await showing.finding(principal, finding)


def _orders(routes: APIRouter, supervision: Supervision, showing: Showing) -> None:
    @routes.get("/orders", responses=_READ)
    async def list_orders(
        *,
        principal: Reads,
        department: Department = None,
        state: OrderState | None = None,
        case: CaseRef = None,
        cursor: Cursor = None,
        limit: Most = 50,
    ) -> OrderList:
        """Orders, the latest first. A department sees its own."""
        wanted = Wanted(None, department, state, case)
        return await showing.orders(principal, wanted, cursor=cursor, limit=limit)

    @routes.post("/orders", status_code=201, responses=_DONE)
    async def issue_order(
        *, principal: Supervises, body: NewOrder, idempotency_key: Key = None
    ) -> ShownOrder:
        """Demand that a department put something right in a case: it owes that from here on (督辦單)."""
        id, _ = await supervision.issue(
            principal,
            body.case,
            body.department,
            body.limit,
            body.text,
            about=body.finding,
            key=idempotency_key,
        )
        return await showing.order(principal, id)

    @routes.get("/orders/{order}", responses=problems(401, 403, 404, 422))
    async def show_order(principal: Reads, order: Annotated[str, _named("order")]) -> ShownOrder:
        """An order with everything that became of it."""
        return await showing.order(principal, order)

    @routes.post("/orders/{order}/accept", responses=_DONE)
    async def accept_order(
        *,
        principal: Supervises,
        order: Annotated[str, _named("order")],
        body: Acceptance,
        idempotency_key: Key = None,
    ) -> ShownOrder:
        """What the department put right is enough."""
        await supervision.accept(principal, order, body.text, idempotency_key)
        return await showing.order(principal, order)

    @routes.post("/orders/{order}/refuse", responses=_DONE)
    async def refuse_order(
        *,
        principal: Supervises,
        order: Annotated[str, _named("order")],
        body: Refusal,
        idempotency_key: Key = None,
    ) -> ShownOrder:
        """What the department put right is not enough: it owes it again, within so long."""
        await supervision.refuse(principal, order, body.limit, body.text, idempotency_key)
        return await showing.order(principal, order)

    @routes.post("/orders/{order}/conclude", responses=_DONE)
    async def conclude_order(
        *,
        principal: Supervises,
        order: Annotated[str, _named("order")],
        body: Conclusion,
        idempotency_key: Key = None,
    ) -> ShownOrder:
        """Say what follows for those who answer for it; nothing is owed for it any more."""
        await supervision.conclude(principal, order, body.measure, body.text, idempotency_key)
        return await showing.order(principal, order)


def _exclusions(routes: APIRouter, supervision: Supervision, showing: Showing) -> None:
    @routes.get("/exclusions", responses=problems(400, 401, 403, 422))
    async def list_exclusions(
        *,
        principal: Directs,
        state: ExclusionState | None = None,
        cursor: Cursor = None,
        limit: Most = 50,
    ) -> ExclusionList:
        """Cases left out of the figures, or asked to be; whoever does not supervise sees what they asked for."""
        return await showing.exclusions(principal, state=state, cursor=cursor, limit=limit)

    @routes.post("/exclusions", status_code=201, responses=_DONE)
    async def ask_exclusion(
        *, principal: Directs, body: NewExclusion, idempotency_key: Key = None
    ) -> ShownExclusion:
        """Ask that a case, an unreasonable demand, be left out of the figures. Another person decides."""
        id, answer = await supervision.exclude(principal, body.case, body.text, idempotency_key)
        return await showing.exclusion(id, answer.state)

    @routes.post("/exclusions/{exclusion}/decide", responses=_DONE)
    async def decide_exclusion(
        *,
        principal: Directs,
        exclusion: Annotated[str, _named("exclusion")],
        body: ExclusionDecision,
        idempotency_key: Key = None,
    ) -> ShownExclusion:
        """Leave it out, or not: a supervisor or principal leader, another than who asked."""
        answer = await supervision.decide_exclusion(
            principal, exclusion, body.text, idempotency_key, granted=body.granted
        )
        return await showing.exclusion(exclusion, answer.state)


def _samples(routes: APIRouter, supervision: Supervision, showing: Showing) -> None:
    @routes.get("/samples", responses=problems(400, 401, 403, 422))
    async def list_samples(*, principal: Supervises, cursor: Cursor = None, limit: Most = 50) -> SampleList:
        """Samples, the latest first."""
        return await showing.samples(cursor=cursor, limit=limit)

    @routes.post("/samples", status_code=201, responses=_DONE)
    async def announce_sample(
        *, principal: Supervises, body: NewSample, idempotency_key: Key = None
    ) -> ShownSample:
        """Announce that cases will be drawn at random, by a checkpoint that nobody knows yet."""
        id, _ = await supervision.announce(
            principal,
            body.count,
            body.since,
            body.until,
            department=body.department,
            key=idempotency_key,
        )
        return await showing.sample(id)

    @routes.get("/samples/{sample}", responses=problems(401, 403, 404, 422))
    async def show_sample(principal: Supervises, sample: Annotated[str, _named("sample")]) -> ShownSample:
        """A sample, with the cases once they are drawn."""
        return await showing.sample(sample)


def _probes(routes: APIRouter, supervision: Supervision, showing: Showing) -> None:
    @routes.get("/probes", responses=problems(400, 401, 403, 422))
    async def list_probes(*, principal: Supervises, cursor: Cursor = None, limit: Most = 50) -> ProbeList:
        """Test messages, and which cases they opened; for those who supervise alone."""
        return await showing.probes(cursor=cursor, limit=limit)

    @routes.post("/probes", status_code=201, responses=_DONE)
    async def plant_probe(
        *, principal: Supervises, body: NewProbe, idempotency_key: Key = None
    ) -> ShownProbe:
        """Commit to it that a message just sent by an ordinary door is a test, before anybody handles its case."""
        id, answer = await supervision.plant(principal, body.case, idempotency_key)
        return await showing.probe(id, answer.state)

    @routes.post("/probes/{probe}/reveal", responses=_DONE | problems(410))
    async def reveal_probe(
        *,
        principal: Supervises,
        probe: Annotated[str, _named("probe")],
        body: Revelation,
        idempotency_key: Key = None,
    ) -> ShownProbe:
        """Say which message it was, and what was seen. Its case counts in no figure from here on."""
        answer = await supervision.reveal(principal, probe, body.text, idempotency_key)
        return await showing.probe(probe, answer.state)
