"""A finding: what a check found, what the department says of it, what a person decided (mechanism M15). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.audit.checks.check import Check, Doubt, Parameters
from shared import ids
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.findings import (
    Evidence,
    FindingConfirmed,
    FindingDismissed,
    FindingExplained,
    FindingRaised,
)
from shared.store import Collection

State = Literal["raised", "explained", "confirmed", "dismissed"]

FINDINGS = Collection(
    "findings",
    fields={"check": str, "department": str, "case": str, "state": str, "rank": int},
    indexes=(("state", "rank"), ("department", "rank"), ("case", "rank"), ("rank",)),
    covered=("check", "department", "state"),
)


class Finding(BaseModel):
    """A finding as it stands. What it rests on is in its first event."""

    model_config = ConfigDict(frozen=True)

    check: str
    case: str | None = None
    department: str | None = None
    since: datetime
    raised: datetime
    state: State = "raised"


def finding_id(check: str, key: str) -> str:
    """The id of what a check finds under a key: found again, it is the same finding."""
    return ids.derived("finding", check, key)


def raised(check: Check[Parameters], parameters: Parameters, doubt: Doubt, as_of: int) -> FindingRaised:
    """A doubt as the event that raises it."""
    return FindingRaised(
        check=check.name,
        version=check.version,
        parameters=parameters.digest(),
        key=doubt.key,
        case=doubt.case,
        department=doubt.department,
        person=doubt.person,
        since=doubt.since,
        as_of=as_of,
        evidence=[
            one if isinstance(one, Evidence) else Evidence(index=one.index, event=one.record.id)
            for one in doubt.evidence
        ],
        figures=[*doubt.figures],
    )


def evolve(finding: Finding | None, event: Event, record: Record) -> Finding:
    """What an event makes of a finding."""
    match event:
        case FindingRaised():
            return Finding(
                check=event.check,
                case=event.case,
                department=event.department,
                since=event.since,
                raised=record.time,
            )
        case FindingExplained():
            change: State = "explained"
        case FindingConfirmed():
            change = "confirmed"
        case FindingDismissed():
            change = "dismissed"
        case _:
            assert finding is not None, f"{record.id} is {record.type}: a finding begins by being raised"
            return finding
    assert finding is not None, f"{record.id} is {record.type}: a finding begins by being raised"
    return finding.model_copy(update={"state": change})


KIND = Kind(
    FINDINGS,
    "/audit",
    Finding,
    evolve,
    fields=lambda one: {
        "check": one.check,
        "department": one.department,
        "case": one.case,
        "state": one.state,
        "rank": -round(one.raised.timestamp() * 1000),
    },
)
