"""The trail over HTTP: checkpoint and tiles as any tlog client reads them, proofs, and entries by case and type."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from services.audit.evidence import Entry, Evidence
from services.audit.log import TileError, Verifier, leaf_hash
from services.audit.log.tiles import parse_path
from services.audit.trail import Trail
from shared.ids import read_ref
from shared.rights import Principal, Right, may, requires
from shared.service import House
from shared.web.problems import Problem

_TEXT = "text/plain; charset=utf-8"
_FOREVER = "max-age=31536000, immutable"  # a tile's bytes never change; only signed ones are served
_NOTE = "— county.example/throughline Az3gl…"
_CHECKPOINT = f"county.example/throughline\n1207\nqN8yj…=\n\n{_NOTE}\n"
_PROOF = f"c2sp.org/tlog-proof@v1\nextra eyJjYXVz…\nindex 41\nKq3c…=\n\n{_CHECKPOINT}"


class EntryShown(BaseModel):
    """One entry with its proof: `leaf_hash` is that of the proof's `extra`, which are the entry's very bytes."""

    index: int = Field(examples=[41])
    entry: dict[str, Any] | None = Field(
        description="The event; absent for an entry that is no event of ours",
        examples=[{"type": "throughline.case.assigned", "data": {"department": "housing", "by": "rule"}}],
    )
    leaf_hash: str = Field(description="SHA-256 over 0x00 and the entry (RFC 6962), in hex")
    proof: str = Field(description="C2SP tlog-proof", examples=[_PROOF])


class Entries(BaseModel):
    """Entries of the log with their proofs, and the checkpoint that all of them are under."""

    checkpoint: str = Field(examples=[_CHECKPOINT])
    entries: list[EntryShown]
    next: int | None = Field(None, description="Pass it as `since` for what follows; absent at the end")


def _answers(media: str, example: str | None = None, **problems: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers besides a model: its text or bytes, and its problems."""
    kind: dict[str, Any] = {"schema": {"type": "string"}}
    answers: dict[int | str, dict[str, Any]] = {
        int(status[1:]): {"description": text, "content": {"application/problem+json": {}}}
        for status, text in problems.items()
    }
    if media:
        answers[200] = {"content": {media: kind | ({"example": example} if example else {})}}
    return answers


def router(house: House, trail: Trail, evidence: Evidence, receipts: Verifier) -> APIRouter:
    """The routes of the audit."""
    routes = APIRouter(tags=["trail"])
    _log(routes, house, trail, evidence, receipts)
    _entries(routes, trail, evidence)
    return routes


def _log(routes: APIRouter, house: House, trail: Trail, evidence: Evidence, receipts: Verifier) -> None:
    @routes.head("/trail/checkpoint", include_in_schema=False)
    @routes.get(
        "/trail/checkpoint",
        response_class=Response,
        responses=_answers("text/plain", _CHECKPOINT, _404="Nothing is signed yet"),
    )
    async def get_checkpoint(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The last signed tree head (C2SP tlog-checkpoint)."""
        checkpoint = evidence.checkpoint()
        if checkpoint is None:
            raise Problem(
                404, "no-checkpoint", "Nothing is signed yet", "The first entry makes the first checkpoint."
            )
        return Response(checkpoint, media_type=_TEXT, headers={"Cache-Control": "no-cache"})

    @routes.head("/trail/vkey", include_in_schema=False)
    @routes.get(
        "/trail/vkey",
        response_class=Response,
        responses=_answers("text/plain", "county.example/throughline+0e8d9abf+AYrf…=\n"),
    )
    async def get_vkey(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The log's verifier key. Have it confirmed by another way before you rely on it."""
        return Response(trail.signer.verifier.vkey + "\n", media_type=_TEXT)

    @routes.head("/trail/receipt-vkey", include_in_schema=False)
    @routes.get(
        "/trail/receipt-vkey",
        response_class=Response,
        responses=_answers("text/plain", "county.example/throughline/receipt+77aa01c2+AQd0…=\n"),
    )
    async def get_receipt_vkey(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> Response:
        """The verifier key of receipts; the entry `throughline.trail.key_introduced` has it, too."""
        return Response(receipts.vkey + "\n", media_type=_TEXT)

    @routes.head("/trail/tile/{path:path}", include_in_schema=False)
    @routes.get(
        "/trail/tile/{path:path}",
        response_class=Response,
        responses=_answers(
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


def _entries(routes: APIRouter, trail: Trail, evidence: Evidence) -> None:
    @routes.head("/v1/proofs/{message_id}", include_in_schema=False)
    @routes.get(
        "/v1/proofs/{message_id}",
        response_class=Response,
        responses=_answers("text/plain", _PROOF, _404="No checkpoint covers such a message; `Retry-After`"),
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
        return Response(proved.entries[0].proof, media_type=_TEXT)

    @routes.get(
        "/v1/trail",
        responses=_answers(
            "", _401="Sign in", _403="Not allowed", _404="No such case", _422="A field does not fit"
        ),
    )
    async def get_trail(
        *,
        principal: Annotated[Principal, requires(Right.TRAIL_READ)],
        case: Annotated[
            str | None, Query(max_length=80, description="A case's ref", examples=["K7QM-2XPA-B"])
        ] = None,
        kind: Annotated[
            str | None,
            Query(
                alias="type",
                pattern=r"^[a-z0-9_.]{1,80}$",
                description="Only events of this type",
                examples=["throughline.case.assigned"],
            ),
        ] = None,
        since: Annotated[int, Query(ge=0, lt=1 << 53, description="Entries from this index on")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> Entries:
        """Entries in the log's order, each with its proof.

        With `case`, everything the trail has of it: its own entries, its messages', its deliveries'. A page may be
        shorter than `limit`, or empty, and yet have a `next`.
        """
        if case is None:
            found, following = await asyncio.to_thread(evidence.find, kind, since, limit)
        else:
            matter = trail.lookup.case_of(read_ref(case) or case)
            if matter is None:
                raise Problem(404, "no-such-case", "No such case", f"The trail knows no case {case}.")
            size = trail.published.size
            found = trail.lookup.of_aggregates(trail.lookup.related(matter), since, limit, below=size)
            following = found[-1] + 1 if len(found) == limit else None
        proved = await asyncio.to_thread(evidence.prove, found)
        shown_ = [shown(entry) for entry in proved.entries]
        if kind is not None:
            shown_ = [one for one in shown_ if one.entry is not None and one.entry.get("type") == kind]
        return Entries(checkpoint=proved.checkpoint.decode(), entries=shown_, next=following)


def shown(entry: Entry) -> EntryShown:
    """An entry as JSON."""
    try:
        event = orjson.loads(entry.value)
    except orjson.JSONDecodeError:
        event = None
    return EntryShown(
        index=entry.index,
        entry=event if isinstance(event, dict) else None,
        leaf_hash=leaf_hash(entry.value).hex(),
        proof=entry.proof.decode(),
    )
