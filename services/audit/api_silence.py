"""What the trail says to strangers beyond its tiles: that nothing more was recorded, and which key took over."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from services.audit.answers import CHECKPOINT, NOTE, PROOF, TEXT, answers
from services.audit.evidence import Evidence
from services.audit.log_keys import HANDOVER
from services.audit.silence import Statement
from services.audit.silent import NotSettled, silent
from services.audit.trail import Trail
from shared.rights import Principal, Right, requires
from shared.service import House
from shared.web.problems import Problem

_STATEMENT = (
    "throughline silence v1\ncounty.example/throughline\nmessage msg_h2f6qk3zr5m7nq4c2yw6v5xk3e 2\n"
    "case case_5b0d 7\nentry 981\nsize 1207\nroot qN8yj…=\ntime 2026-11-27T08:00:00.000Z by the operator's clock\n\n"
    f"{NOTE}\n"
)


class ProvedEntry(BaseModel):
    """That an entry is in the log; the entry itself is not shown."""

    index: int = Field(examples=[981])
    leaf_hash: str = Field(description="SHA-256 over 0x00 and the entry (RFC 6962), in hex")
    proof: str = Field(description="C2SP tlog-proof", examples=[PROOF])


class Silence(BaseModel):
    """That nothing later was recorded of a message and its case, up to the size of the checkpoint."""

    statement: str = Field(
        description="Signed by the log's key: a later entry below its size convicts whoever signs the log",
        examples=[_STATEMENT],
    )
    checkpoint: str = Field(
        description="Of the same tree; where witnesses cosigned it, they say when", examples=[CHECKPOINT]
    )
    proofs: list[ProvedEntry] = Field(description="Of the message's last entry, and of its case's")


def router(house: House, trail: Trail, evidence: Evidence) -> APIRouter:
    """The two routes."""
    routes = APIRouter(tags=["trail"])
    _silence(routes, house, trail, evidence)
    _handover(routes, trail)
    return routes


def _silence(routes: APIRouter, house: House, trail: Trail, evidence: Evidence) -> None:
    @routes.get(
        "/v1/silence/{message_id}",
        responses=answers(
            "", _404="No checkpoint covers such a message", _503="Ask again later; `Retry-After`"
        ),
    )
    async def get_silence(
        message_id: Annotated[str, Path(max_length=80, examples=["msg_h2f6qk3zr5m7nq4c2yw6v5xk3e"])],
        principal: Annotated[Principal, requires(Right.PUBLIC)],
        response: Response,
    ) -> Silence:
        """A signed statement that nothing later was recorded of a message, for who holds its receipt.

        It tells positions in the log and no content. Keep it: any later entry found below its size convicts the log.
        """
        response.headers["Cache-Control"] = "no-store"
        loop = asyncio.get_running_loop()

        async def find(aggregate: str) -> list[int]:
            return trail.index.places(aggregate)

        def places(aggregate: str) -> list[int]:
            return asyncio.run_coroutine_threadsafe(find(aggregate), loop).result()

        known = message_id.startswith("msg_") and trail.index.places(message_id)
        try:
            found = await asyncio.to_thread(silent, evidence, message_id, places) if known else None
        except NotSettled as error:
            raise Problem(
                503,
                "not-settled",
                "Not settled yet",
                "This message waits for its case. Ask again once it is settled.",
                headers={"Retry-After": "900"},
            ) from error
        if found is None:
            raise Problem(
                404,
                "no-such-message",
                "No such message in the trail",
                "No checkpoint covers it. A receipt promises that one will within its merge delay.",
            )
        said = Statement(trail.signer.name, found.word, found.state, house.clock.now())
        return Silence(
            statement=said.sign(*trail.signers).decode(),
            checkpoint=found.checkpoint.decode(),
            proofs=[
                ProvedEntry(index=one.index, leaf_hash=one.leaf.hex(), proof=one.proof.decode())
                for one in found.proofs
            ],
        )


def _handover(routes: APIRouter, trail: Trail) -> None:
    @routes.head("/trail/handover/{key_id}", include_in_schema=False)
    @routes.get(
        "/trail/handover/{key_id}",
        response_class=Response,
        responses=answers("text/plain", PROOF, _404="No other key took over from this one"),
    )
    async def get_handover(
        key_id: Annotated[str, Path(pattern="^[0-9a-f]{8}$", examples=["0e8d9abf"])],
        principal: Annotated[Principal, requires(Right.PUBLIC)],
    ) -> Response:
        """Which key took over from one that signed the log: the entry that says so, proved under the old one."""
        try:
            proof = await asyncio.to_thread((trail.directory / HANDOVER / key_id).read_bytes)
        except FileNotFoundError:
            raise Problem(
                404, "no-handover", "No other key took over", "Of this key nothing of the kind is known."
            ) from None
        return Response(proof, media_type=TEXT)
