"""The way to an answer: contact, question, draft and sign-off, answer, call-back, what was solved (M05, M14, M24)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from services.routing.case import Case
from services.routing.commands.command import (
    Command,
    EndsPause,
    Now,
    Refused,
    Said,
    WithFiles,
    owner_of,
    taken_up_again,
)
from services.routing.commands.pausing import suspended
from services.routing.obligation import COORDINATOR
from shared.events.cases import (
    AnswerDrafted,
    AnswerSentBack,
    CaseAnswered,
    CaseClosed,
    CaseEvent,
    CaseInspected,
    CaseReopened,
    CaseSolved,
    SenderAsked,
    SenderContacted,
)
from shared.events.content import ContentRef
from shared.events.obligations import Started

MOST_TRIES = 3
"""How often somebody is called who can't be reached, before the answer counts as given (M14)."""


class Contact(Command):
    """The department has spoken to the sender, or tried to; also how a call-back ended."""

    outcome: Literal["reached", "not_reached", "refused"]
    site_visit: bool = Field(False, description="Somebody went there to look")

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.state in {"assigned", "accepted"}:
            done = now.ends(case, "met", "contact") if self.outcome != "not_reached" else []
            return [
                SenderContacted(outcome=self.outcome, site_visit=self.site_visit, words=now.words, ends=done)
            ]
        if case.owes("callback") is None:
            raise Refused("no-call-back", "The final answer was sent, and no call-back is owed.")
        over = self.outcome != "not_reached" or case.not_reached + 1 >= MOST_TRIES
        contacted = SenderContacted(
            outcome=self.outcome,
            callback=True,
            site_visit=self.site_visit,
            words=now.words,
            ends=now.ends(case, "met", "callback") if over else [],
            starts=_silence(case, now) if over else [],
        )
        return [contacted]


class Ask(Command):
    """A question back to the sender; the clock may stand still until the reply, for as long as one is waited for."""

    text: Said
    suspends: bool = Field(False, description="Nothing can be done before the reply")

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if not can_be_asked(case):
            raise Refused("no-address", "The sender left no address: call them, and record the contact.")
        asked = SenderAsked(words=now.said, ends=now.ends(case, "met", "contact"))
        if not self.suspends:
            return [asked]
        contacted = {one.id for one in asked.ends}
        waiting = [one for one in case.obligations if one.id not in contacted]
        return [asked, suspended(case, now, "sender", now.require_limit("reply", case), waiting)]


class Answer(Command):
    """An answer to the sender; a final one ends what the department owed and what the sender was promised.

    Where the organisation has such answers signed off, it waits for the head of the department.
    """

    text: Said
    final: bool = True
    resolved: bool = Field(
        False, description="Whether the matter itself is solved, as the department sees it"
    )

    @property
    def ends_pause(self) -> bool:
        return self.final

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if self.resolved and not self.final:
            raise Refused("not-final", "What is solved is answered finally: send it as the final answer.")
        if not self.final:
            contacted = now.ends(case, "met", "contact")
            return [CaseAnswered(words=now.said, final=False, ends=contacted)]
        _require_no_assists(case)
        head = now.desk.people(["head"], case.holder)
        if case.kind in now.desk.choices.sign_off and now.actor not in head:
            return [
                AnswerDrafted(
                    words=now.said,
                    resolved=self.resolved,
                    ends=now.ends(case, "cancelled", "signoff"),
                    starts=now.starts(case, "signoff", owner=owner_of(case, "head")),
                    notices=now.tell(case, ["head"]),
                )
            ]
        return [finally_answered(case, now, now.said, resolved=self.resolved)]


class SignOff(EndsPause):
    """The head lets the draft leave the house (簽發)."""

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.draft is None:
            raise Refused("no-draft", "No answer waits for a sign-off.")
        if case.draft.by is not None and case.draft.by == now.actor:
            raise Refused("same-person", "Whoever wrote the answer can't sign it off: another person must.")
        _require_no_assists(case)
        draft = case.draft
        return [finally_answered(case, now, draft.words, resolved=draft.resolved, drafted_by=draft.by or "")]


class SendBack(Command):
    """The head sends the draft back, saying what is missing."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.draft is None:
            raise Refused("no-draft", "No answer waits for a sign-off.")
        ends = now.ends(case, "met", "signoff")
        return [AnswerSentBack(words=now.said, ends=ends, notices=now.tell(case, ["holder"]))]


class Resolve(WithFiles):
    """The department says that the matter itself is solved, and what shows it; the solution stays with the case."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.solved:
            raise Refused("solved-already", "The department has said so already.")
        starts = _inspection(case, now) if case.state == "answered" else []
        return [CaseSolved(words=now.said, starts=starts)]


class Inspect(WithFiles):
    """Somebody else has looked whether what is called solved is solved (復查)."""

    passed: bool

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.owes("inspect") is None:
            raise Refused("no-inspection", "Nothing of this case waits to be looked at.")
        looked = CaseInspected(passed=self.passed, words=now.words, ends=now.ends(case, "met", "inspect"))
        if not self.passed:
            looked = looked.model_copy(
                update={"ends": (*looked.ends, *now.ends(case, "cancelled", "silence", "callback", "review"))}
            )
            starts, queued = taken_up_again(case, now, "resolve")
            return [looked, CaseReopened(reason="not_passed", words=now.words, starts=starts), *queued]
        if case.feedback and not case.owed("silence", "callback", "review"):
            return [
                looked,
                CaseClosed(outcome="feedback", solved=True, ends=now.ends(case, "cancelled", "opinion")),
            ]
        return [looked]


def finally_answered(
    case: Case,
    now: Now,
    words: ContentRef,
    *,
    resolved: bool,
    direct: bool = False,
    drafted_by: str | None = None,
) -> CaseAnswered:
    """The last word goes to the sender, who is asked whether it helped; or somebody calls who can't be written to."""
    by_call = not case.can_mail and not case.anonymous
    starts = now.starts(case, "callback") if by_call else _silence(case, now)
    if resolved or case.solved:
        starts += _inspection(case, now)
    return CaseAnswered(
        words=words,
        final=True,
        resolved=resolved,
        direct=direct,
        drafted_by=drafted_by,
        ends=now.ends(case, "met", "dispatch", "contact", "resolve", "promise", "signoff")
        + now.ends(case, "cancelled", "accept", "extension"),
        starts=starts,
    )


def can_be_asked(case: Case) -> bool:
    """Whether a question can reach the sender in writing."""
    return case.channel != "phone" or case.can_mail


def _require_no_assists(case: Case) -> None:
    if waiting := [one.owner for one in case.owed("assist")]:
        raise Refused(
            "assists-open",
            f"The answer is one: {', '.join(waiting)} still owes its part. Wait for it, or release the department.",
        )


def _silence(case: Case, now: Now) -> list[Started]:
    return now.starts(case, "silence", owner=COORDINATOR)


def _inspection(case: Case, now: Now) -> list[Started]:
    return now.starts(case, "inspect", owner=owner_of(case, now.desk.choices.inspects))
