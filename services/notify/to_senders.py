"""What a case's event means for its sender: what they are told of it, if anything. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.notify.course import course, in_one_decision
from services.notify.rendering import known_language
from shared.events import Record
from shared.events.cases import (
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseReopened,
    CaseReviewed,
    CaseSuspended,
    ExtensionDecided,
    ReturnDecided,
    SenderAsked,
)
from shared.events.deliveries import DeliveryQueued, Template
from shared.events.linked import CaseMerged

Facts = dict[str, Any]
"""The template, and what a delivery to a sender says besides whose it is."""

FOR_ALL_WHO_JOINED: frozenset[Template] = frozenset({"answer", "reviewed"})
"""What the senders of cases that were merged into one are told of it; a question is for whoever can answer it."""
_HANDS_OVER = frozenset({"coordinator", "transfer"})
_TAKES_UP = frozenset({"by_hand", "not_passed"})


def concerns_sender(event: CaseEvent) -> bool:
    """Whether a sender may have to be told of an event: looked at first, for the many of which they need not."""
    match event:
        case CaseAnswered() | SenderAsked() | CaseReviewed() | CaseMerged():
            return True
        case CaseClosed():
            return event.outcome == "declined"
        case CaseAssigned():
            return event.by in _HANDS_OVER
        case ExtensionDecided():
            return event.granted and event.promise is not None
        case CaseReopened():
            return event.reason in _TAKES_UP
    return False


def acknowledgement(record: Record, opened: CaseOpened) -> DeliveryQueued:
    """What a sender is told at once: the ref, the way to follow it, what is promised; thanks for praise."""
    facts: Facts = {"template": "thanks"} if opened.kind == "praise" else {"promise": opened.promise}
    return to_sender(record.id, record.subject, opened, {"template": "acknowledgement"} | facts)


def to_sender(about: str, case: str, opened: CaseOpened, facts: Facts) -> DeliveryQueued:
    """What the sender of a case is told."""
    return DeliveryQueued(
        case=case,
        ref=opened.ref,
        about=about,
        channel="email",
        party="sender",
        language=known_language(opened.language),
        message=opened.message,
        words=opened.words,
        **facts,
    )


def told(record: Record, history: Sequence[Record]) -> Facts | None:
    """What its sender is told of an event that may concern them; None where there is nothing to tell."""
    before, after = in_one_decision(history, record)
    match event := record.data:
        case CaseAnswered():
            return _answer(event)
        case SenderAsked():
            waits = isinstance(after, CaseSuspended) and after.reason == "sender"
            return {"template": "question", "note": event.words, "until": after.until if waits else None}  # type: ignore[union-attr]
        case CaseReviewed():
            return {"template": "reviewed", "note": event.words, "outcome": event.outcome}
        case CaseReopened():
            return {"template": "reviewed", "outcome": "taken_up"}
        case CaseMerged():
            return {"template": "merged", "other": event.into_ref}
        case CaseClosed() if not isinstance(before, CaseReviewed):  # that one has said how it ended
            return {"template": "declined", "note": event.words, "declined": event.reason}
        case CaseAssigned() if event.by == "transfer" or _upheld(before):
            return {"template": "handed_over", "department": event.department}
        case ExtensionDecided():
            return _extended(event, record, history)
    return None


def _answer(event: CaseAnswered) -> Facts:
    closes_at = next((one.due for one in event.starts if one.kind == "silence"), None)
    return {"template": "answer", "note": event.words, "final": event.final, "closes_at": closes_at}


def _extended(event: ExtensionDecided, record: Record, history: Sequence[Record]) -> Facts | None:
    promised = course(history, record.sequence - 1).promise
    later = event.promise is not None and (promised is None or event.promise > promised)
    return {"template": "extended", "promise": event.promise} if later else None


def _upheld(before: CaseEvent | None) -> bool:
    return isinstance(before, ReturnDecided) and before.upheld
