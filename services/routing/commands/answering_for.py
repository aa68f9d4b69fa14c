"""A department answers to supervision: it explains what was found, it puts right what was demanded (M15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from services.routing.case import Case
from services.routing.commands.command import Command, Now, Refused, Said, WithFiles
from services.routing.obligation import Obligation
from shared.events.cases import CaseEvent
from shared.events.obligations import ObligationKind
from shared.events.supervised import CaseExplained, CaseRectified

_Id = Annotated[str, Field(max_length=80)]


class Explain(Command):
    """A department that was asked says how it came to what supervision found."""

    finding: _Id = Field(description="The finding's id", examples=["find_0c5fcsc2zq0w9yqv6nr0m3h8ae"])
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        one = _owed(case, now, "explain", self.finding)
        return [
            CaseExplained(
                finding=self.finding,
                department=one.owner,
                words=now.said,
                ends=[now.end(one, "met")],
                notices=now.tell(case, ["supervisors"], one.owner, digest=True),
            )
        ]


class Rectify(WithFiles):
    """A department that was ordered to put something right says what it did (整改回覆單)."""

    order: _Id = Field(description="The order's id", examples=["ordr_0c5fcsc2zq0w9yqv6nr0m3h8ae"])
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        one = _owed(case, now, "rectify", self.order)
        return [
            CaseRectified(
                order=self.order,
                department=one.owner,
                words=now.said,
                ends=[now.end(one, "met")],
                notices=now.tell(case, ["supervisors"], one.owner, digest=True),
            )
        ]


def _owed(case: Case, now: Now, kind: ObligationKind, about: str) -> Obligation:
    """What is owed for a finding or an order. Raises Refused where nothing is, or by others."""
    for one in case.owed(kind):
        if one.about == about:
            now.require_own(one.owner)
            return one
    raise Refused(
        f"nothing-to-{kind}", f"For {about} nothing is owed in this case any more, or nothing ever was."
    )
