"""Entries that contradict one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, NoParameters, Noted
from shared.events import REGISTRY
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseContested,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseResumed,
    CaseSuspended,
    FeedbackGiven,
    MessageAttached,
)
from shared.events.messages import MessageSettled
from shared.events.trail import TrailTicked


@dataclass
class _Stands:
    """A case as its entries say so far."""

    state: str = "new"
    suspended: bool = False
    owed: dict[str, Noted] = field(default_factory=dict)
    """What is owed, by the entry that began it."""
    began: dict[str, object] = field(default_factory=dict)
    """What each obligation began with."""
    messages: frozenset[str] = frozenset()
    """Those that are its own; a part that was split off tells its message from the whole."""
    latest: dict[str, Noted] = field(default_factory=dict)
    """Each aggregate's latest entry."""


Found = tuple[str, tuple[Noted, ...]]
"""What contradicts, as a code, and the entries."""


class Disagreement(CaseCheck[NoParameters]):
    """What one entry says can't be so where another is.

    Something ends that was not owed, or begins twice; a rung falls of what is not owed, or of another deadline than was
    begun; a case is accepted that nobody was given, answered or closed when it was closed already, reopened when it was
    open; a message of this case is settled as another's; an aggregate's time goes back. The house writes
    none of these. Exact: what is seen was written by a program that is wrong, or by a hand. Operations are asked,
    no department.
    """

    name = "disagreement"
    version = 1
    exact = True
    reads = frozenset(REGISTRY) - {TrailTicked.TYPE}
    parameters = NoParameters

    def examine(self, history: CaseHistory, parameters: NoParameters) -> Iterator[Doubt]:
        stands = _Stands(messages=_messages(history))
        for noted in history.entries:
            for what, entries in _contradicted(stands, history.case, noted):
                yield Doubt(
                    key=f"{what}/{noted.record.id}/{noted.index}",
                    since=noted.at,
                    evidence=entries,
                    case=history.case,
                )


def _messages(history: CaseHistory) -> frozenset[str]:
    own = (noted.said for noted in history.entries if noted.record.subject == history.case)
    return frozenset(
        said.message
        for said in own
        if isinstance(said, MessageAttached) or (isinstance(said, CaseOpened) and said.parent is None)
    )


def _contradicted(stands: _Stands, case: str, noted: Noted) -> Iterator[Found]:
    before = stands.latest.get(noted.record.subject)
    if before is not None and noted.at < before.at:
        yield "time-goes-back", (before, noted)
    stands.latest[noted.record.subject] = noted
    said = noted.said
    if isinstance(said, MessageSettled) and said.case != case and noted.record.subject in stands.messages:
        yield "settled-as-another's", (noted,)
    if noted.record.subject != case or not isinstance(said, CaseEvent):
        return
    yield from _owed(stands, noted, said)
    if (follows := _FOLLOWS.get(type(said))) is not None and (what := follows(stands, said)) is not None:
        yield what, (noted,)


def _owed(stands: _Stands, noted: Noted, said: CaseEvent) -> Iterator[Found]:
    for one in said.ends:
        began = stands.owed.pop(one.id, None)
        if began is None:
            yield "ends-what-is-not-owed", (noted,)
        elif one.how not in {"paused", "extended", "moved"}:
            stands.began.pop(one.id, None)
    for start in said.starts:
        if (before := stands.owed.get(start.id)) is not None:
            yield "begins-twice", (before, noted)
        stands.owed[start.id] = noted
        stands.began[start.id] = (start.kind, start.owner, start.due)
    if isinstance(said, CaseAlarmed):
        for rung in said.rungs:
            began = stands.owed.get(rung.obligation)
            if began is None:
                yield "rung-of-what-is-not-owed", (noted,)
            elif stands.began[rung.obligation] != (rung.kind, rung.owner, rung.due):
                yield "rung-of-another-deadline", (began, noted)


def _assigned(stands: _Stands, said: CaseEvent) -> str | None:
    wrong = stands.state in {"answered", "closed"}
    stands.state = "assigned"
    return "assigned-when-over" if wrong else None


def _queued(stands: _Stands, said: CaseEvent) -> None:
    stands.state = "new"


def _accepted(stands: _Stands, said: CaseEvent) -> str | None:
    wrong = stands.state != "assigned"
    stands.state = "accepted"
    return "accepted-when-not-given" if wrong else None


def _answered(stands: _Stands, said: CaseEvent) -> str | None:
    assert isinstance(said, CaseAnswered)
    wrong = stands.state in {"answered", "closed"} if said.final else stands.state == "closed"
    if said.final:
        stands.state = "answered"
    return "answered-when-over" if wrong else None


def _closed(stands: _Stands, said: CaseEvent) -> str | None:
    wrong = stands.state == "closed"
    stands.state, stands.suspended = "closed", False
    return "closed-twice" if wrong else None


def _reopened(stands: _Stands, said: CaseEvent) -> str | None:
    wrong = stands.state not in {"answered", "closed"}
    stands.state = "accepted"
    return "reopened-when-open" if wrong else None


def _feedback(stands: _Stands, said: CaseEvent) -> str | None:
    return None if stands.state == "answered" else "feedback-without-an-answer"


def _contested(stands: _Stands, said: CaseEvent) -> str | None:
    wrong = stands.state != "closed"
    stands.state = "answered"
    return "contested-when-open" if wrong else None


def _attached(stands: _Stands, said: CaseEvent) -> str | None:
    assert isinstance(said, MessageAttached)
    return _reopened(stands, said) if said.reopened else None


def _suspended(stands: _Stands, said: CaseEvent) -> str | None:
    wrong, stands.suspended = stands.suspended, True
    return "suspended-twice" if wrong else None


def _resumed(stands: _Stands, said: CaseEvent) -> str | None:
    wrong, stands.suspended = not stands.suspended, False
    return "resumed-when-running" if wrong else None


_FOLLOWS: dict[type[CaseEvent], Callable[[_Stands, CaseEvent], str | None]] = {
    CaseAssigned: _assigned,
    CaseQueued: _queued,
    CaseAccepted: _accepted,
    CaseAnswered: _answered,
    CaseClosed: _closed,
    CaseReopened: _reopened,
    CaseContested: _contested,
    FeedbackGiven: _feedback,
    MessageAttached: _attached,
    CaseSuspended: _suspended,
    CaseResumed: _resumed,
}
