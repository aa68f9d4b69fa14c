"""What a case's event means for people in the house: what each who is to be told of it is told, and when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.notify.course import Course, in_one_decision
from services.notify.rendering import known_language
from shared.events import Record
from shared.events.cases import (
    AnswerDrafted,
    AnswerSentBack,
    AssistAsked,
    AssistGiven,
    CaseAlarmed,
    CaseAnswered,
    CaseAssigned,
    CaseContested,
    CaseEscalated,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseReturned,
    CaseReviewed,
    CaseUrged,
    ExtensionAsked,
    ExtensionDecided,
    FeedbackGiven,
    Notice,
    OpinionAsked,
    OpinionGiven,
    PraisePassedOn,
    ReturnDecided,
    Started,
)
from shared.events.content import ContentRef
from shared.events.deliveries import (
    AlarmedRung,
    DeliveryQueued,
    DigestItem,
    DigestNoted,
    Happening,
    OwedThing,
)
from shared.events.supervised import CaseExplained, CaseOrdered, CaseRectified, ExplanationAsked
from shared.organisation import Organisation
from shared.rights import may_see_case, may_see_sender, person

SENDER = "sender"

_USUAL: dict[type[CaseEvent], Happening] = {
    AnswerDrafted: "drafted",
    AnswerSentBack: "sent_back",
    CaseContested: "contested",
    CaseEscalated: "escalated",
    CaseReopened: "reopened",
    CaseUrged: "urged",
    ExtensionAsked: "extension_asked",
    FeedbackGiven: "not_satisfied",
    OpinionAsked: "opinion_asked",
    OpinionGiven: "opinion_given",
    PraisePassedOn: "praise",
    ExplanationAsked: "explanation_asked",
    CaseExplained: "explained",
    CaseRectified: "rectified",
}
_WAITS_FOR_OTHERS = frozenset({"promise", "silence", "reply", "pause"})
"""What nobody who is told of it can do."""
_ADDRESSED = (AssistAsked, CaseEscalated, CaseOrdered, OpinionAsked)
"""What was written to those who are told."""
_SENDERS_OWN = (CaseContested, FeedbackGiven)
_EXPLAINS = (CaseReturned, CaseReviewed, ReturnDecided)
"""What is written with the first event of a decision explains what follows from it."""


class People:
    """Whoever works in the organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def told(
        self, record: Record, notice: Notice, course: Course, history: Sequence[Record]
    ) -> DeliveryQueued:
        """What one person is told of an event, in a mail of its own."""
        event = record.data
        assert isinstance(event, CaseEvent)
        facts: dict[str, Any]
        if isinstance(event, CaseAlarmed):
            facts = {"template": "alarm", "rungs": [*_rungs(event, notice, course)]}
        else:
            facts = self._facts(record, notice.person, course, history)
        at_once = notice.at is None or notice.digest  # one of a digest that is over has waited long enough
        not_before = None if at_once else notice.at
        return self._to(notice.person, record, course.opened, facts | {"not_before": not_before})

    def noted(self, record: Record, notice: Notice, course: Course) -> DigestNoted:
        """What an event adds to one person's digest."""
        event = record.data
        assert isinstance(event, CaseEvent)
        assert notice.at is not None
        case: dict[str, Any] = {"case": record.subject, "ref": course.opened.ref}
        if isinstance(event, CaseAlarmed):
            items = [
                DigestItem(
                    **case,
                    what=rung.action,
                    obligation=rung.obligation,
                    kind=rung.kind,
                    owner=rung.owner,
                    due=rung.due,
                )
                for rung in (event.rungs[index] for index in notice.rungs)
            ]
        else:
            what = self._happening(event, notice.person)
            first = min(_begun(event), key=lambda one: one.due, default=None)
            facts = first and {
                "obligation": first.id,
                "kind": first.kind,
                "owner": first.owner,
                "due": first.due,
            }
            items = [DigestItem(**case, what=what, **(facts or {}))]
        return DigestNoted(person=notice.person, at=notice.at, about=record.id, items=items)

    def liaison(self, record: Record, opened: CaseOpened) -> DeliveryQueued | None:
        """What the person posted with a case's sender is told of its arrival or its final answer: never of what is
        anonymous, nor of a report of wrongdoing."""
        if opened.liaison is None or opened.anonymous or opened.kind == "report":
            return None
        match event := record.data:
            case CaseOpened() if event.parent is None:
                return self._to(
                    opened.liaison, record, opened, {"template": "told", "happened": "liaison_arrived"}
                )
            case CaseAnswered() if event.final:
                facts = {"template": "told", "happened": "liaison_answered", "note": event.words}
                return self._to(opened.liaison, record, opened, facts)
        return None

    def digest(self, digest: str, closed: str, to: str, note: ContentRef) -> DeliveryQueued:
        """A digest's one mail."""
        return DeliveryQueued(
            case=digest,
            ref="",
            about=closed,
            template="digest",
            channel="email",
            party=to,
            language=self._language(to, ""),
            note=note,
        )

    def _to(self, to: str, record: Record, opened: CaseOpened, facts: dict[str, Any]) -> DeliveryQueued:
        return DeliveryQueued(
            case=record.subject,
            ref=opened.ref,
            about=record.id,
            channel="email",
            party=to,
            language=self._language(to, opened.language),
            **facts,
        )

    def _language(self, to: str, otherwise: str) -> str:
        found = self._organisation.person.get(to)
        return found.language if found else known_language(otherwise)

    def _facts(self, record: Record, to: str, course: Course, history: Sequence[Record]) -> dict[str, Any]:
        event = record.data
        assert isinstance(event, CaseEvent)
        before, _ = in_one_decision(history, record)
        actor, note = _written(event, before, course)
        owed = _begun(event) or [one for one in course.open.values() if one.kind not in _WAITS_FOR_OTHERS]
        return {
            "template": "told",
            "happened": self._happening(event, to),
            "actor": actor,
            "note": note if self._may_read(event, to, actor, course) else None,
            "words": course.options.get(event.opinion) if isinstance(event, OpinionGiven) else None,
            "choice": event.choice if isinstance(event, OpinionGiven) else None,
            "until": event.due if isinstance(event, ExtensionAsked | ExtensionDecided) else None,
            "department": _department(event, before, course),
            "owed": [OwedThing(kind=one.kind, owner=one.owner, due=one.due) for one in owed],
        }

    def _happening(self, event: CaseEvent, to: str) -> Happening:
        match event:
            case CaseAssigned():
                return "return_refused" if event.by == "return_refused" else "assigned"
            case CaseQueued():
                return "returned" if event.reason == "returned" else "queued"
            case AssistAsked():
                asked = to in self._organisation.who("holder", event.department)
                return "assist_asked" if asked else "cross"
            case AssistGiven():
                ways: dict[str, Happening] = {
                    "given": "assist_given",
                    "declined": "assist_declined",
                    "released": "assist_released",
                }
                return ways[event.outcome]
            case ExtensionDecided():
                return "extension_granted" if event.granted else "extension_refused"
            case CaseOrdered():
                return "ordered_again" if event.again else "ordered"
        return _USUAL.get(type(event), "changed")

    def _may_read(self, event: CaseEvent, to: str, actor: str | None, course: Course) -> bool:
        """Whether somebody may read what was written with an event. A sender's words may say who they are."""
        principal = person(self._organisation, to)
        if principal is None:
            return False
        if actor == SENDER:
            kind = course.opened.kind
            if kind == "report":
                return may_see_sender(principal, kind=kind, department=course.department)
        elif isinstance(event, _ADDRESSED):
            return True
        return may_see_case(
            principal,
            department=course.department,
            helpers=course.helpers,
            liaison=course.opened.liaison,
        )


