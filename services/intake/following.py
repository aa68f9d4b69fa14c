"""Who writes again: a tracking code names the conversation, and proves that it is theirs."""

from __future__ import annotations

from dataclasses import replace

from services.intake.message import Message
from services.intake.receiving import Door, Incoming
from shared.aggregate import Aggregates


async def following(
    in_reply_to: str | None, came: Incoming, door: Door, messages: Aggregates[Message]
) -> Incoming:
    """What came, with the case or thread that its sender's tracking code names."""
    earlier = await door.tracking.read(in_reply_to) if in_reply_to else None
    return came if earlier is None else await continuing(earlier, came, messages)


async def continuing(earlier: str, came: Incoming, messages: Aggregates[Message]) -> Incoming:
    """What came as a further message of the sender of an earlier one.

    Where nobody knows whether the earlier one belongs to its case, this one is no proof of it either.
    """
    state = (await messages.load(earlier)).state
    if state is None:
        return came
    return replace(
        came, thread=state.thread, reply_case=None if state.outcome == "unverified" else state.case
    )
