"""Who may do what with a case, and when: the one table of states and commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from services.routing.case import Case, State
from services.routing.commands import (
    answering,
    answering_for,
    assisting,
    dispatching,
    ending,
    leading,
    linking,
    pausing,
    upwards,
)
from services.routing.commands.command import Command, Now, Refused
from services.routing.commands.leading import MOST_RETURNS
from services.routing.evolve import resumed
from shared.events.cases import CaseEvent

Who = Literal[
    "department",
    "assisting",
    "answerable",
    "head",
    "granter",
    "addressee",
    "inspector",
    "superior",
    "coordinator",
    "sender",
]
"""`department`: who handles the case, the coordinator where no department has it. `assisting`: a department asked to
assist. `answerable`: a department that must explain or put right something. `granter`: the post that grants more
time. `addressee`: whoever was asked for an opinion. `superior`: the head, the leader in charge, the principal
leaders, the coordinator, supervisors."""


@dataclass(frozen=True, slots=True)
class Row:
    """Who may give a command, in which states of a case, and which states it may lead to; none where it leaves it."""

    command: type[Command]
    who: Who
    states: tuple[State, ...]
    becomes: tuple[State, ...] = ()


_AT_WORK: tuple[State, ...] = ("new", "assigned", "accepted")
_OPEN: tuple[State, ...] = (*_AT_WORK, "answered")
_EVER: tuple[State, ...] = (*_OPEN, "closed")

TABLE: dict[str, Row] = {
    "accept": Row(leading.Accept, "department", ("assigned",), ("accepted",)),
    "return": Row(leading.Return, "department", ("assigned", "accepted"), ("new",)),
    "uphold-return": Row(dispatching.UpholdReturn, "coordinator", ("new",), ("assigned", "closed")),
    "refuse-return": Row(dispatching.RefuseReturn, "coordinator", ("new",), ("assigned",)),
    "assign": Row(dispatching.Assign, "coordinator", _AT_WORK, ("assigned", "closed")),
    "transfer": Row(leading.Transfer, "department", ("assigned", "accepted"), ("assigned", "closed")),
    "classify": Row(dispatching.Classify, "coordinator", _AT_WORK),
    "contact": Row(answering.Contact, "department", ("assigned", "accepted", "answered")),
    "ask": Row(answering.Ask, "department", ("accepted",)),
    "assist": Row(assisting.Assist, "department", ("accepted",)),
    "contribute": Row(assisting.Contribute, "assisting", _OPEN),
    "decline-assist": Row(assisting.DeclineAssist, "assisting", _OPEN),
    "release-assist": Row(assisting.ReleaseAssist, "department", _AT_WORK),
    "suspend": Row(pausing.Suspend, "superior", ("accepted",)),
    "resume": Row(pausing.Resume, "department", ("accepted",)),
    "extend": Row(pausing.Extend, "department", ("accepted",)),
    "grant-extension": Row(pausing.GrantExtension, "granter", ("accepted",)),
    "refuse-extension": Row(pausing.RefuseExtension, "granter", ("accepted",)),
    "urge": Row(upwards.Urge, "superior", _AT_WORK),
    "escalate": Row(upwards.Escalate, "department", _AT_WORK),
    "consult": Row(upwards.Consult, "department", _AT_WORK),
    "advise": Row(upwards.Advise, "addressee", _OPEN),
    "answer": Row(answering.Answer, "department", ("accepted",), ("answered",)),
    "answer-directly": Row(dispatching.AnswerDirectly, "coordinator", ("new",), ("answered",)),
    "sign-off": Row(answering.SignOff, "head", ("accepted",), ("answered",)),
    "send-back": Row(answering.SendBack, "head", ("accepted",)),
    "resolve": Row(answering.Resolve, "department", ("accepted", "answered")),
    "inspect": Row(answering.Inspect, "inspector", ("answered",), ("accepted", "new", "closed")),
    "decline": Row(dispatching.Decline, "coordinator", ("new",), ("closed",)),
    "feedback": Row(ending.Feedback, "sender", ("answered",), ("closed",)),
    "contest": Row(ending.Contest, "sender", ("closed",), ("answered",)),
    "review": Row(ending.Review, "coordinator", ("answered",), ("accepted", "new", "closed")),
    "close": Row(ending.Close, "coordinator", _OPEN, ("closed",)),
    "reopen": Row(ending.Reopen, "superior", ("closed",), ("accepted", "new")),
    "merge": Row(linking.Merge, "department", _AT_WORK, ("closed",)),
    "link": Row(linking.Link, "department", _OPEN),
    "split": Row(linking.Split, "department", _AT_WORK),
    "explain": Row(answering_for.Explain, "answerable", _EVER),
    "rectify": Row(answering_for.Rectify, "answerable", _EVER),
}


def row_of(command: Command) -> Row:
    """The table's row for a command."""
    return next(row for row in TABLE.values() if row.command is type(command))


