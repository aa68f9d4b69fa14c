"""The door itself: what a channel made of what came becomes one durable message, once (DESIGN.md section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.intake.message import Message
from services.intake.receipts import Receipts
from shared import ids, metrics
from shared.aggregate import Aggregates, Answer
from shared.content import model_bytes, seal
from shared.content.words import Attachment, MessageWords
from shared.events import Event
from shared.events.content import ContentRef
from shared.events.messages import (
    Automatic,
    Channel,
    DeliveryAnswered,
    Kind,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
)
from shared.room import Room
from shared.service import House
from shared.store import LARGE_FROM_BYTES, Sealed
from shared.tokens import Tokens
from shared.tracking import Tracking

MOST_FILES = 50
MOST_EARLIER = 50
"""An event has at most 32 KiB. `words`, to which it commits, names every file; the oldest mail of a
conversation is its thread."""


@dataclass(frozen=True)
class File:
    """A file that came with a message."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Incoming:
    """What a channel made of what came. The door turns it into a message; it decides nothing else."""

    channel: Channel
    endpoint: str
    words: MessageWords
    own_key: str | None = None
    """The channel's own key (a Message-ID, an Idempotency-Key); without one, each coming is a message of its own."""
    raw: bytes | None = None
    """The bytes as they came, where the channel's form is not ours."""
    files: Sequence[File] = ()
    conversation: str | None = None
    """The oldest message of the conversation, by the channel's own key; without one it begins with this one."""
    earlier: Sequence[str] = ()
    """The other messages it refers to, oldest first."""
    reply_case: str | None = None
    follows: str | None = None
    """The earlier message whose tracking code its sender holds."""
    thread: str | None = None
    """The thread itself, where a code of ours named a message of it."""
    hint_ref: str | None = None
    kind: Kind | None = None
    department: str | None = None
    anonymous: bool = False
    acknowledge: bool = True
    """Whether a machine may answer it (RFC 3834)."""
    occurred_at: datetime | None = None
    defects: Sequence[str] = ()
    quarantine: str | None = None
    """Why a person must look before it becomes a case."""
    automatic: Automatic | None = None
    """It is automatic mail: it never opens a case."""

    @property
    def size(self) -> int:
        """Bytes of what comes with the words: the original and the files."""
        return len(self.raw or b"") + sum(len(file.content) for file in self.files)


@dataclass(frozen=True)
class Received:
    """What the door answers once it is durable."""

    message_id: str
    outcome: str
    receipt: str
    tracking: str | None
    """None where an anonymous message came again: its code was told once, and nobody can say it again."""
    ref: str | None = None
    repeated: bool = False


@dataclass
class _Contents:
    """Content on its way into one step."""

    owner: str
    now: datetime
    sealed: list[Sealed] = field(default_factory=list)
    plain: list[bytes] = field(default_factory=list)

    def bytes(self, content: bytes) -> ContentRef:
        sealed, ref = seal(content, owner=self.owner, now=self.now)
        self.sealed.append(sealed)
        self.plain.append(content)
        return ref

    def model(self, words: MessageWords) -> ContentRef:
        return self.bytes(model_bytes(words))


