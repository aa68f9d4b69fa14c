"""How far an erasure reaches: which contents of which cases are somebody's, found among everything that is kept.

Nothing indexes who somebody is: whatever could be looked up by an address would tell whose it is. So content is opened,
message by message, and its sender compared.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.routing.case import Case
from services.routing.tracked import addresses
from shared import ids
from shared.aggregate import Aggregates
from shared.content import ContentGone
from shared.content.words import MessageWords, Sender
from shared.events import Event, Record
from shared.events.cases import CaseOpened, MessageAttached
from shared.events.content import ContentRef, references
from shared.events.deliveries import DeliveryQueued
from shared.events.linked import CaseSplit
from shared.events.messages import DeliveryAnswered, MessageQuarantined, MessageReceived, MessageRefused
from shared.service import House

_PAGE = 500

Tell = Callable[[int], None]
"""Hears how many contents were looked at."""


class NobodyLikeThat(LookupError):
    """There is no such case or message. Says what was looked for."""


@dataclass(frozen=True)
class Wanted:
    """Whose words: a sender's, by mail address or telephone number; a case's; one message's."""

    sender: str | None = None
    case: str | None = None
    """Its ref."""
    message: str | None = None


@dataclass
class Matter:
    """A case with the parts that were split off it, which are of one sender and one message; or no case at all."""

    cases: dict[str, Case] = field(default_factory=dict)
    contents: dict[str | None, list[str]] = field(default_factory=dict)
    """By the case of the matter that they are of; by None where they are of no case."""
    messages: set[str] = field(default_factory=set)

    def add(self, case: str | None, refs: Iterable[str]) -> None:
        """Contents, each once."""
        known = {ref for refs in self.contents.values() for ref in refs}
        self.contents.setdefault(case, []).extend(ref for ref in dict.fromkeys(refs) if ref not in known)


