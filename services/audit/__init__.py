"""The trail: entries, proofs, checkpoints, the console. Takes everything, in order; publishes `findings`.

Of `cases` it hears what became of what supervision asked.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from services.audit import api, api_silence, log_keys, pages
from services.audit.census import Census
from services.audit.cosigning import cosigning_of
from services.audit.evidence import Evidence
from services.audit.facts.fact import FACTS
from services.audit.facts.reader import Reader
from services.audit.following import Follower, Ticks
from services.audit.following.ticks import TICKS
from services.audit.guard import Guard
from services.audit.keys import TRAILS, introduce_log_keys, introduce_receipt_key
from services.audit.supervision import api as supervision_api
from services.audit.supervision import pages as supervision_pages
from services.audit.supervision.desk import Supervision
from services.audit.supervision.drawing import Drawing
from services.audit.supervision.exclusion import EXCLUSIONS
from services.audit.supervision.finding import FINDINGS
from services.audit.supervision.hearing import Hearing
from services.audit.supervision.order import ORDERS
from services.audit.supervision.probe import PROBES
from services.audit.supervision.sample import SAMPLES
from services.audit.supervision.showing import Showing
from services.audit.told import checks_of
from services.audit.trail import Trail
from shared.bus import Subscription, Tap
from shared.events.cases import CaseRescheduled
from shared.events.supervised import CaseExplained, CaseOrdered, CaseRectified, ExplanationAsked
from shared.keys import Keys
from shared.receipts import receipt_signer
from shared.service import House, Service, Timer

COLLECTIONS = (TRAILS, TICKS, FACTS, FINDINGS, ORDERS, EXCLUSIONS, SAMPLES, PROBES)


def service(house: House) -> Service:
    """The audit, ready to be run. The log key lies beside the log and is no secret that services share."""
    receipts = receipt_signer(house.origin, house.keys.ed25519("receipt").private_bytes_raw())
    guard = Guard(house.registers, house.origin) if house.registers else None
    zone = ZoneInfo(house.organisation.hours.zone)
    audit = house.directory / "audit"
    signer, beside = log_keys.signers(house.origin, Keys(house.directory / "keys"), audit / "log")
    cosigning = cosigning_of(house.settings, audit / "log")
    trail = Trail(audit, signer, zone, guard, beside=beside, cosigning=cosigning, repeats=guard is not None)
    evidence = Evidence(trail.directory, signer.verifier)
    ticks = Ticks(house.store, house.clock, timedelta(seconds=house.settings.tick_seconds))
    reader = Reader(house, house.directory / "audit")
    follower = Follower(
        trail, house.store, house.clock, checks_of(house.organisation, house.settings.org), reader
    )

    supervision = Supervision(house, trail)
    showing = Showing(house, supervision)
    hearing = Hearing(supervision)
    drawing = Drawing(trail, evidence, supervision.samples)

    async def prepare() -> None:
        await trail.belongs_to(house.store)
        await trail.begin()
        await introduce_receipt_key(house.store, house.clock, receipts.verifier.vkey)
        signing = [one.verifier.vkey for one in (signer, beside) if one is not None]
        await introduce_log_keys(house.store, house.clock, signing)

    async def close() -> None:
        await trail.close()
        follower.close()

    return Service(
        name="audit",
        publishes=("findings",),
        subscriptions=[
            Subscription(("cases",), frozenset({ExplanationAsked.TYPE, CaseOrdered.TYPE}), hearing.on_asked),
            Subscription(
                ("cases",), frozenset({CaseExplained.TYPE, CaseRectified.TYPE}), hearing.on_answered
            ),
            Subscription(("cases",), frozenset({CaseRescheduled.TYPE}), hearing.on_moved),
        ],
        timers=[Timer(SAMPLES, drawing.on_due)],
        tap=Tap(trail.positions, trail.take, trail.hurry),
        routers=[
            api.router(house, trail, evidence, receipts.verifier),
            api_silence.router(house, trail, evidence),
            supervision_api.router(supervision, showing),
            supervision_pages.router(house, trail, evidence, supervision, showing),
            pages.router(house, trail, evidence, receipts),
        ],
        companions=[trail, Census(trail.projector.path), ticks, follower],
        prepare=prepare,
        late=cosigning.late if cosigning is not None else list,
        close=close,
    )
