"""A message as intake keeps it: received, and then settled. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.content import ContentRef
from shared.events.messages import (
    DeliveryAnswered,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
    MessageReleased,
    MessageSentAgain,
    MessageSettled,
    Refusal,
)
from shared.store import Collection

MESSAGES = Collection(
    "messages",
    fields={"endpoint": str, "outcome": str, "quarantined": int},
    indexes=(("quarantined",), ("endpoint", "outcome")),
)


class NotInQuarantine(Exception):
    """A person wants to decide on a message that nobody need decide on. Says what became of it."""


class Message(BaseModel):
    """Where a message stands. What was said is content, what was decided is in its events."""

    model_config = ConfigDict(frozen=True)

    channel: str
    endpoint: str
    thread: str
    received_at: datetime
    outcome: str = "waiting"
    """waiting, new, attached, unverified, quarantined, refused, delivery."""
    case: str | None = None
    ref: str | None = None
    look_at: datetime | None = None
    """From when on it waits to be settled, where it does not wait from the first."""
    sent_again: int = 0


def evolve(state: Message | None, event: Event, record: Record) -> Message:
    """The message after an event."""
    match event:
        case MessageReceived() if state is None:
            return Message(
                channel=event.channel, endpoint=event.endpoint, thread=event.thread, received_at=record.time
            )
        case MessageQuarantined():
            return Message(
                channel=event.channel,
                endpoint=event.endpoint,
                thread=event.thread,
                received_at=record.time,
                outcome="quarantined",
            )
        case MessageRefused() | DeliveryAnswered():
            outcome = "refused" if isinstance(event, MessageRefused) else "delivery"
            return Message(
                channel=event.channel,
                endpoint=event.endpoint,
                thread=record.subject,
                received_at=record.time,
                outcome=outcome,
            )
    assert state is not None
    match event:
        case MessageReceived():
            return state
        case MessageReleased():
            outcome = "waiting" if event.outcome == "case" else "refused"
            return state.model_copy(update={"outcome": outcome, "look_at": record.time})
        case MessageSettled():
            return state.model_copy(update={"outcome": event.outcome, "case": event.case, "ref": event.ref})
        case MessageSentAgain():
            return state.model_copy(update={"sent_again": state.sent_again + 1, "look_at": record.time})
    return state


def due(settle_within: timedelta, state: Message) -> datetime | None:
    """When an unsettled message is sent again: after the time to settle, then after as long again."""
    if state.outcome != "waiting":
        return None
    return (state.look_at or state.received_at) + settle_within


def fields(state: Message) -> Mapping[str, str | int | None]:
    """What messages are found by."""
    received = int(state.received_at.timestamp() * 1000)
    return {
        "endpoint": state.endpoint,
        "outcome": state.outcome,
        "quarantined": received if state.outcome == "quarantined" else None,
    }


def messages(settle_within: timedelta) -> Kind[Message]:
    """Messages as aggregates, partitioned by their conversation."""
    return Kind(
        MESSAGES,
        "/intake",
        Message,
        evolve,
        due=lambda state: due(settle_within, state),
        fields=fields,
        key=lambda state: state.thread,
    )


def settle(state: Message | None, outcome: str, case: str, ref: str) -> Sequence[Event]:
    """Routing has made it a case, or part of one."""
    if state is None or state.outcome != "waiting":
        return ()
    return (MessageSettled.model_validate({"outcome": outcome, "case": case, "ref": ref}),)


def send_again(state: Message | None, now: datetime, received: MessageReceived) -> Sequence[Event]:
    """Nobody has said what became of it: say it again."""
    if state is None or state.outcome != "waiting":
        return ()
    after = int((now - state.received_at).total_seconds())
    return (MessageSentAgain(message=received, after_seconds=after),)


def release(state: Message | None, quarantined: MessageQuarantined, actor: str) -> Sequence[Event]:
    """A person has looked at it: it becomes what its channel made of it. Raises NotInQuarantine."""
    held = _held(state)
    assert quarantined.message is not None
    return (
        MessageReleased(actor=actor, outcome="case"),
        quarantined.message.model_copy(update={"arrived_at": held.received_at}),
    )


def refuse(state: Message | None, actor: str, reason: Refusal, note: ContentRef | None) -> Sequence[Event]:
    """A person has looked at it, and it stays what it is: kept, but no case. Raises NotInQuarantine."""
    _held(state)
    return (MessageReleased(actor=actor, outcome="refused", reason=reason, note=note),)


def _held(state: Message | None) -> Message:
    if state is None:
        raise NotInQuarantine("there is no such message")
    if state.outcome != "quarantined":
        raise NotInQuarantine(f"it is {state.outcome}")
    return state