class Door:
    """Takes what channels bring. One for all channels of a process."""

    def __init__(self, house: House, messages: Aggregates[Message]) -> None:
        self._house = house
        self._messages = messages
        self._message_key = house.keys.purpose("message")
        self._thread_key = house.keys.purpose("thread")
        self.tokens = Tokens(house.keys)
        self.tracking = Tracking(house.keys, house.store, house.content)
        self.receipts = Receipts(house.origin, house.keys.ed25519("receipt"))
        self.room = Room(house.store, house.settings.min_free, house.clock)

    def thread(self, own_key: str) -> str:
        """The pseudonym of a conversation, by the channel's own key of its oldest message."""
        return ids.keyed(self._thread_key, own_key.encode())

    def message_id(self, incoming: Incoming) -> str:
        """The id of a message: keyed, so that it is no fingerprint of the words (DESIGN.md section 3)."""
        own = incoming.own_key or ids.random_bytes(16).hex()
        body = (
            incoming.words.subject + "\x1f" + incoming.words.text + "\x1f" + incoming.words.quoted
        ).encode()
        if incoming.quarantine == "unreadable" and incoming.raw is not None:
            body = incoming.raw
        files = (
            part for file in incoming.files for part in (file.name.encode("utf-8", "replace"), file.content)
        )
        return "msg_" + ids.keyed(self._message_key, own.encode("utf-8", "replace"), body, *files)

    async def receive(self, incoming: Incoming) -> Received:
        """Make it durable, once. Raises Unavailable, with the sender to be told to come again."""
        await self.room.require()
        started = self._house.clock.now()
        message_id = self.message_id(incoming)
        dear = incoming.anonymous or incoming.size > LARGE_FROM_BYTES  # a code to draw, files to write
        if dear and (before := await self.again(message_id)) is not None:
            metrics.RECEIVED.labels(incoming.channel, "repeated").inc()
            return before
        code: str | None = None
        if incoming.anonymous:
            code, kept = await self.tracking.draw(message_id)
            incoming = replace(incoming, words=incoming.words.model_copy(update={"code_hash": kept}))
        contents = _Contents(message_id, started)
        event = self._event(incoming, message_id, contents)
        staged = await self._house.content.stage(contents.sealed, contents.plain)
        answer = await self._messages.answer(
            message_id,
            f"{message_id}/received",
            lambda state, _: () if state is not None else (event,),
            contents=staged,
            fresh=True,
        )
        received = await self._answer(message_id, answer, code)
        outcome = "repeated" if received.repeated else _outcome(event)
        metrics.RECEIVED.labels(incoming.channel, outcome).inc()
        metrics.DOOR.labels(incoming.channel).observe((self._house.clock.now() - started).total_seconds())
        return received

    async def again(self, message_id: str) -> Received | None:
        """What was answered when the message was received, the same bytes; None where there is no such message."""
        loaded = await self._messages.load(message_id)
        if loaded.state is None:
            return None
        return await self._answer(message_id, Answer(loaded.state, loaded.version, (), repeated=True))

    async def _answer(self, message_id: str, answer: Answer[Message], code: str | None = None) -> Received:
        first = answer.records[0] if answer.records else (await self._house.store.history(message_id))[0]
        state, repeated = answer.state, not answer.records
        anonymous = isinstance(first.data, MessageReceived) and first.data.anonymous
        own = None if repeated else code
        return Received(
            message_id=message_id,
            outcome=state.outcome if state.outcome in {"quarantined", "refused"} else "accepted",
            receipt=self.receipts.sign(message_id, first),
            tracking=own if anonymous else self.tracking.keyed(message_id),
            ref=state.ref,
            repeated=repeated,
        )

    def _event(self, incoming: Incoming, message_id: str, contents: _Contents) -> Event:
        raw = contents.bytes(incoming.raw) if incoming.raw is not None else None
        thread = incoming.thread or self.thread(incoming.conversation or message_id)
        where = {"channel": incoming.channel, "endpoint": incoming.endpoint}
        if incoming.automatic is not None:
            assert raw is not None
            if incoming.automatic.delivery is not None:
                return DeliveryAnswered(**where, raw=raw, automatic=incoming.automatic)
            return MessageRefused(
                **where, raw=raw, reason=incoming.automatic.kind, automatic=incoming.automatic
            )
        files = [
            Attachment(name=file.name, content_type=file.content_type, content=contents.bytes(file.content))
            for file in incoming.files
        ]
        words = contents.model(incoming.words.model_copy(update={"attachments": tuple(files)}))
        received = self._received(incoming, thread, raw, words, [file.content for file in files])
        if incoming.quarantine is None:
            return received
        return MessageQuarantined(
            **where,
            reason=incoming.quarantine,
            raw=raw or words,
            words=words,
            thread=thread,
            message=received,
        )

    def _received(
        self,
        incoming: Incoming,
        thread: str,
        raw: ContentRef | None,
        words: ContentRef,
        files: list[ContentRef],
    ) -> MessageReceived:
        sender = incoming.words.sender
        return MessageReceived(
            channel=incoming.channel,
            endpoint=incoming.endpoint,
            words=words,
            raw=raw,
            attachments=tuple(files[:MOST_FILES]),
            thread=thread,
            earlier=tuple(self.thread(one) for one in incoming.earlier[-MOST_EARLIER:]),
            reply_case=incoming.reply_case,
            follows=incoming.follows,
            hint_ref=incoming.hint_ref,
            kind=incoming.kind,
            department=incoming.department,
            sender_kind=sender.kind,
            language=sender.language,
            can_mail=bool(sender.email),
            acknowledge=incoming.acknowledge,
            anonymous=incoming.anonymous,
            occurred_at=incoming.occurred_at,
            defects=tuple(incoming.defects),
        )


def _outcome(event: Event) -> str:
    if isinstance(event, MessageQuarantined):
        return "quarantined"
    return "refused" if isinstance(event, MessageRefused) else "accepted"
