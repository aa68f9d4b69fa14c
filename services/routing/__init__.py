"""The desk: messages → cases; obligations and their ladders; who may answer.

Hears `messages`, of its own `cases` what another case must follow, of `findings` what a case owes to supervision, of
`organisation` what was erased. Publishes `cases` and `organisation`.
"""

from __future__ import annotations

from services.routing.api import router
from services.routing.case import CASES, Case
from services.routing.desk import Desk
from services.routing.erasing import COLLECTIONS as ERASING
from services.routing.erasing import ERASURES, Erasing
from services.routing.erasing.api import router as erasures
from services.routing.handlers import CASE_KIND, Handlers
from services.routing.mover import Mover
from services.routing.mover_api import router as moving
from services.routing.office import Office
from services.routing.pages import router as pages
from services.routing.people import COLLECTIONS as PEOPLE
from services.routing.people import People
from services.routing.people import router as sign_in
from services.routing.published import CALENDARS, ORGANISATIONS
from services.routing.supervision import Supervision
from shared.aggregate import Aggregates
from shared.bus import Subscription
from shared.events.findings import (
    FindingConfirmed,
    FindingDismissed,
    FindingRaised,
    OrderConcluded,
    OrderIssued,
    OrderRefused,
)
from shared.events.linked import CaseLinked, CaseMerged, CaseSplit
from shared.events.messages import MessageReceived, MessageSentAgain
from shared.events.organisation import ErasureMade
from shared.service import House, Service, Timer

COLLECTIONS = (CASES, ORGANISATIONS, CALENDARS, *PEOPLE, *ERASING)


def service(house: House) -> Service:
    """Routing, ready to be run."""
    desk = Desk(house.organisation)
    cases: Aggregates[Case] = Aggregates(CASE_KIND, house.store, house.clock)
    handlers = Handlers(house, desk, cases)
    office = Office(house, desk, cases)
    mover = Mover(house, desk, cases)
    people = People(house)
    supervision = Supervision(house.store, desk, cases)
    erasing = Erasing(house, cases)
    return Service(
        name="routing",
        publishes=("cases", "organisation"),
        subscriptions=[
            Subscription(("messages",), frozenset({MessageReceived.TYPE}), handlers.on_received),
            Subscription(("messages",), frozenset({MessageSentAgain.TYPE}), handlers.on_sent_again),
            Subscription(("cases",), frozenset({CaseMerged.TYPE}), handlers.on_merged),
            Subscription(("cases",), frozenset({CaseLinked.TYPE}), handlers.on_linked),
            Subscription(("cases",), frozenset({CaseSplit.TYPE}), handlers.on_split),
            Subscription(("findings",), frozenset({FindingRaised.TYPE}), supervision.on_raised),
            Subscription(
                ("findings",),
                frozenset({FindingConfirmed.TYPE, FindingDismissed.TYPE}),
                supervision.on_decided,
            ),
            Subscription(("findings",), frozenset({OrderIssued.TYPE}), supervision.on_issued),
            Subscription(("findings",), frozenset({OrderRefused.TYPE}), supervision.on_refused),
            Subscription(("findings",), frozenset({OrderConcluded.TYPE}), supervision.on_concluded),
            Subscription(("organisation",), frozenset({ErasureMade.TYPE}), erasing.on_made),
        ],
        timers=[Timer(CASES, handlers.on_due, cases.offer), Timer(ERASURES, erasing.on_due)],
        routers=[
            router(office),
            moving(mover),
            erasures(house, erasing),
            pages(house, office),
            sign_in(house, people),
        ],
        companions=[mover],
        wire=people.wire,
        prepare=handlers.publish_organisation,
    )
