"""What came in, and what became of it."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller
from shared.events import Event
from shared.events.messages import (
    DeliveryAnswered,
    MessageQuarantined,
    MessageReceived,
    MessageRefused,
    MessageReleased,
    MessageSentAgain,
    MessageSettled,
)


def _came(key: str) -> SaysIt:
    def says(
        tell: Teller, event: MessageReceived | MessageQuarantined | MessageRefused | DeliveryAnswered
    ) -> Said:
        channel = tell.code("channel", event.channel)
        said = Said(tell.word(key, channel=channel, endpoint=event.endpoint))
        if isinstance(event, MessageQuarantined | MessageRefused):
            said.particulars.append(tell.word("said.reason", reason=event.reason))
        return said

    return says


def _released(tell: Teller, event: MessageReleased) -> Said:
    reason = [tell.code("said.released_for", event.reason)] if event.reason else []
    return Said(tell.word(f"said.released_{event.outcome}"), reason)


def _settled(tell: Teller, event: MessageSettled) -> Said:
    return Said(tell.word(f"said.settled_{event.outcome}", ref=event.ref))


def _sent_again(tell: Teller, event: MessageSentAgain) -> Said:
    return Said(tell.word("said.sent_again", minutes=event.after_seconds // 60))


SAID: dict[type[Event], SaysIt] = {
    MessageReceived: _came("said.received"),
    MessageQuarantined: _came("said.quarantined"),
    MessageRefused: _came("said.refused"),
    DeliveryAnswered: _came("said.delivery_answered"),
    MessageReleased: _released,
    MessageSettled: _settled,
    MessageSentAgain: _sent_again,
}
