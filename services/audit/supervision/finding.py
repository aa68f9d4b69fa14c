"""A finding: what a check found, what the department says of it, what a person decided (mechanism M15). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.audit.checks.check import Check, Doubt, Parameters, placed
from services.audit.supervision.judging import Refused, must_be_impartial
from shared import ids
from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.content import ContentRef
from shared.events.findings import (
    Dismissal,
    FindingAsked,
    FindingConfirmed,
    FindingDismissed,
    FindingExplained,
    FindingRaised,
)
from shared.rights import Principal
from shared.store import Collection

State = Literal["raised", "explained", "confirmed", "dismissed"]
DECIDED: frozenset[State] = frozenset({"confirmed", "dismissed"})

FINDINGS = Collection(
    "findings",
    fields={"check": str, "department": str, "case": str, "state": str, "open_to": str, "rank": int},
    indexes=(("state", "rank"), ("department", "rank"), ("case", "rank"), ("open_to", "rank"), ("rank",)),
    covered=("check", "department", "state"),
)
"""`open_to` is the department that was asked: until then it is for supervisors alone. `rank`: the latest first."""


class Finding(BaseModel):
    """A finding as it stands. What it rests on is in its first event."""

    model_config = ConfigDict(frozen=True)

    check: str
    case: str | None = None
    department: str | None = None
    person: str | None = None
    since: datetime
    raised: datetime
    state: State = "raised"
    asked: bool = False
    """Whether the case has said whom it asks."""
    due: datetime | None = None
    """Until when the department explains; None where nobody is asked."""

    @property
    def open_to(self) -> str | None:
        """The department that sees it: the one that was asked."""
        return self.department if self.due is not None else None


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
        evidence=[placed(one) for one in doubt.evidence],
        figures=[*doubt.figures],
    )


def asked(finding: Finding | None, department: str, due: datetime | None) -> list[Event]:
    """The case asks the department, until then; or nobody."""
    if finding is None or finding.state in DECIDED or (finding.asked and finding.due == due):
        return []
    return [FindingAsked(department=department, due=due)]


def explained(finding: Finding | None, actor: str, department: str, words: ContentRef) -> list[Event]:
    """The department says how it came; what is decided already stays so."""
    if finding is None or finding.state != "raised":
        return []
    return [FindingExplained(actor=actor, department=department, words=words)]


def confirm(finding: Finding, who: Principal, words: ContentRef, now: datetime) -> list[Event]:
    """A person says that it is so. Raises Refused before the department had its say."""
    _must_be_open(finding)
    must_be_impartial(who, finding.department, finding.person)
    if finding.state == "raised" and (too_early := waits_until(finding, now)) is not None:
        raise Refused("not-explained-yet", too_early)
    return [FindingConfirmed(actor=who.id, words=words)]


def dismiss(finding: Finding, who: Principal, reason: Dismissal, words: ContentRef) -> list[Event]:
    """A person says that it is not. That needs no explanation."""
    _must_be_open(finding)
    must_be_impartial(who, finding.department, finding.person)
    return [FindingDismissed(actor=who.id, reason=reason, words=words)]


def waits_until(finding: Finding, now: datetime) -> str | None:
    """Why it can't be confirmed yet; None where it can."""
    if finding.state != "raised" or finding.case is None or finding.department is None:
        return None
    if not finding.asked:
        return f"{finding.department} is about to be asked; try again in a moment."
    if finding.due is not None and now <= finding.due:
        return (
            f"{finding.department} has until {finding.due.isoformat(timespec='minutes')} to explain it."
            " Confirm it then, or once it has; dismissing it is possible now."
        )
    return None


def _must_be_open(finding: Finding) -> None:
    if finding.state in DECIDED:
        raise Refused("decided-already", f"This finding is {finding.state}; that stands.")


def evolve(finding: Finding | None, event: Event, record: Record) -> Finding:
    """What an event makes of a finding."""
    if isinstance(event, FindingRaised):
        return Finding(
            check=event.check,
            case=event.case,
            department=event.department,
            person=event.person,
            since=event.since,
            raised=record.time,
        )
    assert finding is not None, f"{record.id} is {record.type}: a finding begins by being raised"
    change: dict[str, object] = {}
    match event:
        case FindingAsked():
            change = {"asked": True, "due": event.due}
        case FindingExplained():
            change = {"state": "explained"}
        case FindingConfirmed():
            change = {"state": "confirmed"}
        case FindingDismissed():
            change = {"state": "dismissed"}
    return finding.model_copy(update=change)


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
        "open_to": one.open_to,
        "rank": -round(one.raised.timestamp() * 1000),
    },
)
