"""People can't get through, or can't be told (溝通渠道不暢)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.audit.checks.check import Doubt, HouseCheck, Noted, Parameters
from services.audit.checks.doors import WEEK, Outcomes, Ways
from services.audit.checks.history import CASE_EVENTS, COORDINATOR
from shared.events.cases import CaseEvent
from shared.events.deliveries import DeliveryBounced, DeliveryDeferred, DeliveryFailed, DeliverySent
from shared.events.findings import Evidence, Figure
from shared.events.messages import (
    DeliveryAnswered,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
    MessageSentAgain,
)
from shared.events.trail import TrailTicked

_OUT = "mail out"
_MOST_PASSED = 20


class BlockedParameters(Parameters):
    """What is unusual."""

    weeks: int = 3
    """For so long an endpoint must be known before its silence means anything."""
    missing: int = 15
    """So many messages that usually would have come make silence a doubt."""
    alone: int = 2_000
    """Basis points of them that count however quiet the house's other ways in are."""
    of: int = 30
    """The latest outcomes at a door that are looked at."""
    share: int = 6_000
    """Basis points of these that must have gone wrong …"""
    above: int = 4_000
    """… and so much more than is usual there."""
    unsettled: int = 3
    """So many messages that nobody settled …"""
    within: int = 3_600
    """… within so many seconds."""
    cases: int = 5
    """So many cases in a row that a department let pass without accepting one."""


class Waiting(BaseModel):
    """A case that a department has still to accept."""

    case: str
    department: str
    due: datetime
    evidence: Evidence


class Passed(BaseModel):
    """What a department let pass its limit since it last accepted anything: the first few, by case and obligation."""

    cases: dict[str, Waiting] = {}
    told: bool = False


class Blocked(BaseModel):
    """What is known of every way in and out. It grows with endpoints, departments, and what waits to be accepted."""

    ways: Ways = Ways()
    doors: dict[str, Outcomes] = {}
    unsettled: dict[str, Evidence] = {}
    """Messages that were sent again lately, the latest few by their ids."""
    unsettled_at: datetime | None = None
    unsettled_told: bool = False
    waiting: dict[str, Waiting] = {}
    """By case and obligation."""
    passed: dict[str, Passed] = {}
    """By department."""


class BlockedChannel(HouseCheck[BlockedParameters, Blocked]):
    """A way between people and the house does not work.

    Five things are seen. `silent`: by an endpoint nothing came for so long that, at these hours of the week, many
    messages should have; where the other endpoints are quieter too (a holiday), accordingly more. `turned_away`: most
    of the latest that came by an endpoint was quarantined or refused, far more than is usual there, and instead of
    what usually goes through, not on top of it. `undelivered`: most of the latest attempts to send mail failed, were
    put off, or came back, far more than usual. `unsettled`: several messages within an hour waited so long to be
    settled that they were sent again. `not_accepted`: a department let case after case pass its limit and accepted
    none.

    A judgement. Seen wrongly: the silence of an endpoint that nobody is told of any more, a holiday in a house with a
    single endpoint, a wave of advertising on a quiet day. Not seen: an endpoint by which little comes, before weeks
    have passed; one that was blocked from its first day; that half of the mails are lost on their way to us. A
    department that does not accept is asked, in the latest such case; nobody else is: these are for operations.

    Figures: `silent` in hours with the messages `missing`; `turned_away`, `undelivered` with what is `usual`, in basis
    points; `unsettled`, `not_accepted`, counted.
    """

    name = "blocked_channel"
    version = 1
    exact = False
    reads = CASE_EVENTS | frozenset(
        one.TYPE
        for one in (
            MessageReceived,
            MessageQuarantined,
            MessageRefused,
            MessageSentAgain,
            DeliveryAnswered,
            DeliverySent,
            DeliveryDeferred,
            DeliveryFailed,
            DeliveryBounced,
            TrailTicked,
        )
    )
    parameters = BlockedParameters
    state = Blocked
    figures = ("silent", "missing", "turned_away", "undelivered", "usual", "unsettled", "not_accepted")

    def take(self, state: Blocked, noted: Noted, parameters: BlockedParameters) -> Iterator[Doubt]:
        for _ in state.ways.hours(noted.at):
            yield from _silent(state, noted, parameters)
        entry = Evidence(index=noted.index, event=noted.record.id)
        match said := noted.said:
            case MessageReceived(arrived_at=None, endpoint=endpoint):
                state.ways.came(endpoint, entry)
                _ended(state, endpoint, entry, parameters, wrong=False)
            case DeliveryAnswered(endpoint=endpoint):
                state.ways.came(endpoint, entry)
            case MessageQuarantined(endpoint=endpoint) | MessageRefused(endpoint=endpoint):
                state.ways.came(endpoint, entry)
                yield from _went_wrong(state, endpoint, noted, parameters)
            case DeliverySent():
                _ended(state, _OUT, entry, parameters, wrong=False)
            case DeliveryDeferred() | DeliveryFailed() | DeliveryBounced(permanent=True):
                yield from _went_wrong(state, _OUT, noted, parameters)
            case MessageSentAgain():
                yield from _unsettled(state, noted, parameters)
            case TrailTicked():
                yield from _not_accepted(state, noted, _over(state, noted.at), parameters)
            case CaseEvent():
                yield from _not_accepted(state, noted, _accepting(state, noted, said), parameters)


