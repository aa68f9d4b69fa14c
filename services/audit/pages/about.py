"""How a stranger checks the trail: its keys, its checkpoint, where everything is, and the commands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response

from services.audit.evidence import Evidence
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.web.pages import Pages

ADDRESSES = (
    ("checkpoint", "/trail/checkpoint"),
    ("vkey", "/trail/vkey"),
    ("receipt_vkey", "/trail/receipt-vkey"),
    ("tiles", "/trail/tile/<L>/<N>[.p/<W>]"),
    ("entries", "/trail/tile/entries/<N>[.p/<W>]"),
    ("receipts", "/v1/receipts/<message id>"),
    ("proofs", "/v1/proofs/<message id>"),
)
"""What is served to everybody, by the words that say what it is."""


def about_page(routes: APIRouter, pages: Pages, house: House, evidence: Evidence, receipt_vkey: str) -> None:
    """The route."""

    @routes.get("/trail/about")
    async def about(request: Request, principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The keys, the checkpoint, the addresses and the commands."""
        checkpoint = evidence.checkpoint()
        return pages.render(
            request,
            "about.html",
            origin=house.origin,
            vkey=evidence.log.vkey,
            receipt_vkey=receipt_vkey,
            checkpoint=checkpoint.decode() if checkpoint else "",
            addresses=[(name, f"{house.public_url}{path}") for name, path in ADDRESSES],
            public=house.settings.trail_entries == "public",
            log=f"{house.public_url}/trail",
        )
