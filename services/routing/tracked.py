"""What a sender sees of a case: what was said to them and by them, and what they may do; nobody's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.routing.case import Case, State
from services.routing.commands import offered
from services.routing.shapes import ShownErasure
from services.routing.told import ANSWERS, OF_ANOTHER, WITH_WORDS, TrackedEntry, told
from shared.aggregate import Aggregates
from shared.content import ContentGone
from shared.content.words import MessageWords, Note, Sender
from shared.events import Record
from shared.events.cases import CaseAssigned, CaseErased, CaseOpened, MessageAttached, Outcome
from shared.events.content import ContentRef
from shared.events.linked import CaseJoined, CaseMerged, CaseSplit
from shared.events.messages import Kind
from shared.organisation import Organisation
from shared.service import House

_A_DAY = timedelta(days=1)


class Matter(BaseModel):
    """One case as its sender sees it."""

    ref: str
    state: State | Literal["under_review"] = Field(
        description="`under_review`: an officer must see first whether the message belongs to this case"
    )
    kind: Kind | None = None
    department: str | None = Field(None, description="Its name, in the case's language")
    arrived: datetime | None = None
    promise: datetime | None = None
    outcome: Outcome | None = None
    entries: list[TrackedEntry] = []
    waits_until: datetime | None = Field(
        None, description="A question to the sender is open, and its reply is waited for until then"
    )
    in_review: bool = Field(False, description="Another person is looking at the sender's no")
    asks_feedback: bool = Field(False, description="An answer was sent: is the matter solved?")
    may_contest: bool = Field(False, description="The sender can disagree with how it ended")
    may_urge: bool = Field(False, description="The sender can ask to hurry, which is possible once a day")
    erased: ShownErasure | None = Field(None, description="When something of it was last erased, and why")


class TrackedCase(Matter):
    """The sender's view of a case."""

    message_id: str | None = Field(
        None, description="The message that it is followed by: whose receipt they hold"
    )
    parts: list[Matter] = Field([], description="Parts that were split off and go their own way")
    goes_on: Matter | None = Field(
        None, description="The case that it was merged into, and what was answered there since"
    )


