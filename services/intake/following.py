"""Who writes again: a tracking code names the conversation, and proves that it is theirs."""

from __future__ import annotations

from dataclasses import replace

from services.intake.message import Message
from services.intake.receiving import Door, Incoming
from shared.aggregate import Aggregates


async def following(
    in_reply_to: str | None, came: Incoming, door: Door, messages: Aggregates[Message]
) -> Incoming:
    """What came, as a further message of the conversation that its sender's tracking code names."""
    earlier = await door.tracking.read(in_reply_to) if in_reply_to else None
    return came if earlier is None else await continuing(earlier, came, messages)


async def continuing(earlier: str, came: Incoming, messages: Aggregates[Message]) -> Incoming:
    """What came as a further message of the sender of an earlier one. Which case that is, routing knows."""
    state = (await messages.load(earlier)).state
    return came if state is None else replace(came, thread=state.thread, follows=earlier)
