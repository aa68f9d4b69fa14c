"""The trail: entries, proofs, checkpoints. Takes everything, in order; publishes `findings`."""

from __future__ import annotations

from services.audit import api
from services.audit.log import Signer
from services.audit.trail import Trail
from shared.bus import Tap
from shared.service import House, Service

COLLECTIONS = ()


def service(house: House) -> Service:
    """The audit, ready to be run."""
    key = house.keys.ed25519("log").private_bytes_raw()
    trail = Trail(house.directory / "audit", Signer(house.origin, key))
    return Service(
        name="audit",
        publishes=("findings",),
        tap=Tap(trail.position, trail.take),
        routers=[api.router(house, trail)],
        companions=[trail],
    )
