"""What the department that leads does with what it was given: accept, return, hand on (M10, M11)."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.routing.case import Case
from services.routing.commands.command import OF_THE_DEPARTMENT, Command, EndsPause, Now, Refused, Said
from services.routing.commands.dispatching import handed_to
from services.routing.desk import facts_of
from services.routing.obligation import COORDINATOR
from shared.calendar import due
from shared.events.cases import CaseAccepted, CaseEvent, CaseQueued, CaseReturned, ReturnReason

MOST_RETURNS = 2
"""How often a case may be returned; after that the coordinator's word stands (M10)."""


class Accept(Command):
    """The department takes it on (簽收)."""

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        return [CaseAccepted(ends=now.ends(case, "met", "accept"))]


class Return(EndsPause):
    """The department is not responsible (退回); the coordinator decides."""

    reason: ReturnReason = "not_responsible"
    proposed: str | None = Field(None, description="The department thought responsible")
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.returns >= MOST_RETURNS:
            raise Refused(
                "returned-too-often",
                f"This case was returned {MOST_RETURNS} times already; the coordinator has decided. Accept it.",
            )
        if self.reason == "overlapping" and now.desk.choices.first_receiver_leads:
            raise Refused(
                "first-receiver-leads",
                "Where responsibilities overlap, who received the case first leads it: ask the others to assist.",
            )
        if self.proposed is not None:
            now.require_department(self.proposed)
            if self.proposed == case.department:
                raise Refused("same-department", f"{self.proposed} is who returns it; propose another.")
        _require_in_time(case, now)
        assert case.department is not None
        returned = CaseReturned(
            department=case.department,
            reason=self.reason,
            words=now.words,
            proposed=self.proposed,
            site_visit=case.visited,
            ends=now.ends(case, "cancelled", *OF_THE_DEPARTMENT, "extension", "signoff"),
        )
        dispatch = now.starts(case, "dispatch", owner=COORDINATOR)
        told = now.tell(case, ["holder"], COORDINATOR, digest=True)
        return [returned, CaseQueued(reason="returned", starts=dispatch, notices=told)]


class Transfer(EndsPause):
    """The department hands it to another, where the organisation lets departments do that among themselves (轉辦)."""

    department: str
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if not now.desk.choices.transfers:
            raise Refused("no-transfers", "Here the coordinator decides who gets a case: return it instead.")
        if self.department == case.department:
            raise Refused("same-department", f"{self.department} has this case already.")
        if self.department in case.past:
            raise Refused("had-it-before", f"{self.department} had this case before: return it instead.")
        return handed_to(case, now, self.department, by="transfer")


def _require_in_time(case: Case, now: Now) -> None:
    limits = now.desk.conditions(facts_of(case)).limits
    limit = (limits.visit or limits.returns) if case.visited else limits.returns
    if limit is None or case.assigned is None:
        return
    until = due(now.desk.calendar(case.holder), case.assigned, limit)
    if now.at > until:
        raise Refused(
            "too-late-to-return",
            f"A case is returned within {limit} of its assignment, and that was over at {until.isoformat()}: keep it, "
            "and ask others to assist.",
        )
