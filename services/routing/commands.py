"""What people may do with a case, and when: the one table of states and commands. Pure.

A command that may not be done raises `Refused`, which names the rule.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.routing.arrival import OF_THE_DEPARTMENT, beyond
from services.routing.case import Case, State
from services.routing.desk import Desk
from services.routing.obligation import COORDINATOR, ending
from shared.events.cases import (
    CaseAccepted,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseQueued,
    CaseReopened,
    CaseReturned,
    DeclineReason,
    FeedbackGiven,
    ReturnDecided,
    ReturnReason,
    SenderAsked,
    SenderContacted,
    Started,
)
from shared.events.content import ContentRef

MOST_RETURNS = 2
"""How often a case may be returned; after that the coordinator's word stands (M10)."""
MOST_TRIES = 3
"""How often somebody is called who can't be reached, before the answer counts as given (M14)."""


def _trimmed(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds halves of characters, which are no text")
    return text.strip()


Text = Annotated[
    str, BeforeValidator(_trimmed), Field(max_length=20_000, description="In your own words; kept as content")
]
Said = Annotated[Text, Field(min_length=1)]


class Refused(Exception):
    """A rule does not allow the command. `code` names the rule, `text` says it and what can be done."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Now:
    """What a decision rests on besides the case and the command."""

    desk: Desk
    at: datetime
    words: ContentRef | None = None
    """The command's text, kept as content."""

    def starts(self, case: Case, *kinds: Literal["accept", "contact", "resolve"]) -> list[Started]:
        """What the department that leads the case owes from here on."""
        return self.desk.starts(case.kind, case.holder, self.at, case.started + 1, *kinds)

    def require_department(self, department: str) -> None:
        """Raises Refused where there is none such."""
        if not self.desk.has(department):
            raise Refused("no-such-department", f"The organisation has no department {department!r}.")


class Command(BaseModel):
    """What somebody wants done with a case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text = ""

    @abstractmethod
    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        """What follows. Raises Refused; the table has already said that the case's state allows it."""


class Accept(Command):
    """The department takes it on (簽收)."""

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        return [CaseAccepted(ends=ending(case.obligations, now.at, "met", "accept"))]


class Return(Command):
    """The department is not responsible (退回)."""

    reason: ReturnReason = "not_responsible"
    proposed: str | None = Field(None, description="The department thought responsible")
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.returns >= MOST_RETURNS:
            raise Refused(
                "returned-too-often",
                f"This case was returned {MOST_RETURNS} times already; the coordinator has decided. Accept it.",
            )
        if self.proposed is not None:
            now.require_department(self.proposed)
        assert case.department is not None
        returned = CaseReturned(
            department=case.department,
            reason=self.reason,
            words=now.words,
            proposed=self.proposed,
            ends=ending(case.obligations, now.at, "cancelled", *OF_THE_DEPARTMENT),
        )
        dispatch = now.desk.starts(case.kind, COORDINATOR, now.at, case.started + 1, "dispatch")
        return [returned, CaseQueued(reason="returned", starts=dispatch)]


class UpholdReturn(Command):
    """The coordinator agrees with the return; another department gets the case."""

    department: str

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        returner = _returner(case)
        if self.department == returner:
            raise Refused(
                "same-department", "A return that is upheld goes to another department; or refuse the return."
            )
        decided = ReturnDecided(upheld=True, department=returner, words=now.words)
        return [decided, _assigned(case, now, self.department)]


class RefuseReturn(Command):
    """The coordinator does not agree: the department keeps it, and the time it took stays on its account."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        returner = _returner(case)
        number = case.started + 1
        starts = now.desk.starts(case.kind, returner, now.at, number, "accept")
        since = case.assigned or now.at
        starts += now.desk.starts(case.kind, returner, since, number + len(starts), "contact", "resolve")
        assigned = CaseAssigned(
            department=returner,
            by="return_refused",
            beyond_promise=beyond(starts, case.promise),
            ends=ending(case.obligations, now.at, "met", "dispatch"),
            starts=starts,
        )
        return [ReturnDecided(upheld=False, department=returner, words=now.words), assigned]


class Assign(Command):
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
        return [_assigned(case, now, self.department)]


class Contact(Command):
    """The department has spoken to the sender, or tried to; also how a call-back ended."""

    outcome: Literal["reached", "not_reached", "refused"]

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if case.state == "accepted":
            done = ending(case.obligations, now.at, "met", "contact") if self.outcome != "not_reached" else []
            return [SenderContacted(outcome=self.outcome, words=now.words, ends=done)]
        if case.owes("callback") is None:
            raise Refused("no-call-back", "The final answer was sent, and no call-back is owed.")
        over = self.outcome != "not_reached" or case.not_reached + 1 >= MOST_TRIES
        contacted = SenderContacted(
            outcome=self.outcome,
            callback=True,
            words=now.words,
            ends=ending(case.obligations, now.at, "met", "callback") if over else [],
            starts=_silence(case, now) if over else [],
        )
        return [contacted]


class Ask(Command):
    """A question back to the sender."""

    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if not _can_be_asked(case):
            raise Refused("no-address", "The sender left no address: call them, and record the contact.")
        assert now.words is not None
        return [SenderAsked(words=now.words)]


class Answer(Command):
    """An answer to the sender; a final one ends what the department owed and what the sender was promised."""

    text: Said
    final: bool = True
    resolved: bool = Field(
        False, description="Whether the matter itself is solved, as the department sees it"
    )

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        if self.resolved and not self.final:
            raise Refused("not-final", "What is solved is answered finally: send it as the final answer.")
        assert now.words is not None
        if not self.final:
            contacted = ending(case.obligations, now.at, "met", "contact")
            return [CaseAnswered(words=now.words, final=False, ends=contacted)]
        by_call = not case.can_mail and not case.anonymous
        begun = (
            now.desk.starts(case.kind, case.holder, now.at, case.started + 1, "callback")
            if by_call
            else _silence(case, now)
        )
        answered = CaseAnswered(
            words=now.words,
            final=True,
            resolved=self.resolved,
            ends=ending(case.obligations, now.at, "met", "contact", "resolve", "promise"),
            starts=begun,
        )
        return [answered]


class Feedback(Command):
    """What the sender says of the answer: a yes closes the case, a no opens it again."""

    solved: bool
    satisfied: bool | None = None

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        given = FeedbackGiven(solved=self.solved, satisfied=self.satisfied, words=now.words)
        ends = ending(case.obligations, now.at, "cancelled")
        if self.solved:
            return [given, CaseClosed(outcome="feedback", solved=True, ends=ends)]
        return [given, CaseReopened(reason="not_solved", ends=ends, starts=now.starts(case, "resolve"))]


class Decline(Command):
    """The coordinator does not take it on, for a listed reason (不予受理)."""

    reason: DeclineReason
    text: Said

    def decide(self, case: Case, now: Now) -> Sequence[CaseEvent]:
        ends = ending(case.obligations, now.at, "met")
        closed = CaseClosed(outcome="declined", reason=self.reason, words=now.words, ends=ends)
        if case.returned_by is None:
            return [closed]
        return [ReturnDecided(upheld=True, department=case.returned_by), closed]


def _can_be_asked(case: Case) -> bool:
    return case.channel != "phone" or case.can_mail


def _returner(case: Case) -> str:
    if case.returned_by is None:
        raise Refused("no-return", "No department has returned this case; assign it instead.")
    return case.returned_by


def _assigned(case: Case, now: Now, department: str) -> CaseAssigned:
    now.require_department(department)
    starts = now.desk.starts(case.kind, department, now.at, case.started + 1, *OF_THE_DEPARTMENT)
    return CaseAssigned(
        department=department,
        by="coordinator",
        beyond_promise=beyond(starts, case.promise),
        ends=ending(case.obligations, now.at, "met", "dispatch")
        + ending(case.obligations, now.at, "cancelled", *OF_THE_DEPARTMENT),
        starts=starts,
    )


def _silence(case: Case, now: Now) -> list[Started]:
    return now.desk.starts(case.kind, COORDINATOR, now.at, case.started + 1, "silence")


Who = Literal["department", "coordinator", "sender"]


@dataclass(frozen=True, slots=True)
class Row:
    """Who may give a command, and in which states of a case."""

    command: type[Command]
    who: Who
    states: tuple[State, ...]


TABLE: dict[str, Row] = {
    "accept": Row(Accept, "department", ("assigned",)),
    "return": Row(Return, "department", ("assigned",)),
    "uphold-return": Row(UpholdReturn, "coordinator", ("new",)),
    "refuse-return": Row(RefuseReturn, "coordinator", ("new",)),
    "assign": Row(Assign, "coordinator", ("new", "assigned", "accepted")),
    "contact": Row(Contact, "department", ("accepted", "answered")),
    "ask": Row(Ask, "department", ("accepted",)),
    "answer": Row(Answer, "department", ("accepted",)),
    "feedback": Row(Feedback, "sender", ("answered",)),
    "decline": Row(Decline, "coordinator", ("new",)),
}


def row_of(command: Command) -> Row:
    """The table's row for a command."""
    return next(row for row in TABLE.values() if row.command is type(command))


def offered(case: Case) -> list[str]:
    """The commands that the case's state allows, by name."""
    pending = case.returned_by is not None
    never = {"assign"} if pending else {"uphold-return", "refuse-return"}
    if case.state == "answered" and case.owes("callback") is None:
        never.add("contact")
    if case.returns >= MOST_RETURNS:
        never.add("return")
    if not _can_be_asked(case):
        never.add("ask")
    return [name for name, row in TABLE.items() if case.state in row.states and name not in never]


def decide(case: Case, command: Command, actor: str | None, now: Now) -> list[CaseEvent]:
    """What a command makes happen. Raises Refused, naming the rule, where it may not."""
    row = row_of(command)
    if case.state not in row.states:
        allowed = ", ".join(offered(case)) or "nothing; a further message of the sender opens it again"
        name = next(name for name, one in TABLE.items() if one is row)
        raise Refused(
            f"{name}-not-while-{case.state}",
            f"`{name}` is not possible while the case is {case.state}. Possible now: {allowed}.",
        )
    return [event.model_copy(update={"actor": actor}) for event in command.decide(case, now)]