class Reach:
    """Looks for them."""

    def __init__(self, house: House, cases: Aggregates[Case]) -> None:
        self._store = house.store
        self._content = house.content
        self._cases = cases

    async def of(self, wanted: Wanted, tell: Tell) -> list[Matter]:
        """Every matter that is reached. Raises NobodyLikeThat for a case or message that there never was."""
        if wanted.case is not None:
            return [await self._of_case(wanted.case, tell)]
        if wanted.message is not None:
            return [await self._of_message(wanted.message)]
        return await self._of_sender(wanted.sender or "", tell)

    async def _of_case(self, ref: str, tell: Tell) -> Matter:
        usual = ids.read_ref(ref)
        case_id = usual and await self._store.claimed(f"ref:{usual}")
        if not case_id or (await self._cases.load(case_id)).state is None:
            raise NobodyLikeThat(f"there is no case {ref}")
        matter = await self._matter(case_id, None)
        async for content, message, first in self._kept(tell):
            if message in matter.messages:
                matter.add(case_id, [content])
            elif first is not None and (case := await self._answered_about(first)) in matter.cases:
                matter.messages.add(message)
                matter.add(case, references(first.data))
        return matter

    async def _of_message(self, message: str) -> Matter:
        history = await self._store.history(message)
        if not history:
            raise NobodyLikeThat(f"there is no message {message}")
        matter = Matter(messages={message})
        case_id = await self._case_of(message)
        case = None if case_id is None else (await self._cases.load(case_id)).state
        if case_id is not None and case is not None:
            matter.cases = (await self._matter(case_id, frozenset())).cases
        matter.add(case_id if case else None, await self._said_in(history))
        return matter

    async def _of_sender(self, sender: str, tell: Tell) -> list[Matter]:
        own = addresses(Sender(email=sender) if "@" in sender else Sender(phone=sender))
        if not own:
            return []
        theirs: dict[str, list[str]] = {}
        answered: dict[str, list[Record]] = {}
        async for ref, message, first in self._kept(tell):
            if message in theirs:
                theirs[message].append(ref)
            elif first is None:
                continue
            elif await self._is_of(first, own):
                theirs[message] = [ref]
            elif (about := await self._answered_about(first)) is not None:
                answered.setdefault(about, []).append(first)
        return await self._matters(theirs, answered)

    async def _matters(
        self, theirs: Mapping[str, Sequence[str]], answered: Mapping[str, Sequence[Record]]
    ) -> list[Matter]:
        """`theirs` is what was said by somebody, message by message, with all that was said about it since."""
        matters: dict[str, Matter] = {}
        loose = Matter()
        for message, owned in theirs.items():
            case_id = await self._case_of(message)
            matter = loose
            if case_id is not None:
                known = (one for one in matters.values() if case_id in one.cases)
                matter = next(known, None) or await self._matter(case_id, frozenset(theirs))
                matters[next(iter(matter.cases))] = matter
            matter.messages.add(message)
            matter.add(case_id, owned)
            matter.add(case_id, await self._said_in(await self._store.history(message)))
        for matter in matters.values():
            for case_id in matter.cases:
                for first in answered.get(case_id, ()):
                    matter.messages.add(first.subject)
                    matter.add(case_id, references(first.data))
        return [*matters.values(), *([loose] if loose.messages else [])]

    async def _matter(self, case_id: str, theirs: frozenset[str] | None) -> Matter:
        """A case, with what it is part of and what is part of it.

        Of somebody who opened it, `theirs` among it, all is reached but what others wrote; of somebody who only
        wrote to another's case, nothing but that. Where nobody is asked for, everything is.
        """
        matter = Matter()
        root = case_id
        while (parent := _opening(await self._store.history(root)).parent) is not None:
            root = parent
        waiting = [root]
        while waiting:
            one = waiting.pop()
            state = (await self._cases.load(one)).state
            history = await self._store.history(one)
            if state is None:
                continue
            matter.cases[one] = state
            waiting += [event.part for record in history if isinstance(event := record.data, CaseSplit)]
            if theirs is None or state.message in theirs:
                await self._add(matter, one, history, theirs)
        return matter

    async def _add(
        self, matter: Matter, case_id: str, history: Sequence[Record], theirs: frozenset[str] | None
    ) -> None:
        for record in history:
            event = record.data
            if _anothers(event, theirs):
                continue
            matter.add(case_id, references(event))
            if isinstance(event, CaseOpened | MessageAttached):
                matter.messages.add(event.message)
                matter.add(case_id, await self._said_in(await self._store.history(event.message)))

    async def _said_in(self, history: Sequence[Record]) -> list[str]:
        """Every content of a message: an event names fifty files, the words name all."""
        refs = [ref for record in history for ref in references(record.data)]
        for words in {one.ref for one in map(_words, history) if one is not None}:
            try:
                opened = await self._content.open_model(words, MessageWords)
            except ContentGone:
                continue
            refs += [one.content.ref for one in opened.attachments]
        return list(dict.fromkeys(refs))

    async def _is_of(self, first: Record, own: set[str]) -> bool:
        """Whether a message is of somebody who is known by these; by the bytes, where nobody could read its sender."""
        words, raw = _words(first), getattr(first.data, "raw", None)
        try:
            if words is not None:
                sender = (await self._content.open_model(words.ref, MessageWords)).sender
                if (found := addresses(sender)) or raw is None:
                    return bool(own & found)
            if raw is None:
                return False
            plain = (await self._content.open(raw.ref)).lower()
        except (ContentGone, ValueError):
            return False
        return any(one.encode() in plain for one in own)

    async def _answered_about(self, first: Record) -> str | None:
        """The case about which a mail was, that a bounce or an automatic reply answers."""
        event = first.data
        if not isinstance(event, DeliveryAnswered) or event.automatic.delivery is None:
            return None
        queued = next(iter(await self._store.history(event.automatic.delivery)), None)
        return queued.data.case if queued and isinstance(queued.data, DeliveryQueued) else None

    async def _kept(self, tell: Tell) -> AsyncIterator[tuple[str, str, Record | None]]:
        """Everything that is kept of messages: what was said in them and, by whoever it was, about them.

        By reference and message; where a message is met for the first time, with its first event.
        """
        seen: set[str] = set()
        after, looked = "", 0
        while page := await self._content.kept(after, _PAGE):
            for ref, owner in page:
                if not owner.startswith("msg_"):
                    continue
                history = [] if owner in seen else await self._store.history(owner)
                seen.add(owner)
                yield ref, owner, next(iter(history), None)
            after = page[-1][0]
            looked += len(page)
            tell(looked)

    async def _case_of(self, message: str) -> str | None:
        case_id = await self._store.claimed(f"message:{message}") or ids.derived("case", message)
        return case_id if (await self._cases.load(case_id)).state is not None else None


def _anothers(event: Event, theirs: frozenset[str] | None) -> bool:
    """Whether it brought a message that is not known to be of the case's sender."""
    unknown = isinstance(event, MessageAttached) and not event.verified
    return unknown and theirs is not None and event.message not in theirs  # type: ignore[attr-defined]


def _opening(history: Sequence[Record]) -> CaseOpened:
    return next(record.data for record in history if isinstance(record.data, CaseOpened))


def _words(record: Record) -> ContentRef | None:
    """Where the words of a message stand, by the event that brought it."""
    match event := record.data:
        case MessageReceived():
            return event.words
        case MessageQuarantined():
            return event.words or event.raw
        case MessageRefused() | DeliveryAnswered():
            return None
    return None