def offered(case: Case) -> list[str]:
    """The commands that a case as it stands allows, by name. What the organisation forbids is refused when tried."""
    never = _never(case)
    return [name for name, row in TABLE.items() if case.state in row.states and name not in never]


def _never(case: Case) -> set[str]:
    """What the state alone would allow, but not what else stands in the case."""
    pending = case.returned_by is not None
    conditions = {
        "assign": not pending,
        "close": not pending,
        "merge": not pending,
        "uphold-return": pending,
        "refuse-return": pending,
        "return": case.returns < MOST_RETURNS,
        "contact": case.state != "answered" or case.owes("callback") is not None,
        "ask": answering.can_be_asked(case),
        "resume": case.pause is not None,
        "suspend": case.pause is None,
        "extend": case.pause is None and case.extension is None,
        "grant-extension": case.extension is not None,
        "refuse-extension": case.extension is not None,
        "contribute": case.owes("assist") is not None,
        "decline-assist": case.owes("assist") is not None,
        "release-assist": case.owes("assist") is not None,
        "advise": case.owes("opinion") is not None,
        "sign-off": case.draft is not None,
        "send-back": case.draft is not None,
        "resolve": not case.solved,
        "inspect": case.owes("inspect") is not None,
        "feedback": case.owes("review") is None,
        "review": case.owes("review") is not None,
        "contest": case.contested is None and case.outcome in {"declined", "silence", "withdrawn"},
        "reopen": case.merged_into is None,
        "explain": case.owes("explain") is not None,
        "rectify": case.owes("rectify") is not None,
    }
    return {name for name, holds in conditions.items() if not holds}


def decide(case: Case, command: Command, now: Now) -> list[CaseEvent]:
    """What a command makes happen. Raises Refused, naming the rule, where it may not."""
    row = row_of(command)
    if case.state not in row.states:
        allowed = ", ".join(offered(case)) or "nothing; a further message of the sender opens it again"
        name = next(name for name, one in TABLE.items() if one is row)
        raise Refused(
            f"{name}-not-while-{case.state}",
            f"`{name}` is not possible while the case is {case.state}. Possible now: {allowed}.",
        )
    events: list[CaseEvent] = []
    if case.pause is not None and command.ends_pause:
        events.append(pausing.resume(case, now, "answered"))
        case, now = resumed(case, events[0]), replace(now, begun=0)  # type: ignore[arg-type]
    events += command.decide(case, now)
    return stamped(
        case, now.desk.version, [event.model_copy(update={"actor": now.actor}) for event in events]
    )


def stamped(case: Case, version: str, events: Sequence[CaseEvent]) -> list[CaseEvent]:
    """The events, the first saying so where another version of the organisation file holds than before."""
    if not events or case.organisation == version:
        return [*events]
    return [events[0].model_copy(update={"organisation": version}), *events[1:]]
