"""Cases as they are shown to those who handle them, or were asked to help; `tracked.py` says what senders see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.routing.account import account
from services.routing.asked import Asked
from services.routing.case import Case, Pause, soonest
from services.routing.desk import Desk
from services.routing.files import original_of
from services.routing.obligation import Obligation
from services.routing.published import Versions
from services.routing.shapes import (
    AskedExtension,
    CaseLink,
    Entry,
    Explanation,
    ListedCase,
    Owed,
    ShownCase,
    ShownDraft,
    ShownFile,
    ShownMessage,
    ShownPause,
)
from services.routing.tracked import erased_in, messages
from shared.aggregate import Loaded
from shared.content import ContentGone
from shared.content.words import Attachment, Evidence, MessageWords, Options
from shared.events import Record
from shared.events.cases import (
    CaseAssigned,
    CaseEvent,
    CaseOpened,
    CaseQueued,
    CaseSuspended,
    ExtensionAsked,
    MessageAttached,
    SenderOpened,
)
from shared.events.content import ContentRef
from shared.events.linked import CaseJoined, CaseLinked, CaseMerged, CaseSplit
from shared.organisation import Organisation
from shared.rights import Principal, may_see_sender, must_say_why
from shared.service import House

E = TypeVar("E", bound=CaseEvent)

SENDER_OPEN_FOR = timedelta(days=1)
"""How long the reason holds with which somebody had a sender opened for them."""


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
        category=case.category,
        urgent=case.urgent,
        case_class=case.case_class,
        suspended=case.pause is not None,
        arrived=case.arrived,
        promise=case.promise,
        due=due,
        owes=owed and owed.kind,
        overdue=due is not None and due < now,
        breached=bool(case.breached),
        returned_by=case.returned_by,
        asked=[one.owner for one in case.owed("assist", "opinion", "explain", "rectify")],
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

    async def case(
        self, id: str, loaded: Loaded[Case], principal: Principal, commands: Sequence[str]
    ) -> ShownCase:
        """Everything of a case that somebody may see who may see the case, and what they may do (`commands`)."""
        case = loaded.state
        assert case is not None
        now = self._clock.now()
        history = await self._store.history(id)
        sender_too = self.sees_sender(principal, case, history)
        links = await self._links(history)
        asked = Asked(case, self._said)
        await asked.read(history)
        return ShownCase(
            **dict(listed(id, case, now)),
            version=loaded.version,
            language=case.language,
            can_mail=case.can_mail,
            anonymous=case.anonymous,
            category_names=self._duty(case.category),
            scope=case.scope,
            sender_kind=case.sender_kind,
            related=next((link.ref for link in links if link.relation == "thread"), None),
            pause=await self._pause(case.pause, history),
            extension=await self._extension(case, history),
            draft=await self._draft(case),
            assists=asked.assists,
            opinions=asked.opinions,
            demands=asked.demands,
            helpers=[*case.helpers],
            links=links,
            returns=case.returns,
            extensions=case.extensions,
            answered_by=case.answered_by,
            solved=case.solved,
            contested=case.contested,
            obligations=[self._owed(case, one, principal, now) for one in case.obligations],
            explanation=await self._explanation(history),
            sender_closed=not sender_too and self.may_open_sender(principal, case),
            erased=erased_in(history),
            messages=[await self._message(record, sender_too=sender_too) for record in messages(history)],
            timeline=[await self._entry(record) for record in history],
            account=account(history, await self._versions.named_in(history), now),
            commands=[*commands],
        )

    def sees_sender(self, principal: Principal, case: Case, history: Sequence[Record]) -> bool:
        """Whether somebody who may see the case sees who sent it: where they must say why, once they have."""
        if not self.may_open_sender(principal, case):
            return False
        if not must_say_why(principal, kind=case.kind, department=case.department):
            return True
        since = self._clock.now() - SENDER_OPEN_FOR
        return any(
            isinstance(event := record.data, SenderOpened)
            and event.actor == principal.id
            and record.time > since
            for record in history
        )

    def may_open_sender(self, principal: Principal, case: Case) -> bool:
        """Whether somebody who may see the case may see who sent it, if they say why."""
        return may_see_sender(
            principal,
            kind=case.kind,
            department=case.department,
            helpers=case.helpers,
            liaison=case.liaison,
        )

    def _owed(self, case: Case, one: Obligation, principal: Principal, now: datetime) -> Owed:
        return Owed(
            id=one.id,
            kind=one.kind,
            owner=one.owner,
            owner_names=self._names(one.owner),
            yours=owes(self._desk.organisation, principal, one.owner),
            since=one.since,
            due=one.due,
            limit=one.limit,
            binding=one.binding,
            overdue=one.due < now,
            breached=one.id in case.breached,
            about=one.about,
            next_action=None if one.next_rung is None else self._desk.step(one, one.next_rung).action,
            next_at=one.next_at,
        )

    def _duty(self, category: str | None) -> dict[str, str]:
        found = self._desk.organisation.duty.get(category or "")
        return dict(found[1].names.root.items()) if found else {}

    def _names(self, owner: str) -> dict[str, str]:
        organisation = self._desk.organisation
        if owner in organisation.department:
            return dict(organisation.department[owner].names.root.items())
        people = [organisation.person[one].names for one in self._desk.people(["holder"], owner)]
        return {
            language: ", ".join(one.get(language) for one in people) for language in organisation.languages
        }

    async def _pause(self, pause: Pause | None, history: Sequence[Record]) -> ShownPause | None:
        if pause is None:
            return None
        event = _last(history, CaseSuspended)
        text = await self._note(event.words)
        return ShownPause(reason=pause.reason, since=pause.since, until=event.until, text=text)

    async def _extension(self, case: Case, history: Sequence[Record]) -> AskedExtension | None:
        if case.extension is None:
            return None
        event = _last(history, ExtensionAsked)
        return AskedExtension(until=case.extension, by=event.actor, text=await self._note(event.words))

    async def _draft(self, case: Case) -> ShownDraft | None:
        draft = case.draft
        if draft is None:
            return None
        return ShownDraft(text=await self._note(draft.words), by=draft.by, resolved=draft.resolved)

    async def _links(self, history: Iterable[Record]) -> list[CaseLink]:
        links: list[CaseLink] = []
        for record in history:
            match record.data:
                case CaseOpened(related=str(other)):
                    links += await self._link(other, "thread")
                case CaseOpened(parent=str(other)):
                    links += await self._link(other, "parent")
                case CaseSplit(part=other):
                    links += await self._link(other, "part")
                case CaseLinked(ref=ref, relation=relation):
                    links.append(CaseLink(ref=ref, relation=relation))
                case CaseMerged(into_ref=ref):
                    links.append(CaseLink(ref=ref, relation="merged_into"))
                case CaseJoined(ref=ref):
                    links.append(CaseLink(ref=ref, relation="joined"))
        return links

    async def _link(self, other: str, relation: Any) -> list[CaseLink]:
        opened = next((record.data for record in await self._store.history(other)), None)
        return [CaseLink(ref=opened.ref, relation=relation)] if isinstance(opened, CaseOpened) else []

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
                "attachments": _files(words.attachments),
                "original": await self._original(event.message) if sender_too else None,
            }
        )

    async def _original(self, message: str) -> int | None:
        raw = await original_of(self._store, message)
        return raw.size if raw else None

    async def _entry(self, record: Record) -> Entry:
        event = record.data
        data = event.model_dump(mode="json", exclude_none=True, exclude={"words", "evidence", "actor"})
        of_a_message = isinstance(event, CaseOpened | MessageAttached)
        words = None if of_a_message else getattr(event, "words", None)
        said = await self._said(words)
        return Entry(
            sequence=record.sequence,
            type=record.type,
            at=record.time,
            actor=event.actor if isinstance(event, CaseEvent) else None,
            text=said and said.text,
            options=[*said.options] if said else [],
            preferred=said.preferred if said and said.options else None,
            files=_files(said.attachments) if said else [],
            gone=words is not None and said is None,
            data={name: value for name, value in data.items() if value not in ([], "")},
        )

    async def _said(self, words: ContentRef | None) -> Options | None:
        """What was written, with the options where there are some."""
        if words is None:
            return None
        try:
            return await self._content.open_model(words.ref, Options)
        except ContentGone:
            return None

    async def _note(self, words: ContentRef | None) -> str | None:
        said = await self._said(words)
        return said.text if said else None


def _files(attachments: Iterable[Attachment]) -> list[ShownFile]:
    return [
        ShownFile(number=number, name=one.name, content_type=one.content_type, size=one.content.size)
        for number, one in enumerate(attachments, 1)
    ]


def owes(organisation: Organisation, principal: Principal, owner: str) -> bool:
    """Whether what `owner` owes is somebody's to do: they work there, or are in the post."""
    return owner in principal.works_in or principal.id in organisation.who("holder", owner)


def _last(history: Sequence[Record], kind: type[E]) -> E:
    return next(record.data for record in reversed(history) if isinstance(record.data, kind))
