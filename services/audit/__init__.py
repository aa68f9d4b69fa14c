"""The trail: entries, proofs, checkpoints, the console. Takes everything, in order; publishes `findings`."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from services.audit import api, pages
from services.audit.evidence import Evidence
from services.audit.keys import TRAILS, introduce_receipt_key
from services.audit.log import Signer
from services.audit.trail import Trail
from shared.bus import Tap
from shared.receipts import receipt_signer
from shared.service import House, Service

COLLECTIONS = (TRAILS,)


def service(house: House) -> Service:
    """The audit, ready to be run."""
    signer = Signer(house.origin, house.keys.ed25519("log").private_bytes_raw())
    receipts = receipt_signer(house.origin, house.keys.ed25519("receipt").private_bytes_raw()).verifier
    trail = Trail(house.directory / "audit", signer, ZoneInfo(house.organisation.hours.zone))
    evidence = Evidence(trail.directory, signer.verifier)

    async def prepare() -> None:
        await trail.belongs_to(house.store)
        await introduce_receipt_key(house.store, house.clock, receipts.vkey)

    return Service(
        name="audit",
        publishes=("findings",),
        tap=Tap(trail.positions, trail.take, trail.hurry),
        routers=[api.router(house, trail, evidence, receipts), pages.router(house, trail, evidence)],
        companions=[trail],
        prepare=prepare,
        close=trail.close,
    )
