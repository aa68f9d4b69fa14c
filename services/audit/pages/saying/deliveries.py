"""What was sent to whom, how it went, and what a day's digest gathered."""

from __future__ import annotations

from services.audit.pages.saying.teller import Said, SaysIt, Teller
from shared.events import Event
from shared.events.deliveries import (
    DeliveriesHeld,
    DeliveriesReleased,
    DeliveryAttempted,
    DeliveryBounced,
    DeliveryDeferred,
    DeliveryFailed,
    DeliveryQueued,
    DeliveryReplied,
    DeliverySent,
    DigestClosed,
    DigestHandedOver,
    DigestItem,
    DigestNoted,
)


def _named(tell: Teller) -> str:
    return tell.deliveries.get(tell.subject, tell.subject)


def _queued(tell: Teller, event: DeliveryQueued) -> Said:
    party = tell.owner("sender") if event.party == "sender" else event.party
    named = tell.word("said.delivery", what=tell.code("said.template", event.template), party=party)
    tell.deliveries[tell.subject] = named
    said = Said(tell.word("said.delivery_queued", delivery=named))
    if event.happened:
        said.particulars.append(tell.code("said.happened", event.happened))
    if event.not_before:
        said.particulars.append(tell.word("said.not_before", at=tell.at(event.not_before)))
    return said


def _attempted(tell: Teller, event: DeliveryAttempted) -> Said:
    return Said(tell.word("said.delivery_attempted", delivery=_named(tell), attempt=event.attempt))


def _sent(tell: Teller, event: DeliverySent) -> Said:
    return Said(tell.word("said.delivery_sent", delivery=_named(tell), attempt=event.attempt))


def _deferred(tell: Teller, event: DeliveryDeferred) -> Said:
    return Said(
        tell.word("said.delivery_deferred", delivery=_named(tell), attempt=event.attempt),
        [
            tell.word("said.reason", reason=event.reason),
            tell.word("said.again", next=tell.at(event.next_at)),
        ],
    )


def _failed(tell: Teller, event: DeliveryFailed) -> Said:
    said = tell.word("said.delivery_failed", delivery=_named(tell), attempt=event.attempt)
    return Said(said, [tell.word("said.reason", reason=event.reason)])


def _bounced(tell: Teller, event: DeliveryBounced) -> Said:
    how = tell.word("said.bounced_for_good" if event.permanent else "said.bounced_for_now")
    return Said(tell.word("said.delivery_bounced", delivery=_named(tell)), [how])


def _replied(tell: Teller, event: DeliveryReplied) -> Said:
    return Said(tell.word("said.delivery_replied", delivery=_named(tell)))


def _noted(tell: Teller, event: DigestNoted) -> Said:
    said = Said(tell.word("said.digest_noted", person=event.person, at=tell.at(event.at)))
    said.particulars = [_item(tell, one) for one in event.items]
    return said


def _item(tell: Teller, one: DigestItem) -> str:
    if one.kind is None:
        return tell.word("said.digest_item", ref=one.ref, what=tell.code("said.happened", one.what))
    return tell.word(
        "said.digest_rung",
        ref=one.ref,
        what=tell.coded("said.alarm", one.what),
        kind=tell.code("obligation", one.kind),
        owner=tell.owner(one.owner or "coordinator"),
        due=tell.at(one.due) if one.due else "—",
    )


def _digest_closed(tell: Teller, event: DigestClosed) -> Said:
    return Said(tell.word("said.digest_closed", told=event.told, left_out=event.left_out))


def _handed_over(tell: Teller, event: DigestHandedOver) -> Said:
    return Said(tell.word("said.digest_handed_over", delivery=event.delivery))


def _held(tell: Teller, event: DeliveriesHeld) -> Said:
    return Said(tell.coded("said.deliveries_held", event.reason))


def _released(tell: Teller, event: DeliveriesReleased) -> Said:
    return Said(tell.word("said.deliveries_released"))


SAID: dict[type[Event], SaysIt] = {
    DeliveryQueued: _queued,
    DeliveryAttempted: _attempted,
    DeliverySent: _sent,
    DeliveryDeferred: _deferred,
    DeliveryFailed: _failed,
    DeliveryBounced: _bounced,
    DeliveryReplied: _replied,
    DigestNoted: _noted,
    DigestClosed: _digest_closed,
    DigestHandedOver: _handed_over,
    DeliveriesHeld: _held,
    DeliveriesReleased: _released,
}
