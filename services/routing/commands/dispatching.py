"""What the coordinator does: dispatch, decide on returns, correct what a case is taken for, decline (M09, M10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from services.routing.case import Case
from services.routing.commands.answering import finally_answered
from services.routing.commands.command import OF_THE_DEPARTMENT, Command, EndsPause, Now, Refused, Said
from services.routing.desk import facts_of
from services.routing.obligation import COORDINATOR, Obligation
from shared.events.cases import (
    Booking,
    CaseAssigned,
    CaseClass,
    CaseClassified,
    CaseClosed,
    CaseEvent,
    DeclineReason,
    PraisePassedOn,
    ReturnDecided,
)
from shared.events.messages import Kind
from shared.events.obligations import Ended, Notice, Started


class Assign(EndsPause):
    """The coordinator gives it to a department (交辦、改派)."""

    department: str

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.returned_by is not None:
            raise Refused(
                "return-not-decided",
                f"{case.returned_by} has returned this case: uphold the return or refuse it.",
            )
        if self.department == case.department:
            raise Refused("same-department", f"{self.department} has this case already.")
        return handed_to(case, now, self.department, by="coordinator")


class UpholdReturn(Command):
    """The coordinator agrees with the return; another department gets the case."""

    department: str

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        returner, since = _returner(case)
        if self.department == returner:
            raise Refused(
                "same-department", "A return that is upheld goes to another department; or refuse the return."
            )
        booked = _booked(case.assigned, since, case.assigner)
        decided = ReturnDecided(upheld=True, department=returner, words=now.words, booked=booked)
        return [decided, *handed_to(case, now, self.department, by="coordinator")]


class RefuseReturn(Command):
    """The coordinator does not agree: the department keeps it, and the time it took stays on its account."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        returner, returned = _returner(case)
        starts = now.starts(case, "accept", owner=returner)
        starts += now.starts(case, "contact", "resolve", owner=returner, since=case.assigned)
        assigned = CaseAssigned(
            department=returner,
            by="return_refused",
            beyond_promise=beyond(starts, case.promise),
            ends=now.ends(case, "met", "dispatch"),
            starts=starts,
            notices=now.tell(case, ["holder"], returner, digest=True),
        )
        booked = _booked(returned, now.at, returner)
        return [ReturnDecided(upheld=False, department=returner, words=now.words, booked=booked), assigned]


class Classify(EndsPause):
    """The coordinator corrects what a case is taken for; what is left out stays as it is."""

    kind: Kind | None = None
    category: str | None = Field(None, description="A duty of the organisation file")
    urgent: bool | None = None
    case_class: CaseClass | None = None

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if self.category is not None and self.category not in now.desk.organisation.duty:
            raise Refused("no-such-duty", f"The organisation file has no duty {self.category!r}.")
        asked = self.model_dump(exclude_none=True, exclude={"text"})
        corrected = case.model_copy(update=asked)
        if corrected == case:
            raise Refused("nothing-changed", "The case is taken for that already.")
        ends, starts = limits_anew(case, corrected, now)
        classified = CaseClassified(
            kind=corrected.kind,
            category=corrected.category,
            urgent=corrected.urgent,
            case_class=corrected.case_class,
            words=now.words,
            ends=ends,
            starts=starts,
            notices=self._entered(case, corrected, now),
        )
        return [classified]

    def _entered(self, case: Case, corrected: Case, now: Now) -> list[Notice]:
        """The post that the class of a case goes to at once (M12); its department, where it has become urgent."""
        told = now.tell(corrected, ["holder"]) if corrected.urgent and not case.urgent else []
        if self.case_class in {None, case.case_class}:
            return told
        post = now.desk.choices.enter.get(self.case_class or "major")
        return told + (now.tell(corrected, [post]) if post else [])


class AnswerDirectly(Command):
    """The coordinator answers at once; no department is troubled (M09)."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        answered = finally_answered(case, now, now.said, resolved=False, direct=True)
        return [*_return_settled(case, now), answered]


class Decline(Command):
    """The coordinator does not take it on, for a listed reason (不予受理); the sender can have that reviewed."""

    reason: DeclineReason
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        ends = now.ends(case, "met")
        closed = CaseClosed(outcome="declined", reason=self.reason, words=now.words, ends=ends)
        return [*_return_settled(case, now), closed]


def handed_to(case: Case, now: Now, department: str, *, by: str) -> list[CaseEvent]:
    """A department leads the case from here on; praise has arrived with that."""
    now.require_department(department)
    ends = now.ends(case, "met", "dispatch") + now.ends(
        case, "cancelled", *OF_THE_DEPARTMENT, "extension", "signoff"
    )
    if case.kind == "praise":
        assigned = CaseAssigned(department=department, by=by, ends=ends, words=now.words)
        return [assigned, *passed_on(case, now, department)]
    starts = now.starts(case, *OF_THE_DEPARTMENT, owner=department)
    assigned = CaseAssigned(
        department=department,
        by=by,
        beyond_promise=beyond(starts, case.promise),
        ends=ends,
        starts=starts,
        words=now.words,
        notices=now.tell(case, ["holder"], department, digest=True),
    )
    return [assigned]


def passed_on(case: Case, now: Now, department: str) -> list[CaseEvent]:
    """Praise reaches the department's officers, its head and the leader in charge; there is nothing to answer (M31)."""
    notices = now.tell(case, ["holder", "head", "leader"], department)
    ends = now.ends(case, "met", "promise")
    return [
        PraisePassedOn(department=department, notices=notices),
        CaseClosed(outcome="passed_on", ends=ends),
    ]


def limits_anew(case: Case, corrected: Case, now: Now) -> tuple[list[Ended], list[Started]]:
    """What is owed under the limits that a corrected case has, from when each began. What was promised stays."""
    ends: list[Ended] = []
    starts: list[Started] = []
    for one in case.owed("dispatch", *OF_THE_DEPARTMENT):
        limit = now.desk.limit(one.kind, facts_of(corrected))
        if limit is None or str(limit) == one.limit:
            continue
        ends.append(now.end(one, "moved"))
        starts.append(_anew(corrected, now, one))
    return ends, starts


def _anew(corrected: Case, now: Now, one: Obligation) -> Started:
    started = now.starts(corrected, one.kind, owner=one.owner, since=one.since)[0]
    return now.desk.later(started, one.paused, now.at)


def beyond(starts: Sequence[Started], promise: datetime | None) -> bool:
    """Whether a limit that begins ends after what the sender was promised."""
    return promise is not None and any(one.due > promise for one in starts)


def _returner(case: Case) -> tuple[str, datetime]:
    if case.returned_by is None or case.returned is None:
        raise Refused("no-return", "No department has returned this case; assign it instead.")
    return case.returned_by, case.returned


def _return_settled(case: Case, now: Now) -> list[CaseEvent]:
    if case.returned_by is None:
        return []
    booked = _booked(case.assigned, case.returned, case.assigner)
    return [ReturnDecided(upheld=True, department=case.returned_by, booked=booked)]


def _booked(begin: datetime | None, end: datetime | None, holder: str) -> tuple[Booking, ...]:
    if begin is None or end is None or begin >= end:
        return ()
    return (Booking(begin=begin, end=end, holder=holder or COORDINATOR),)
