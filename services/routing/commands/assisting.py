"""Another department helps, with a deadline of its own, and the lead stays where it is (M04, M11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from services.routing.case import Case
from services.routing.commands.command import Command, Now, Refused, Said, WithFiles, owner_of
from services.routing.obligation import Obligation
from shared.events.cases import AssistAsked, AssistGiven, CaseEvent


class Assist(Command):
    """The department that leads asks another to help (請協辦). The first time makes the case cross-department."""

    department: str
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        now.require_department(self.department)
        if self.department == case.department:
            raise Refused(
                "same-department", f"{self.department} leads this case: no need to ask it to assist."
            )
        if any(one.owner == self.department for one in case.owed("assist")):
            raise Refused("asked-already", f"{self.department} owes its part already.")
        now.require_limit("assist", case)
        starts = now.starts(case, "assist", owner=self.department)
        told = now.tell(case, ["holder"], self.department, digest=True)
        if case.case_class is None:
            post = now.desk.choices.enter.get("cross")
            told += now.tell(case, [post], owner_of(case, post)) if post else []
        return [
            AssistAsked(
                assist=starts[0].id, department=self.department, words=now.said, starts=starts, notices=told
            )
        ]


class Contribute(WithFiles):
    """A department that was asked gives its part (協辦意見)."""

    department: str
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        return [_over(case, now, self.department, "given")]


class DeclineAssist(Command):
    """A department that was asked can't help, and says why."""

    department: str
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        return [_over(case, now, self.department, "declined")]


class ReleaseAssist(Command):
    """The department that leads no longer needs the help."""

    department: str

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        return [_over(case, now, self.department, "released")]


def _over(
    case: Case, now: Now, department: str, outcome: Literal["given", "declined", "released"]
) -> AssistGiven:
    one = _owed_by(case, department)
    if outcome != "released":
        now.require_own(department)
    tells = department if outcome == "released" else case.holder
    return AssistGiven(
        assist=one.id,
        department=department,
        outcome=outcome,
        words=now.words,
        ends=[now.end(one, "cancelled" if outcome == "released" else "met")],
        notices=now.tell(case, ["holder"], tells, digest=True),
    )


def _owed_by(case: Case, department: str) -> Obligation:
    for one in case.owed("assist"):
        if one.owner == department:
            return one
    raise Refused("no-assist", f"{department} owes no part of this case.")
