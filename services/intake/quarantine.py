"""Quarantine: what was kept but is no case until a person has looked at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.intake.message import MESSAGES, Message, NotInQuarantine, refuse, release
from shared.aggregate import Aggregates, NothingThere
from shared.content import ContentGone, seal_model
from shared.content.words import MessageWords, Note
from shared.events import Event
from shared.events.messages import MessageQuarantined, Refusal
from shared.service import House
from shared.store import Sealed, Where

Decide = Callable[[Message | None, datetime], Sequence[Event]]


_OPEN_TO_CLERKS = frozenset({"quarantined", "refused"})
"""A released one is a case: whoever may see the case may see it."""


@dataclass(frozen=True)
class Held:
    """A message that waits for a person to look, or was refused by one."""

    id: str
    message: Message
    event: MessageQuarantined


@dataclass(frozen=True)
class Looked:
    """All that can be read of one."""

    held: Held
    words: MessageWords

    @property
    def defects(self) -> Sequence[str]:
        """Codes of what had to be repaired or left out to read it."""
        return self.held.event.message.defects if self.held.event.message else ()


class Quarantine:
    """What waits there, and what a person makes of it."""

    def __init__(self, house: House, messages: Aggregates[Message]) -> None:
        self._house = house
        self._messages = messages

    async def waiting(
        self, after: tuple[int, str] | None = None, limit: int = 50
    ) -> tuple[list[Held], tuple[int, str] | None]:
        """The longest waiting first, from just past `after` on; and where the following page begins."""
        rows = await self._house.store.find(
            MESSAGES, [Where("quarantined", "not null")], order="quarantined", after=after, limit=limit + 1
        )
        found = [await self._held(document.id) for document, _ in rows[:limit]]
        last = rows[limit - 1] if len(rows) > limit else None
        return [held for held in found if held], (int(last[1]), last[0].id) if last else None

    async def look(self, message_id: str) -> Looked | None:
        """What can be read of a message in quarantine, or refused there; None for any other."""
        held = await self._held(message_id)
        if held is None:
            return None
        try:
            content = held.event.words or held.event.raw
            return Looked(held, await self._house.content.open_model(content.ref, MessageWords))
        except ContentGone:
            return Looked(held, MessageWords())

    async def original(self, message_id: str) -> bytes | None:
        """The bytes as they came; None for a message that `look` doesn't find, or whose bytes were erased."""
        held = await self._held(message_id)
        try:
            return await self._house.content.open(held.event.raw.ref) if held else None
        except ContentGone:
            return None

    async def release(self, message_id: str, actor: str) -> Message:
        """Let it become a case. Raises NotInQuarantine."""
        event = await self._event(message_id)
        if event is None:
            raise NotInQuarantine("it never was there")
        return await self._decide(message_id, "release", lambda state, _: release(state, event, actor))

    async def refuse(self, message_id: str, actor: str, reason: Refusal, text: str) -> Message:
        """Leave it what it is, and say why: by a code, and in words where there are any. Raises NotInQuarantine."""
        contents: tuple[Sealed, ...] = ()
        note = None
        if text.strip():
            sealed, note = seal_model(Note(text=text.strip()), owner=message_id, now=self._house.clock.now())
            contents = (sealed,)
        return await self._decide(
            message_id, "refuse", lambda state, _: refuse(state, actor, reason, note), contents
        )

    async def _decide(
        self, message_id: str, what: str, decide: Decide, contents: tuple[Sealed, ...] = ()
    ) -> Message:
        """Sent twice, the same decision is one; another one comes too late."""
        input_id = f"{message_id}/{what}"
        try:
            answer = await self._messages.answer(message_id, input_id, decide, contents=contents)
        except NothingThere as error:
            raise NotInQuarantine("there is no such message") from error
        return answer.state

    async def _held(self, message_id: str) -> Held | None:
        state = (await self._messages.load(message_id)).state
        if state is None or state.outcome not in _OPEN_TO_CLERKS:
            return None
        event = await self._event(message_id)
        return Held(message_id, state, event) if event else None

    async def _event(self, message_id: str) -> MessageQuarantined | None:
        """What was said of it when it was put there: a message's first event."""
        first = next(iter(await self._house.store.history(message_id)), None)
        return first.data if first and isinstance(first.data, MessageQuarantined) else None
