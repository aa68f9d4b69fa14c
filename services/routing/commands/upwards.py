"""Upwards: escalate, consult, advise, urge. What goes up carries a choice, and is answered (M03, M12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from services.routing.case import Case
from services.routing.commands.command import Command, Now, Refused, Said, owner_of
from services.routing.commands.dispatching import limits_anew
from services.routing.obligation import COORDINATOR, SENDER
from shared.content.words import Option, Options
from shared.events.cases import (
    CaseClass,
    CaseEscalated,
    CaseEvent,
    CaseUrged,
    OpinionAsked,
    OpinionGiven,
)
from shared.organisation import POSTS

_A_DAY = timedelta(days=1)


class _WithOptions(Command):
    """An answer is prepared: what could be done, what speaks for and against it, what it risks, what is preferred."""

    text: Said
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=6)]
    preferred: int = Field(1, ge=1, description="Which of the options is preferred, counted from 1")

    @property
    def content(self) -> BaseModel:
        return Options(text=self.text, options=self.options, preferred=self.preferred)

    @model_validator(mode="after")
    def _prefers_one(self) -> Self:
        if self.preferred > len(self.options):
            raise ValueError(f"there are {len(self.options)} options: prefer one of them")
        return self


class Escalate(_WithOptions):
    """The matter is too hard, too large or not for one department: it goes to the post that its class is for."""

    case_class: CaseClass

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        post = now.desk.choices.enter.get(self.case_class)
        if post is None:
            raise Refused(
                "no-such-class", f"The organisation file says nobody to whom {self.case_class} cases go."
            )
        to = owner_of(case, post)
        _require_not_asked(case, to)
        corrected = case.model_copy(update={"case_class": self.case_class})
        ends, starts = limits_anew(case, corrected, now)
        return [
            CaseEscalated(
                case_class=self.case_class,
                to=to,
                words=now.words,
                ends=ends,
                starts=[*starts, *now.starts(corrected, "opinion", owner=to)],
                notices=now.tell(case, [post]),
            )
        ]


class Consult(_WithOptions):
    """A department or a post is asked for its opinion (請示、徵求意見)."""

    to: str = Field(description="A department, or a post: `leader`, `principal`, `group` …")

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if self.to in POSTS:
            to = owner_of(case, self.to)
        else:
            now.require_department(self.to)
            to = self.to
        if to == case.department:
            raise Refused("same-department", f"{to} leads this case: consult somebody else.")
        _require_not_asked(case, to)
        now.require_limit("opinion", case)
        starts = now.starts(case, "opinion", owner=to)
        return [
            OpinionAsked(
                opinion=starts[0].id,
                to=to,
                words=now.said,
                starts=starts,
                notices=now.tell(case, ["holder"], to),
            )
        ]


class Advise(Command):
    """Whoever was asked answers: an option, or another way (批示、意見)."""

    opinion: str | None = Field(None, description="The obligation that it meets, where there are several")
    choice: int | None = Field(None, ge=1, le=6, description="Which option, counted from 1")
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        asked = [one for one in case.owed("opinion") if self.opinion in {None, one.id}]
        mine = [one for one in asked if now.actor in now.desk.people(["holder"], one.owner)] or asked
        if not mine:
            raise Refused("not-asked", "No opinion is owed on this case.")
        return [
            OpinionGiven(
                opinion=mine[0].id,
                choice=self.choice,
                words=now.said,
                ends=[now.end(mine[0], "met")],
                notices=now.tell(case, ["holder"]),
            )
        ]


class Urge(Command):
    """Whoever has the case is asked to hurry (催辦); a sender may ask for that once a day."""

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        by = _urging(now)
        if by == SENDER and case.urged is not None and now.at - case.urged < _A_DAY:
            raise Refused("urged-already", "You have asked for that within the last day; they know.")
        posts = ["holder"] if by == SENDER else ["holder", "head"]
        return [CaseUrged(by=by, words=now.words, notices=now.tell(case, posts))]


def _urging(now: Now) -> Literal["coordinator", "leader", "supervisor", "sender"]:
    if now.actor == SENDER:
        return "sender"
    organisation = now.desk.organisation
    if now.actor in organisation.who("coordinator", COORDINATOR):
        return "coordinator"
    return "supervisor" if now.actor in organisation.who("supervisors", COORDINATOR) else "leader"


def _require_not_asked(case: Case, to: str) -> None:
    if any(one.owner == to for one in case.owed("opinion")):
        raise Refused("asked-already", f"{to} was asked already, and still owes an answer.")
