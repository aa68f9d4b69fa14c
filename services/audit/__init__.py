"""The trail: entries, proofs, checkpoints, the console. Takes everything, in order; publishes `findings`."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.audit import api, pages
from services.audit.census import Census
from services.audit.evidence import Evidence
from services.audit.guard import Guard
from services.audit.keys import TRAILS, introduce_receipt_key
from services.audit.log import Signer
from services.audit.supervision.finding import FINDINGS
from services.audit.trail import Trail
from shared.bus import Tap
from shared.keys import Keys
from shared.receipts import receipt_signer
from shared.service import House, Service

COLLECTIONS = (TRAILS, FINDINGS)


def service(house: House) -> Service:
    """The audit, ready to be run. The log key lies beside the log and is no secret that services share."""
    signer = Signer(house.origin, Keys(house.directory / "keys").ed25519("log").private_bytes_raw())
    receipts = receipt_signer(house.origin, house.keys.ed25519("receipt").private_bytes_raw())
    guard = Guard(house.registers, house.origin) if house.registers else None
    zone = ZoneInfo(house.organisation.hours.zone)
    trail = Trail(house.directory / "audit", signer, zone, guard, repeats=guard is not None)
    evidence = Evidence(trail.directory, signer.verifier)

    async def prepare() -> None:
        await trail.belongs_to(house.store)
        await trail.begin()
        await introduce_receipt_key(house.store, house.clock, receipts.verifier.vkey)

    return Service(
        name="audit",
        publishes=("findings",),
        tap=Tap(trail.positions, trail.take, trail.hurry),
        routers=[
            api.router(house, trail, evidence, receipts.verifier),
            pages.router(house, trail, evidence, receipts),
        ],
        companions=[trail, Census(trail.index.path)],
        prepare=prepare,
        close=trail.close,
    )
