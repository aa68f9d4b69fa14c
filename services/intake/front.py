"""The door in: channels → messages; receipts; quarantine; the balance of what came in.

Hears `cases`, to settle its messages, and takes what is posted to `inbound`. Publishes `messages`.
"""

from __future__ import annotations

from datetime import timedelta

from services.intake import api, clerk
from services.intake.channels.web import MessageBody
from services.intake.handlers import Settling
from services.intake.inbound import Inbound
from services.intake.message import MESSAGES, messages
from services.intake.pages import looking, reply, write
from services.intake.quarantine import Quarantine
from services.intake.receiving import Door
from services.intake.smtp import SmtpDoor
from shared.aggregate import Aggregates
from shared.bus import Inlet, Subscription
from shared.content.sweeping import Sweeping
from shared.events.cases import CaseOpened, MessageAttached
from shared.service import House, Service, Timer

COLLECTIONS = (MESSAGES,)


def service(house: House) -> Service:
    """Intake, ready to be run."""
    kept = Aggregates(messages(timedelta(seconds=house.settings.settle_within)), house.store, house.clock)
    door = Door(house, kept)
    settling = Settling(house, kept)
    quarantine = Quarantine(house, kept)
    return Service(
        name="intake",
        publishes=("messages",),
        subscriptions=[
            Subscription(("cases",), frozenset({CaseOpened.TYPE, MessageAttached.TYPE}), settling.on_case)
        ],
        inlet=Inlet(Inbound(door, kept).take, MessageBody),
        timers=[Timer(MESSAGES, settling.on_due)],
        routers=[
            *api.routers(house, door, kept),
            clerk.router(house.store, quarantine),
            write.router(house, door),
            reply.router(house, door, kept),
            looking.router(house, quarantine),
        ],
        companions=[SmtpDoor(house, door), Sweeping(house.content, house.clock)],
        needs_bus=False,
    )
