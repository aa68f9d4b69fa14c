"""How a case ends, and how it turns out not to have ended: feedback, contest, review, close, reopen (M05)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from services.routing.case import Case
from services.routing.commands.command import Command, EndsPause, Now, Refused, Said, taken_up_again
from services.routing.obligation import COORDINATOR
from shared.events.cases import (
    CaseClosed,
    CaseContested,
    CaseEvent,
    CaseReopened,
    CaseReviewed,
    FeedbackGiven,
)


class Feedback(Command):
    """What the sender says of the answer: a yes closes the case, another person reviews a no."""

    solved: bool
    satisfied: bool | None = None

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.owes("review") is not None:
            raise Refused(
                "in-review", "You have said so; somebody else is looking at it. You will hear from us."
            )
        given = FeedbackGiven(solved=self.solved, satisfied=self.satisfied, words=now.words)
        if not self.solved or self.satisfied is False:
            review = now.starts(case, "review", owner=COORDINATOR)
            ends = now.ends(case, "cancelled", "silence", "callback")
            told = now.tell(case, ["holder"], COORDINATOR, digest=True)
            return [given.model_copy(update={"ends": (*ends,), "starts": (*review,), "notices": (*told,)})]
        if case.owes("inspect") is not None:
            return [given.model_copy(update={"ends": (*now.ends(case, "met", "silence", "callback"),)})]
        return [given, CaseClosed(outcome="feedback", solved=True, ends=now.ends(case, "cancelled"))]


class Contest(Command):
    """The sender does not agree with how it ended; another person reviews that, once."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.contested is not None:
            raise Refused(
                "contested-already", "That was reviewed already. Write to us again if there is more."
            )
        if case.outcome not in {"declined", "silence", "withdrawn"}:
            raise Refused("nothing-to-contest", "This case did not end in a way that can be contested.")
        review = now.starts(case, "review", owner=COORDINATOR)
        told = now.tell(case, ["holder"], COORDINATOR, digest=True)
        return [CaseContested(outcome=case.outcome, words=now.said, starts=review, notices=told)]


class Review(Command):
    """Another person than whoever answered has looked at a sender's no: again, followed up, or right as it was."""

    outcome: Literal["reopened", "followed_up", "upheld"]
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.owes("review") is None:
            raise Refused("no-review", "Nothing of this case waits for a review.")
        if now.actor is not None and now.actor == case.answered_by:
            raise Refused("same-person", "Whoever answered can't review it: another person must.")
        reviewed = CaseReviewed(outcome=self.outcome, words=now.said, ends=now.ends(case, "met", "review"))
        if self.outcome == "reopened":
            rest = now.ends(case, "cancelled", "inspect")
            reviewed = reviewed.model_copy(update={"ends": (*reviewed.ends, *rest)})
            starts, queued = taken_up_again(case, now, "resolve")
            told = now.tell(case, ["holder", "head"])
            return [reviewed, CaseReopened(reason="reviewed", starts=starts, notices=told), *queued]
        outcome = case.contested or "feedback"
        rest = now.ends(case, "cancelled", "inspect")
        return [reviewed, CaseClosed(outcome=outcome, solved=case.feedback, ends=rest)]


class Close(EndsPause):
    """The coordinator closes a case that its sender has withdrawn."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.returned_by is not None:
            raise Refused(
                "return-not-decided", f"{case.returned_by} has returned this case: decide that first."
            )
        return [CaseClosed(outcome="withdrawn", words=now.words, ends=now.ends(case, "cancelled"))]


class Reopen(Command):
    """It was not over: a superior has it taken up again."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.merged_into is not None:
            raise Refused("merged", "It goes on as the case it was merged into: that one can be reopened.")
        starts, queued = taken_up_again(case, now, "resolve")
        told = now.tell(case, ["holder"])
        return [CaseReopened(reason="by_hand", words=now.words, starts=starts, notices=told), *queued]
