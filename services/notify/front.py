"""The door out: what happened → deliveries.

Hears `cases` (who must be told), `messages` (what came back of a delivery) and `organisation` (what was erased).
Publishes `deliveries`.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.notify import api
from services.notify.channels import Carrier
from services.notify.channels.apart import RelayApart
from services.notify.channels.email import Mails
from services.notify.channels.here import Here
from services.notify.channels.outbox import OutboxSender
from services.notify.courier import Courier
from services.notify.delivery import KIND, Delivery
from services.notify.digest import KIND as DIGESTS
from services.notify.forgetting import Forgetting
from services.notify.handlers import Handlers, may_concern_somebody
from services.notify.holding import HOLD, Holding
from services.notify.pages import outbox
from shared.aggregate import Aggregates
from shared.bus import Subscription
from shared.events import REGISTRY
from shared.events.cases import CaseAssigned, CaseEvent, CaseOpened, CaseQueued
from shared.events.messages import DeliveryAnswered
from shared.events.organisation import ErasureMade
from shared.service import House, Service, Timer
from shared.tokens import Tokens

COLLECTIONS = (KIND.collection, DIGESTS.collection, HOLD.collection)

_HAPPENS = frozenset(name for name, kind in REGISTRY.items() if issubclass(kind, CaseEvent))
_ON_ARRIVAL = frozenset({CaseAssigned.TYPE, CaseQueued.TYPE})
"""What nearly every message brings about, mostly without anybody who is told of it."""

__all__ = ["COLLECTIONS", "KIND", "Delivery", "service"]


def service(house: House) -> Service:
    """Notify, ready to be run."""
    deliveries = Aggregates(KIND, house.store, house.clock)
    folder = OutboxSender(house.directory / "outbox")
    apart = RelayApart(house) if house.settings.relay else None
    carriers: Sequence[Carrier] = apart.lanes if apart else [Here(_mails(house), folder, house.clock)]
    courier = Courier(deliveries, carriers, house.clock)
    digests = Aggregates(DIGESTS, house.store, house.clock)
    holding = Holding(house.store, house.clock)
    forgetting = Forgetting(house.store, deliveries, folder)
    house.derived.register(forgetting.forget)
    handlers = Handlers(deliveries, digests, courier, holding, house)

    async def prepare() -> None:
        if house.alone and (apart is None or apart.alone()) and not await holding.held():
            await courier.take_over(house.store)

    return Service(
        name="notify",
        publishes=("deliveries",),
        subscriptions=[
            Subscription(("cases",), frozenset({CaseOpened.TYPE}), handlers.on_opened),
            Subscription(("cases",), _ON_ARRIVAL, handlers.on_happened, may_concern_somebody),
            Subscription(("cases",), _HAPPENS - _ON_ARRIVAL - {CaseOpened.TYPE}, handlers.on_happened),
            Subscription(("messages",), frozenset({DeliveryAnswered.TYPE}), handlers.on_delivery_answered),
            Subscription(("organisation",), frozenset({ErasureMade.TYPE}), forgetting.on_erased),
        ],
        timers=[
            Timer(KIND.collection, handlers.on_due, stands=holding.held),
            Timer(DIGESTS.collection, handlers.on_digest_due),
        ],
        routers=[
            api.router(house.store, deliveries, holding),
            outbox.router(house, deliveries, holding, folder),
        ],
        companions=[courier, apart] if apart else [courier],
        prepare=prepare,
    )


def _mails(house: House) -> Mails:
    return Mails(house.organisation, house.public_url, Tokens(house.keys), house.content)
