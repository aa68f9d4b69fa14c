"""What a message does: it opens a case, or joins one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.routing.case import Case
from services.routing.commands import Now, stamped
from services.routing.commands.command import OF_THE_DEPARTMENT, taken_up_again
from services.routing.commands.dispatching import beyond, handed_to, passed_on
from services.routing.commands.pausing import resume
from services.routing.desk import Desk
from services.routing.evolve import begun
from services.routing.obligation import COORDINATOR
from shared.content.words import Evidence
from shared.events import Record
from shared.events.cases import CaseAssigned, CaseEvent, CaseOpened, CaseQueued, MessageAttached, QueueReason
from shared.events.content import ContentRef
from shared.events.linked import CaseSplit
from shared.events.messages import Kind, MessageReceived
from shared.organisation import Facts

USUAL_KIND: Kind = "problem"

_CONFIDENTIAL: frozenset[Kind] = frozenset({"report"})
"""What may be about the very department that the words point to: a person assigns it (M01)."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Who gets a new case, and why; the coordinator where `department` is None."""

    department: str | None
    by: Literal["rule", "line", "sender"] = "rule"
    rule: str | None = None
    reason: QueueReason = "no_rule"
    evidence: Evidence | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message, with what was found out about it before anything is decided."""

    id: str
    message: MessageReceived
    at: datetime
    language: str
    ref: str
    """The ref a case gets that it opens."""
    placement: Placement
    how: Literal["token", "thread", "hint"] = "thread"
    """How it found the case it joins, if it finds one."""
    verified: bool = False
    related: str | None = None
    liaison: str | None = None
    """The person posted with its sender."""


def place(desk: Desk, message: MessageReceived, text: str) -> Placement:
    """Who is responsible: the line it came by, the sender's wish, a duty's words, else the coordinator.

    A complaint about a department or its people never goes to them by itself (M01).
    """
    if message.kind in _CONFIDENTIAL:
        return Placement(None, reason="confidential")
    placement = _placed(desk, message, text)
    about = placement.department
    if message.kind == "complaint" and about is not None and desk.is_about(about, text):
        return Placement(None, reason="about_department", evidence=placement.evidence)
    return placement


def _placed(desk: Desk, message: MessageReceived, text: str) -> Placement:
    if own_line := desk.line(message.endpoint):
        return Placement(own_line, "line")
    if message.department and desk.has(message.department):
        return Placement(message.department, "sender")
    match = desk.match(text)
    evidence = Evidence(words=list(match.words), score=match.score, alternatives=dict(match.alternatives))
    if match.department is not None:
        urgent = desk.is_urgent(match.rule, text)
        return Placement(match.department, "rule", match.rule, evidence=evidence, urgent=urgent)
    if match.words:
        return Placement(None, reason="unsure", evidence=evidence)
    return Placement(None)


def receive(
    desk: Desk, case: Case | None, now: datetime, arrival: Arrival, evidence: ContentRef | None
) -> list[CaseEvent]:
    """A message opens the case where there is none, else joins it."""
    if case is None:
        return _open(desk, now, arrival, evidence)
    if case.message == arrival.id:
        return []
    return stamped(case, desk.version, _attach(case, Now(desk, now), arrival))


def _open(desk: Desk, now: datetime, arrival: Arrival, evidence: ContentRef | None) -> list[CaseEvent]:
    message, placement = arrival.message, arrival.placement
    kind = message.kind or USUAL_KIND
    facts = Facts(kind, placement.rule, message.sender_kind, placement.urgent)
    promised = desk.starts(facts, COORDINATOR, arrival.at, 1, "promise") if kind != "praise" else []
    promise = promised[0].due if promised else None
    opened = CaseOpened(
        ref=arrival.ref,
        kind=kind,
        message=arrival.id,
        channel=message.channel,
        words=message.words,
        thread=message.thread,
        language=arrival.language,
        can_mail=message.can_mail,
        acknowledge=message.acknowledge,
        anonymous=message.anonymous,
        arrived_at=arrival.at,
        promise=promise,
        related=arrival.related,
        category=placement.rule,
        urgent=placement.urgent,
        scope="internal" if message.sender_kind == "staff" else "external",
        sender_kind=message.sender_kind,
        liaison=arrival.liaison,
        organisation=desk.version,
        starts=promised,
    )
    number = 1 + len(promised)
    if placement.department is None:
        starts = desk.starts(facts, COORDINATOR, now, number, "dispatch")
        return [opened, CaseQueued(reason=placement.reason, evidence=evidence, starts=starts)]
    starts = (
        desk.starts(facts, placement.department, now, number, *OF_THE_DEPARTMENT) if kind != "praise" else []
    )
    assigned = CaseAssigned(
        department=placement.department,
        by=placement.by,
        rule=placement.rule,
        evidence=evidence,
        beyond_promise=beyond(starts, promise),
        starts=starts,
    )
    if kind == "praise":
        return [opened, assigned, *passed_on(begun(opened), Now(desk, now), placement.department)]
    if placement.urgent:
        told = Now(desk, now).tell(begun(opened), ["holder"], placement.department)
        assigned = assigned.model_copy(update={"notices": (*told,)})
    return [opened, assigned]


def _attach(case: Case, now: Now, arrival: Arrival) -> list[CaseEvent]:
    reopens = arrival.verified and case.state in {"answered", "closed"}
    attached = MessageAttached(
        ref=case.ref,
        message=arrival.id,
        channel=arrival.message.channel,
        words=arrival.message.words,
        how=arrival.how,
        verified=arrival.verified,
        reopened=reopens,
    )
    if reopens:
        ends = now.ends(case, "cancelled")
        starts, queued = taken_up_again(case, now, "resolve")
        return [attached.model_copy(update={"ends": (*ends,), "starts": (*starts,)}), *queued]
    if arrival.verified and case.pause is not None and case.pause.reason == "sender":
        return [attached, resume(case, now, "reply")]
    return [attached]


def part(desk: Desk, now: datetime, ref: str, record: Record, whole: CaseOpened) -> list[CaseEvent]:
    """A part that was split off opens as a case of its own; what its sender was promised runs from arrival, as ever.

    `record` is the split's, `whole` the opening of the case that it was part of.
    """
    split = record.data
    assert isinstance(split, CaseSplit)
    facts = Facts(split.kind, whole.category, whole.sender_kind, whole.urgent)
    promised = (
        desk.starts(facts, COORDINATOR, whole.arrived_at, 1, "promise") if split.kind != "praise" else []
    )
    opened = whole.model_copy(
        update={
            "ref": ref,
            "kind": split.kind,
            "acknowledge": False,
            "related": None,
            "parent": record.subject,
            "organisation": desk.version,
            "starts": (*promised,),
            "promise": promised[0].due if promised else None,
        }
    )
    case = begun(opened).model_copy(update={"started": len(promised)})
    room = Now(desk, now, split.words, split.actor)
    if split.department is None:
        return [opened, CaseQueued(reason="split", starts=room.starts(case, "dispatch", owner=COORDINATOR))]
    return [opened, *handed_to(case, room, split.department, by="split")]