class Tracks:
    """Puts together what a sender sees."""

    def __init__(self, house: House, cases: Aggregates[Case], organisation: Organisation) -> None:
        self._store = house.store
        self._content = house.content
        self._clock = house.clock
        self._cases = cases
        self._organisation = organisation

    async def case(self, id: str, case: Case, message: str) -> TrackedCase:
        """What the sender of one of its messages sees: no internal notes, and nothing while it is unverified."""
        history = await self._store.history(id)
        if not belongs(history, message):
            return TrackedCase(ref=case.ref, state="under_review", message_id=message)
        listener = await self._listener(history, message)
        matter = await self._matter(case, history, listener)
        return TrackedCase(
            **dict(matter),
            message_id=message,
            parts=[
                await self._matter(part, await self._store.history(id), listener)
                for id, part in (await self.parts(history) if listener.everything else [])
            ],
            goes_on=await self._goes_on(case, history),
        )

    async def parts(self, history: Sequence[Record]) -> list[tuple[str, Case]]:
        """The cases that were split off, and what was split off those, by their ids."""
        found: list[tuple[str, Case]] = []
        for record in history:
            if not isinstance(event := record.data, CaseSplit):
                continue
            if (part := (await self._cases.load(event.part)).state) is not None:
                found.append((event.part, part))
                found += await self.parts(await self._store.history(event.part))
        return found

    async def _matter(self, case: Case, history: Sequence[Record], listener: _Listener) -> Matter:
        possible = offered(case)
        reply = case.owes("reply")
        return Matter(
            ref=case.ref,
            state=case.state,
            kind=case.kind,
            department=self._name(case.department, case.language),
            arrived=case.arrived,
            promise=case.promise,
            outcome=case.outcome,
            entries=await self._entries(case, history, listener),
            waits_until=reply and reply.due,
            in_review=case.owes("review") is not None,
            asks_feedback="feedback" in possible,
            may_contest="contest" in possible,
            erased=erased_in(history),
            may_urge="urge" in possible and (case.urged is None or self._clock.now() - case.urged >= _A_DAY),
        )

    async def _goes_on(self, case: Case, history: Sequence[Record]) -> Matter | None:
        """The case that it ended up in, with what was answered there since."""
        if case.merged_into is None:
            return None
        entries: list[TrackedEntry] = []
        other = case
        while other.merged_into is not None:
            merged = next(one for one in reversed(history) if isinstance(one.data, CaseMerged))
            loaded = (await self._cases.load(other.merged_into)).state
            assert loaded is not None
            history = await self._store.history(other.merged_into)
            other = loaded
            entries += [
                entry for entry in await self._entries(other, history, _ANOTHER) if entry.at >= merged.time
            ]
        return Matter(
            ref=other.ref,
            state=other.state,
            kind=other.kind,
            department=self._name(other.department, case.language),
            promise=other.promise,
            outcome=other.outcome,
            entries=entries,
        )

    async def _entries(
        self, case: Case, history: Sequence[Record], listener: _Listener
    ) -> list[TrackedEntry]:
        """What happened, as far as it is theirs to hear."""
        entries: list[TrackedEntry] = []
        department: str | None = None
        for record in history:
            entry = told(record.data, record.time, department)
            if entry is not None and (listener.everything or entry.what in OF_ANOTHER | {"received"}):
                with_words = await self._worded(entry, case, record.data, listener)
                entries += [with_words] if with_words else []
            if isinstance(record.data, CaseAssigned):
                department = record.data.department
        return entries

    async def _worded(
        self, entry: TrackedEntry, case: Case, event: Any, listener: _Listener
    ) -> TrackedEntry | None:
        """With what was written, where it still stands; None for what another sender wrote."""
        match event:
            case CaseOpened() | MessageAttached():
                words = await self._words(event.words)
                if not listener.wrote(event.message, words):
                    return entry if entry.what == "reopened" else None
                names = [one.name for one in words.attachments] if words else []
                return entry.model_copy(
                    update={"text": words and words.text, "attachments": names, "gone": words is None}
                )
            case CaseAssigned():
                return entry.model_copy(update={"department": self._name(event.department, case.language)})
            case CaseSplit():
                part = (await self._cases.load(event.part)).state
                return entry.model_copy(update={"ref": part and part.ref})
        if entry.what not in (WITH_WORDS if listener.everything else ANSWERS):
            return entry
        text = await self._note(event.words)
        return entry.model_copy(update={"text": text, "gone": text is None and event.words is not None})

    async def _listener(self, history: Sequence[Record], message: str) -> _Listener:
        """Who looks. In a case that others were merged into, everybody hears again only what they wrote themselves."""
        if not any(isinstance(record.data, CaseJoined) for record in history):
            return _Listener(everything=True)
        said = {
            event.message: await self._words(event.words)
            for record in messages(history)
            if isinstance(event := record.data, CaseOpened | MessageAttached)
        }
        before = takewhile(lambda record: not isinstance(record.data, CaseJoined), history)
        first = frozenset(
            event.message
            for record in before
            if isinstance(event := record.data, CaseOpened)
            or (isinstance(event, MessageAttached) and event.verified)
        )
        words = said[message]
        own = addresses(words.sender) if words else set()
        opened = message in first or any(
            words is not None and own & addresses(words.sender) for one, words in said.items() if one in first
        )
        return _Listener(opened, first if opened else frozenset({message}), frozenset(own))

    async def _words(self, content: ContentRef) -> MessageWords | None:
        try:
            return await self._content.open_model(content.ref, MessageWords)
        except ContentGone:
            return None

    async def _note(self, content: ContentRef | None) -> str | None:
        if content is None:
            return None
        try:
            return (await self._content.open_model(content.ref, Note)).text
        except ContentGone:
            return None

    def _name(self, department: str | None, language: str) -> str | None:
        found = self._organisation.department.get(department or "")
        return found.names.get(language) if found else department


@dataclass(frozen=True, slots=True)
class _Listener:
    """Somebody who follows a case, and what of it is theirs."""

    everything: bool = False
    """They opened it, or are who did: nothing that was said with its sender is closed to them."""
    messages: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    def wrote(self, message: str, words: MessageWords | None) -> bool:
        """Whether a message is theirs."""
        if message in self.messages or not self.messages:
            return True
        return words is not None and bool(self.addresses & addresses(words.sender))


_ANOTHER = _Listener(messages=frozenset({""}))


def messages(history: Iterable[Record]) -> list[Record]:
    """The records of the events that brought a message to the case."""
    return [record for record in history if isinstance(record.data, CaseOpened | MessageAttached)]


def erased_in(history: Sequence[Record]) -> ShownErasure | None:
    """The last erasure of something that was said in the case."""
    for record in reversed(history):
        if isinstance(event := record.data, CaseErased):
            return ShownErasure(at=record.time, ground=event.ground)
    return None


def belongs(history: Iterable[Record], message: str) -> bool:
    """Whether a message is known to come from the case's sender, so that its tracking code shows the case."""
    for record in messages(history):
        event = record.data
        if isinstance(event, CaseOpened) and event.message == message:
            return True
        if isinstance(event, MessageAttached) and event.message == message:
            return event.verified
    return False


def addresses(sender: Sender) -> set[str]:
    """How a sender can be known again: e-mail address and telephone number, each in one form."""
    number = re.sub(r"\D", "", sender.phone or "").removeprefix("00").removeprefix("86")
    address = (sender.email or "").strip().casefold()
    return {one for one in (number, address) if one}
