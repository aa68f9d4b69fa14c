"""Cases as they are shown: to those who handle them, and to those who sent them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from services.routing.account import account
from services.routing.case import Case, soonest
from services.routing.commands import offered
from services.routing.desk import Desk
from services.routing.files import original_of
from services.routing.obligation import Obligation
from services.routing.published import Versions
from services.routing.shapes import (
    Entry,
    Explanation,
    ListedCase,
    Owed,
    ShownCase,
    ShownFile,
    ShownMessage,
    TrackedCase,
    TrackedEntry,
)
from shared.aggregate import Loaded
from shared.content import ContentGone
from shared.content.words import Evidence, MessageWords, Note
from shared.events import Record
from shared.events.cases import (
    CaseAnswered,
    CaseAssigned,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseReopened,
    CaseSplit,
    FeedbackGiven,
    MessageAttached,
    SenderAsked,
)
from shared.events.content import ContentRef
from shared.rights import Principal, may_see_sender
from shared.service import House


def listed(id: str, case: Case, now: datetime) -> ListedCase:
    """A case as it stands in a list."""
    due = soonest(case)
    owed = min(
        (one for one in case.obligations if one.due == due), key=lambda one: not one.binding, default=None
    )
    return ListedCase(
        id=id,
        ref=case.ref,
        kind=case.kind,
        channel=case.channel,
        state=case.state,
        department=case.department,
        arrived=case.arrived,
        promise=case.promise,
        due=due,
        owes=owed and owed.kind,
        overdue=due is not None and due < now,
        breached=bool(case.breached),
        returned_by=case.returned_by,
        closed=case.closed,
        outcome=case.outcome,
    )


class Views:
    """Puts together what is shown of one case, from its state, its history and its content."""

    def __init__(self, house: House, desk: Desk) -> None:
        self._store = house.store
        self._content = house.content
        self._clock = house.clock
        self._desk = desk
        self._versions = Versions(house)

    async def case(self, id: str, loaded: Loaded[Case], principal: Principal) -> ShownCase:
        """Everything of a case that somebody may see who may see the case."""
        case = loaded.state
        assert case is not None
        now = self._clock.now()
        history = await self._store.history(id)
        sender_too = self.sees_sender(principal, case)
        return ShownCase(
            **listed(id, case, now).model_dump(),
            version=loaded.version,
            language=case.language,
            can_mail=case.can_mail,
            anonymous=case.anonymous,
            related=await self._related(history),
            obligations=[self._owed(case, one, now) for one in case.obligations],
            explanation=await self._explanation(history),
            messages=[await self._message(record, sender_too=sender_too) for record in _messages(history)],
            timeline=[await self._entry(record) for record in history],
            account=account(history, await self._versions.named_in(history), now),
            commands=offered(case),
        )

    def sees_sender(self, principal: Principal, case: Case) -> bool:
        """Whether somebody who may see the case may see who sent it."""
        return may_see_sender(
            principal,
            kind=case.kind,
            department=case.department,
            helpers=case.helpers,
            liaison=case.liaison,
        )

    async def tracked(self, id: str, case: Case, message: str) -> TrackedCase:
        """What the sender of one of its messages sees: no internal notes, and nothing while it is unverified."""
        history = await self._store.history(id)
        if not belongs(history, message):
            return TrackedCase(ref=case.ref, state="under_review")
        return TrackedCase(
            ref=case.ref,
            state=case.state,
            kind=case.kind,
            department=self._name(case.department, case.language),
            arrived=case.arrived,
            promise=case.promise,
            outcome=case.outcome,
            entries=[
                entry for record in history if (entry := await self._told(record, case.language)) is not None
            ],
            asks_feedback=case.state == "answered",
        )

    def _owed(self, case: Case, one: Obligation, now: datetime) -> Owed:
        return Owed(
            id=one.id,
            kind=one.kind,
            owner=one.owner,
            since=one.since,
            due=one.due,
            limit=one.limit,
            binding=one.binding,
            overdue=one.due < now,
            breached=one.id in case.breached,
            next_action=None if one.next_rung is None else self._desk.step(one, one.next_rung).action,
            next_at=one.next_at,
        )

    def _name(self, department: str | None, language: str) -> str | None:
        found = self._desk.organisation.department.get(department or "")
        return found.names.get(language) if found else department

    async def _related(self, history: Iterable[Record]) -> str | None:
        opened = next((record.data for record in history), None)
        if not isinstance(opened, CaseOpened) or opened.related is None:
            return None
        other = next((record.data for record in await self._store.history(opened.related)), None)
        return other.ref if isinstance(other, CaseOpened) else None

    async def _explanation(self, history: list[Record]) -> Explanation | None:
        for record in reversed(history):
            event = record.data
            if not isinstance(event, CaseAssigned | CaseQueued):
                continue
            evidence = await self._evidence(event.evidence)
            assigned = isinstance(event, CaseAssigned)
            return Explanation(
                by=event.by if isinstance(event, CaseAssigned) else event.reason,
                rule=event.rule if isinstance(event, CaseAssigned) else None,
                department=event.department if isinstance(event, CaseAssigned) else None,
                words=evidence.words,
                score=evidence.score if assigned and event.evidence else None,
                alternatives=evidence.alternatives,
            )
        return None

    async def _evidence(self, content: ContentRef | None) -> Evidence:
        if content is None:
            return Evidence()
        try:
            return await self._content.open_model(content.ref, Evidence)
        except ContentGone:
            return Evidence()

    async def _message(self, record: Record, *, sender_too: bool) -> ShownMessage:
        event = record.data
        assert isinstance(event, CaseOpened | MessageAttached)
        shown = ShownMessage(
            id=event.message, channel=event.channel, at=record.time, verified=True, how="opened"
        )
        if isinstance(event, MessageAttached):
            shown = shown.model_copy(update={"verified": event.verified, "how": event.how})
        try:
            words = await self._content.open_model(event.words.ref, MessageWords)
        except ContentGone:
            return shown.model_copy(update={"gone": True})
        return shown.model_copy(
            update={
                "subject": words.subject,
                "text": words.text,
                "quoted": words.quoted or None,
                "sender": words.sender if sender_too else None,
                "attachments": [
                    ShownFile(
                        number=number, name=one.name, content_type=one.content_type, size=one.content.size
                    )
                    for number, one in enumerate(words.attachments, 1)
                ],
                "original": await self._original(event.message) if sender_too else None,
            }
        )

    async def _original(self, message: str) -> int | None:
        raw = await original_of(self._store, message)
        return raw.size if raw else None

    async def _entry(self, record: Record) -> Entry:
        event = record.data
        data = event.model_dump(mode="json", exclude_none=True, exclude={"words", "evidence", "actor"})
        return Entry(
            sequence=record.sequence,
            type=record.type,
            at=record.time,
            actor=event.actor if isinstance(event, CaseEvent) else None,
            text=await self._note(event),
            data={name: value for name, value in data.items() if value not in ([], "")},
        )

    async def _note(self, event: Any) -> str | None:
        words = getattr(event, "words", None)
        if not isinstance(words, ContentRef) or isinstance(event, CaseOpened | MessageAttached):
            return None
        try:
            return (await self._content.open_model(words.ref, Note)).text
        except ContentGone:
            return None

    async def _told(self, record: Record, language: str) -> TrackedEntry | None:
        event = record.data
        match event:
            case CaseOpened():
                return await self._said(TrackedEntry(what="received", at=event.arrived_at), event.words)
            case MessageAttached() if event.verified:
                what = "reopened" if event.reopened else "received"
                return await self._said(TrackedEntry(what=what, at=record.time), event.words)
            case CaseAssigned():
                name = self._name(event.department, language)
                return TrackedEntry(what="assigned", at=record.time, department=name)
            case SenderAsked():
                return TrackedEntry(what="question", at=record.time, text=await self._note(event))
            case CaseAnswered():
                what = "answer" if event.final else "interim_answer"
                return TrackedEntry(what=what, at=record.time, text=await self._note(event))
            case FeedbackGiven():
                return TrackedEntry(what="feedback", at=record.time, text=await self._note(event))
            case CaseReopened():
                return TrackedEntry(what="reopened", at=record.time)
            case CaseClosed():
                what = "declined" if event.outcome == "declined" else "closed"
                return TrackedEntry(what=what, at=record.time, text=await self._note(event))
        return None

    async def _said(self, entry: TrackedEntry, content: ContentRef) -> TrackedEntry:
        """With what the sender wrote then, where it still stands."""
        try:
            words = await self._content.open_model(content.ref, MessageWords)
        except ContentGone:
            return entry
        names = [one.name for one in words.attachments]
        return entry.model_copy(update={"text": words.text, "attachments": names})


def _messages(history: Iterable[Record]) -> list[Record]:
    return [record for record in history if isinstance(record.data, CaseOpened | MessageAttached)]


def belongs(history: Iterable[Record], message: str) -> bool:
    """Whether a message is known to come from the case's sender, so that its tracking code shows the case."""
    for record in _messages(history):
        event = record.data
        if isinstance(event, CaseOpened) and event.message == message:
            return True
        if isinstance(event, MessageAttached) and event.message == message:
            return event.verified
    return False


def parts(history: Iterable[Record]) -> list[str]:
    """Ids of the cases that were split off."""
    return [event.part for record in history if isinstance(event := record.data, CaseSplit)]
