"""What a sender hears of each event of their case. Pure; nobody's name stands in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.events import Event
from shared.events.cases import (
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseContested,
    CaseOpened,
    CaseReopened,
    CaseResumed,
    CaseReviewed,
    CaseSuspended,
    CaseUrged,
    ExtensionDecided,
    FeedbackGiven,
    MessageAttached,
    PauseReason,
    SenderAsked,
)
from shared.events.linked import CaseMerged, CaseSplit

What = Literal[
    "received",
    "assigned",
    "handed_over",
    "question",
    "suspended",
    "resumed",
    "extended",
    "interim_answer",
    "answer",
    "feedback",
    "contested",
    "reviewed",
    "urged",
    "reopened",
    "split",
    "merged",
    "passed_on",
    "declined",
    "closed",
]

ANSWERS: frozenset[What] = frozenset({"interim_answer", "answer"})
WITH_WORDS: frozenset[What] = ANSWERS | {
    "question",
    "feedback",
    "contested",
    "reviewed",
    "declined",
    "closed",
}
"""What was written with these was written to the sender, or by them."""
OF_ANOTHER: frozenset[What] = ANSWERS | {
    "assigned",
    "handed_over",
    "extended",
    "reopened",
    "declined",
    "closed",
}
"""What somebody hears of the case that theirs was merged into; its sender's words are nobody else's."""


class TrackedEntry(BaseModel):
    """What the sender hears of their case."""

    what: What
    at: datetime
    department: str | None = None
    text: str | None = Field(None, description="What was written, by the sender or to them")
    attachments: list[str] = Field([], description="Names of the files that came with it")
    gone: bool = Field(False, description="What was written with it was erased")
    until: datetime | None = Field(
        None, description="The new date, or when the clock runs again at the latest"
    )
    reason: PauseReason | None = Field(None, description="Why the clock stands still")
    outcome: Literal["reopened", "followed_up", "upheld"] | None = Field(
        None, description="What the review of the sender's no came to"
    )
    ref: str | None = Field(
        None, description="The part that was split off, or the case that this one goes on as"
    )


def told(event: Event, at: datetime, before: str | None) -> TrackedEntry | None:
    """What the sender hears of an event, without what was written with it. `before`: the department that had it."""
    if isinstance(event, CaseAssigned):
        if event.department == before:
            return None
        return TrackedEntry(what="handed_over" if before else "assigned", at=at, department=event.department)
    tells = _TELLS.get(type(event))
    return tells(event, at) if tells else None


def _opened(event: CaseOpened, at: datetime) -> TrackedEntry | None:
    return None if event.parent else TrackedEntry(what="received", at=event.arrived_at)


def _attached(event: MessageAttached, at: datetime) -> TrackedEntry | None:
    what: What = "reopened" if event.reopened else "received"
    return TrackedEntry(what=what, at=at) if event.verified else None


def _asked(event: SenderAsked, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="question", at=at)


def _suspended(event: CaseSuspended, at: datetime) -> TrackedEntry | None:
    if event.reason == "sender":
        return None  # the question stands there
    return TrackedEntry(what="suspended", at=at, reason=event.reason, until=event.until)


def _resumed(event: CaseResumed, at: datetime) -> TrackedEntry | None:
    return TrackedEntry(what="resumed", at=at) if event.reason in {"by_hand", "lapsed"} else None


def _extended(event: ExtensionDecided, at: datetime) -> TrackedEntry | None:
    if not event.granted:
        return None
    return TrackedEntry(what="extended", at=at, until=event.promise or event.due)


def _answered(event: CaseAnswered, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="answer" if event.final else "interim_answer", at=at)


def _heard(event: FeedbackGiven, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="feedback", at=at)


def _contested(event: CaseContested, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="contested", at=at)


def _reviewed(event: CaseReviewed, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="reviewed", at=at, outcome=event.outcome)


def _urged(event: CaseUrged, at: datetime) -> TrackedEntry | None:
    return TrackedEntry(what="urged", at=at) if event.by == "sender" else None


def _reopened(event: CaseReopened, at: datetime) -> TrackedEntry | None:
    return None if event.reason == "reviewed" else TrackedEntry(what="reopened", at=at)


def _split(event: CaseSplit, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="split", at=at)


def _merged(event: CaseMerged, at: datetime) -> TrackedEntry:
    return TrackedEntry(what="merged", at=at, ref=event.into_ref)


def _closed(event: CaseClosed, at: datetime) -> TrackedEntry | None:
    if event.outcome == "merged":
        return None  # that it goes on as another was said
    ends: dict[str, What] = {"declined": "declined", "passed_on": "passed_on"}
    return TrackedEntry(what=ends.get(event.outcome, "closed"), at=at)


_TELLS: dict[type[Event], Callable[[Any, datetime], TrackedEntry | None]] = {
    CaseAnswered: _answered,
    CaseClosed: _closed,
    CaseContested: _contested,
    CaseMerged: _merged,
    CaseOpened: _opened,
    CaseReopened: _reopened,
    CaseResumed: _resumed,
    CaseReviewed: _reviewed,
    CaseSplit: _split,
    CaseSuspended: _suspended,
    CaseUrged: _urged,
    ExtensionDecided: _extended,
    FeedbackGiven: _heard,
    MessageAttached: _attached,
    SenderAsked: _asked,
}