def _silent(state: Blocked, noted: Noted, parameters: BlockedParameters) -> Iterator[Doubt]:
    for endpoint, way in state.ways.of.items():
        if way.told or way.last is None or way.hours - way.quiet < parameters.weeks * WEEK:
            continue
        missing = way.missing(parameters.alone) // 1000
        if missing < parameters.missing:
            continue
        way.told = True
        yield Doubt(
            key=f"silent/{endpoint}/{way.last.event}",
            since=noted.at,
            evidence=(way.last, noted),
            figures=(Figure(name="silent", value=way.quiet), Figure(name="missing", value=missing)),
        )


def _went_wrong(state: Blocked, door: str, noted: Noted, parameters: BlockedParameters) -> Iterator[Doubt]:
    """One more thing went wrong at a door: whether that is unusual by now."""
    entry = Evidence(index=noted.index, event=noted.record.id)
    outcomes = _ended(state, door, entry, parameters, wrong=True)
    most = max(parameters.share, outcomes.usual + parameters.above)
    if outcomes.told or outcomes.known < parameters.of or outcomes.share < most:
        return
    if door != _OUT and outcomes.as_many_as_ever:
        return
    outcomes.told = True
    what = "undelivered" if door == _OUT else "turned_away"
    yield Doubt(
        key=f"{what}/{door}/{noted.record.id}",
        since=noted.at,
        evidence=tuple(outcomes.wrong),
        figures=(Figure(name=what, value=outcomes.share), Figure(name="usual", value=outcomes.usual)),
    )


def _ended(
    state: Blocked, door: str, entry: Evidence, parameters: BlockedParameters, *, wrong: bool
) -> Outcomes:
    outcomes = state.doors.setdefault(door, Outcomes())
    flow = state.ways.of[door].flow if door in state.ways.of else 0
    outcomes.ended(entry, wrong=wrong, of=parameters.of, flow=flow)
    return outcomes


def _unsettled(state: Blocked, noted: Noted, parameters: BlockedParameters) -> Iterator[Doubt]:
    within = timedelta(seconds=parameters.within)
    if state.unsettled_at is None or noted.at - state.unsettled_at > within:
        state.unsettled, state.unsettled_told = {}, False
    state.unsettled_at = noted.at
    state.unsettled[noted.record.subject] = Evidence(index=noted.index, event=noted.record.id)
    if state.unsettled_told or len(state.unsettled) < parameters.unsettled:
        return
    state.unsettled_told = True
    yield Doubt(
        key=f"unsettled/{noted.record.id}",
        since=noted.at,
        evidence=tuple(state.unsettled.values()),
        figures=(Figure(name="unsettled", value=len(state.unsettled)),),
    )


def _accepting(state: Blocked, noted: Noted, said: CaseEvent) -> Iterator[str]:
    """Keep what has to be accepted, and what was. Names departments that let something pass."""
    case = noted.record.subject
    for one in said.ends:
        id = f"{case}/{one.id}"
        waited = state.waiting.pop(id, None)
        if waited is not None and one.how == "lapsed":
            yield _let_pass(state, id, waited)
        elif one.how == "met":
            state.passed.pop(_accepted_by(state, id, waited), None)
    for start in said.starts:
        department = start.owner.partition("/")[0]
        if start.kind == "accept" and department != COORDINATOR:
            entry = Evidence(index=noted.index, event=noted.record.id)
            waits = Waiting(case=case, department=department, due=start.due, evidence=entry)
            state.waiting[f"{case}/{start.id}"] = waits


def _accepted_by(state: Blocked, id: str, waited: Waiting | None) -> str:
    """The department that accepted, in time or after it had let it pass; nobody's name if it was something else."""
    if waited is not None:
        return waited.department
    return next((department for department, passed in state.passed.items() if id in passed.cases), "")


def _let_pass(state: Blocked, id: str, waited: Waiting) -> str:
    passed = state.passed.setdefault(waited.department, Passed())
    if len(passed.cases) < _MOST_PASSED:
        passed.cases[id] = waited
    return waited.department


def _over(state: Blocked, now: datetime) -> Iterator[str]:
    """What should have been accepted by now. Names departments that let something pass."""
    for id in [id for id, one in state.waiting.items() if one.due < now]:
        yield _let_pass(state, id, state.waiting.pop(id))


def _not_accepted(
    state: Blocked, noted: Noted, departments: Iterable[str], parameters: BlockedParameters
) -> Iterator[Doubt]:
    for department in list(dict.fromkeys(departments)):
        passed = state.passed.get(department, Passed())
        if passed.told or len(passed.cases) < parameters.cases:
            continue
        passed.told = True
        cases = list(passed.cases.values())
        yield Doubt(
            key=f"not_accepted/{department}/{cases[0].evidence.event}",
            since=noted.at,
            evidence=tuple(one.evidence for one in cases),
            case=cases[-1].case,
            department=department,
            figures=(Figure(name="not_accepted", value=len(cases)),),
        )