def _rungs(event: CaseAlarmed, notice: Notice, course: Course) -> list[AlarmedRung]:
    rungs = []
    for rung in (event.rungs[index] for index in notice.rungs):
        begun = course.begun.get(rung.obligation)
        rungs.append(
            AlarmedRung(
                obligation=rung.obligation,
                kind=rung.kind,
                owner=rung.owner,
                action=rung.action,
                rung=rung.rung,
                since=begun.since if begun else course.opened.arrived_at,
                due=rung.due,
            )
        )
    return rungs


def _begun(event: CaseEvent) -> list[Started]:
    return [one for one in event.starts if one.kind not in _WAITS_FOR_OTHERS]


def _written(
    event: CaseEvent, before: CaseEvent | None, course: Course
) -> tuple[str | None, ContentRef | None]:
    """Who wrote what goes with an event: with itself, or with the one before that it follows from. Praise is its
    sender's."""
    if isinstance(event, PraisePassedOn):
        return SENDER, course.opened.words
    words = getattr(event, "words", None)
    if words is None and isinstance(before, _EXPLAINS):
        words = before.words
    actor = SENDER if isinstance(event, _SENDERS_OWN) else event.actor
    return actor, words if isinstance(words, ContentRef) else None


def _department(event: CaseEvent, before: CaseEvent | None, course: Course) -> str | None:
    """The department that a notice names."""
    if isinstance(before, CaseReturned):
        return before.department
    named = getattr(event, "department", None)
    return named if isinstance(named, str) else course.department
