"""Cases that have to do with one another: merge, link, split. The other case follows from the event."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from services.routing.case import Case
from services.routing.commands.command import Command, EndsPause, Now, Refused, Said
from shared.events.cases import CaseClosed, CaseEvent
from shared.events.linked import CaseLinked, CaseMerged, CaseSplit
from shared.events.messages import Kind


class Merge(EndsPause):
    """It is the same matter as another case, which goes on for both; both senders hear what becomes of it."""

    into: str = Field(max_length=40, description="The other case's ref", examples=["K7QM-2XPA-B"])

    @property
    def other_ref(self) -> str:
        return self.into

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        other = now.require_other(open_=True)
        if case.returned_by is not None:
            raise Refused(
                "return-not-decided", f"{case.returned_by} has returned this case: decide that first."
            )
        ends = now.ends(case, "cancelled")
        return [
            CaseMerged(into=other.id, into_ref=other.ref, ends=ends),
            CaseClosed(outcome="merged", words=now.words),
        ]


class Link(Command):
    """It has to do with another case; both say so."""

    to: str = Field(max_length=40, description="The other case's ref", examples=["K7QM-2XPA-B"])

    @property
    def other_ref(self) -> str:
        return self.to

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        other = now.require_other(open_=False)
        return [CaseLinked(case=other.id, ref=other.ref, relation="related")]


class Split(Command):
    """Part of the matter goes its own way, as a case of its own with the same sender."""

    department: str | None = Field(None, description="Who leads the part; else the coordinator dispatches it")
    kind: Kind | None = None
    text: Said = Field(description="What the part is about")

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if self.department is not None:
            now.require_department(self.department)
        return [
            CaseSplit(part=now.part, department=self.department, kind=self.kind or case.kind, words=now.said)
        ]
