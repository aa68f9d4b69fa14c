"""The trail: entries, proofs, checkpoints, the console. Takes everything, in order; publishes `findings`."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from services.audit import api, log_keys, pages
from services.audit.census import Census
from services.audit.cosigning import told
from services.audit.evidence import Evidence
from services.audit.facts.fact import FACTS
from services.audit.facts.reader import Reader
from services.audit.following import Follower, Ticks
from services.audit.following.ticks import TICKS
from services.audit.guard import Guard
from services.audit.keys import TRAILS, introduce_log_keys, introduce_receipt_key
from services.audit.supervision.finding import FINDINGS
from services.audit.told import checks_of
from services.audit.trail import Trail
from shared.bus import Tap
from shared.keys import Keys
from shared.receipts import receipt_signer
from shared.service import House, Service

COLLECTIONS = (TRAILS, TICKS, FACTS, FINDINGS)


def service(house: House) -> Service:
    """The audit, ready to be run. The log key lies beside the log and is no secret that services share."""
    signer, beside = log_keys.signers(house.origin, Keys(house.directory / "keys"))
    receipts = receipt_signer(house.origin, house.keys.ed25519("receipt").private_bytes_raw())
    guard = Guard(house.registers, house.origin) if house.registers else None
    zone = ZoneInfo(house.organisation.hours.zone)
    audit = house.directory / "audit"
    cosigning = told(house.settings, audit / "log")
    trail = Trail(audit, signer, zone, guard, beside=beside, cosigning=cosigning, repeats=guard is not None)
    evidence = Evidence(trail.directory, signer.verifier)
    ticks = Ticks(house.store, house.clock, timedelta(seconds=house.settings.tick_seconds))
    reader = Reader(house, house.directory / "audit")
    follower = Follower(
        trail, house.store, house.clock, checks_of(house.organisation, house.settings.org), reader
    )

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
        tap=Tap(trail.positions, trail.take, trail.hurry),
        routers=[
            api.router(house, trail, evidence, receipts.verifier),
            pages.router(house, trail, evidence, receipts),
        ],
        companions=[trail, Census(trail.projector.path), ticks, follower],
        prepare=prepare,
        late=cosigning.late if cosigning is not None else list,
        close=close,
    )
