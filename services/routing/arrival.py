"""What a message does: it opens a case, or joins one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.routing.case import Case
from services.routing.desk import Desk
from services.routing.obligation import COORDINATOR, ending
from shared.content.words import Evidence
from shared.events.cases import (
    CaseAssigned,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    MessageAttached,
    QueueReason,
    Started,
)
from shared.events.content import ContentRef
from shared.events.messages import Kind, MessageReceived

USUAL_KIND: Kind = "problem"
OF_THE_DEPARTMENT: tuple[Literal["accept", "contact", "resolve"], ...] = ("accept", "contact", "resolve")
"""What a department owes from the moment a case is assigned to it."""

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


def place(desk: Desk, message: MessageReceived, text: str) -> Placement:
    """Who is responsible: the line it came by, the sender's wish, a duty's words, else the coordinator."""
    if message.kind in _CONFIDENTIAL:
        return Placement(None, reason="confidential")
    if own_line := desk.line(message.endpoint):
        return Placement(own_line, "line")
    if message.department and desk.has(message.department):
        return Placement(message.department, "sender")
    match = desk.match(text)
    evidence = Evidence(words=list(match.words), score=match.score, alternatives=dict(match.alternatives))
    if match.department is not None:
        return Placement(match.department, "rule", match.rule, evidence=evidence)
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
    return _attach(desk, case, now, arrival)


def _open(desk: Desk, now: datetime, arrival: Arrival, evidence: ContentRef | None) -> list[CaseEvent]:
    message, placement = arrival.message, arrival.placement
    kind = message.kind or USUAL_KIND
    promised = desk.starts(kind, COORDINATOR, arrival.at, 1, "promise")
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
        organisation=desk.version,
        starts=promised,
    )
    number = 1 + len(promised)
    if placement.department is None:
        starts = desk.starts(kind, COORDINATOR, now, number, "dispatch")
        return [opened, CaseQueued(reason=placement.reason, evidence=evidence, starts=starts)]
    starts = desk.starts(kind, placement.department, now, number, *OF_THE_DEPARTMENT)
    assigned = CaseAssigned(
        department=placement.department,
        by=placement.by,
        rule=placement.rule,
        evidence=evidence,
        beyond_promise=beyond(starts, promise),
        starts=starts,
    )
    return [opened, assigned]


def beyond(starts: Sequence[Started], promise: datetime | None) -> bool:
    """Whether a limit that begins ends after what the sender was promised."""
    return promise is not None and any(one.due > promise for one in starts)


def _attach(desk: Desk, case: Case, now: datetime, arrival: Arrival) -> list[CaseEvent]:
    reopens = arrival.verified and case.state in {"answered", "closed"}
    number = case.started + 1
    starts = (
        desk.starts(case.kind, case.department, now, number, "resolve") if reopens and case.department else []
    )
    attached = MessageAttached(
        ref=case.ref,
        message=arrival.id,
        channel=arrival.message.channel,
        words=arrival.message.words,
        how=arrival.how,
        verified=arrival.verified,
        reopened=reopens,
        ends=ending(case.obligations, now, "cancelled", "callback", "silence") if reopens else [],
        starts=starts,
    )
    if reopens and case.department is None:
        dispatch = desk.starts(case.kind, COORDINATOR, now, number, "dispatch")
        return [attached, CaseQueued(reason="reopened", starts=dispatch)]
    return [attached]
