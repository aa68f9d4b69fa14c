"""The trail over HTTP: checkpoint and tiles as any tlog client reads them, and proofs. Its entries: `listing`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response

from services.audit import listing
from services.audit.answers import CHECKPOINT, PROOF, TEXT, answers
from services.audit.evidence import Evidence
from services.audit.log import TileError, Verifier
from services.audit.log.tiles import parse_path
from services.audit.trail import Trail
from shared.rights import Principal, Right, may, requires
from shared.service import House
from shared.web.problems import Problem

_FOREVER = "max-age=31536000, immutable"  # a tile's bytes never change; only signed ones are served


def router(house: House, trail: Trail, evidence: Evidence, receipts: Verifier) -> APIRouter:
    """The routes of the audit."""
    routes = APIRouter(tags=["trail"])
    _log(routes, house, trail, evidence, receipts)
    _proofs(routes, trail, evidence)
    routes.include_router(listing.router(trail, evidence))
    return routes


def _log(routes: APIRouter, house: House, trail: Trail, evidence: Evidence, receipts: Verifier) -> None:
    @routes.head("/trail/checkpoint", include_in_schema=False)
    @routes.get(
        "/trail/checkpoint",
        response_class=Response,
        responses=answers("text/plain", CHECKPOINT, _404="Nothing is signed yet"),
    )
    async def get_checkpoint(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The last signed tree head (C2SP tlog-checkpoint)."""
        checkpoint = evidence.checkpoint()
        if checkpoint is None:
            raise Problem(
                404, "no-checkpoint", "Nothing is signed yet", "The first entry makes the first checkpoint."
            )
        return Response(checkpoint, media_type=TEXT, headers={"Cache-Control": "no-cache"})

    @routes.head("/trail/vkey", include_in_schema=False)
    @routes.get(
        "/trail/vkey",
        response_class=Response,
        responses=answers("text/plain", "county.example/throughline+0e8d9abf+AYrf…=\n"),
    )
    async def get_vkey(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The log's verifier key. Have it confirmed by another way before you rely on it."""
        return Response(trail.signer.verifier.vkey + "\n", media_type=TEXT)

    @routes.head("/trail/receipt-vkey", include_in_schema=False)
    @routes.get(
        "/trail/receipt-vkey",
        response_class=Response,
        responses=answers("text/plain", "county.example/throughline/receipt+77aa01c2+AQd0…=\n"),
    )
    async def get_receipt_vkey(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The verifier key of receipts; the entry `throughline.trail.key_introduced` has it, too."""
        return Response(receipts.vkey + "\n", media_type=TEXT)

    @routes.head("/trail/tile/{path:path}", include_in_schema=False)
    @routes.get(
        "/trail/tile/{path:path}",
        response_class=Response,
        responses=answers(
            "application/octet-stream",
            _403="Entry bundles are restricted here: a key with `trail.read` opens them",
            _404="Not a tile of the signed tree",
        ),
    )
    async def get_tile(
        path: Annotated[str, Path(examples=["0/x001/234", "entries/000.p/41"])],
        principal: Annotated[Principal, requires(Right.PUBLIC)],
    ) -> Response:
        """A hash tile or, for those who may read entries, an entry bundle (C2SP tlog-tiles)."""
        closed = path.startswith("entries/") and house.settings.trail_entries != "public"
        if closed and not may(principal, Right.TRAIL_READ):
            raise Problem(
                403,
                "entries-restricted",
                "Entries are not public here",
                "Hash tiles and the checkpoint are. Receipts and proofs carry their own entry.",
            )
        try:
            tile = parse_path(f"tile/{path}")
        except TileError as error:
            raise Problem(404, "no-such-tile", "No such tile", str(error)) from error
        data = await asyncio.to_thread(evidence.tile, tile, trail.published.size)
        if data is None:
            raise Problem(404, "no-such-tile", "No such tile", "It is not part of the signed tree.")
        cache = f"{'private' if closed else 'public'}, {_FOREVER}"
        return Response(data, media_type="application/octet-stream", headers={"Cache-Control": cache})


def _proofs(routes: APIRouter, trail: Trail, evidence: Evidence) -> None:
    @routes.head("/v1/proofs/{message_id}", include_in_schema=False)
    @routes.get(
        "/v1/proofs/{message_id}",
        response_class=Response,
        responses=answers("text/plain", PROOF, _404="No checkpoint covers such a message; `Retry-After`"),
    )
    async def get_proof(
        message_id: Annotated[str, Path(max_length=80, examples=["msg_h2f6qk3zr5m7nq4c2yw6v5xk3e"])],
        principal: Annotated[Principal, requires(Right.PUBLIC)],
    ) -> Response:
        """The proof that a message is in the trail (C2SP tlog-proof), with its entry as `extra`. Verify it offline."""
        found = trail.index.places(message_id)[:1] if message_id.startswith("msg_") else []
        proved = await asyncio.to_thread(evidence.prove, found)
        if not proved.entries:
            raise Problem(
                404,
                "no-proof-yet",
                "No proof yet",
                "No checkpoint covers this message. A receipt promises that one will within its merge delay.",
                headers={"Retry-After": "1"},
            )
        return Response(proved.entries[0].proof, media_type=TEXT)
