"""The trail's entries over HTTP: pages of them with proofs, and exports of as many as there are."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import orjson
import structlog
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, Field

from services.audit.answers import CHECKPOINT, PROOF
from services.audit.evidence import Entry, Evidence
from services.audit.export import COLUMNS, Format, Order
from services.audit.log import leaf_hash
from services.audit.querying import CURSOR, Behind, Beyond, Cursor, NoSuchCase, Page, Queries, Wanted
from services.audit.trail import Trail
from shared.note import encode_base64
from shared.rights import Principal, Right, requires
from shared.web.problems import Problem

log = structlog.get_logger()
T = TypeVar("T")

EXPORTS_AT_ONCE = 2
"""Each is a process."""
CHECKPOINT_HEADER = "Throughline-Checkpoint"
SIZE_HEADER = "Throughline-Size"
MEDIA: dict[Format, str] = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
_PROGRAM = "services.audit.export"
_A_READ = 1 << 16
_LINES = (
    '{"checkpoint":"county.example/throughline\\n1207\\nqN8yj…=\\n\\n…","size":1207,"start":0,"asked":{}}\n'
    '{"index":0,"case":"K7QM-2XPA-B","department":"housing","leaf_hash":"9f2c…","entry":{…}}\n'
    '{"end":1207}\n'
)


class EntryShown(BaseModel):
    """One entry with its proof: `leaf_hash` is that of the proof's `extra`, which are the entry's very bytes."""

    index: int = Field(examples=[41])
    entry: dict[str, Any] | None = Field(
        description="The event; absent for an entry that is no event of ours",
        examples=[{"type": "throughline.case.assigned", "data": {"department": "housing", "by": "rule"}}],
    )
    leaf_hash: str = Field(description="SHA-256 over 0x00 and the entry (RFC 6962), in hex")
    proof: str = Field(description="C2SP tlog-proof", examples=[PROOF])


class Entries(BaseModel):
    """Entries of the log with their proofs, and the checkpoint that all of them are under."""

    checkpoint: str = Field(examples=[CHECKPOINT])
    size: int = Field(
        description="The listing is of the trail's first so many entries; what came later is listed from"
        " `cursor=<size>-` on",
        examples=[1207],
    )
    entries: list[EntryShown]
    next: str | None = Field(
        None, description="Pass it as `cursor` for what follows; absent at the end", examples=["42-1207"]
    )


def _written(text: object) -> object:
    """A number is no time, though it could be read as one."""
    if isinstance(text, str) and not re.match(r"\d{4}-\d{2}-\d{2}[Tt ]", text, re.ASCII):
        raise ValueError("write it as 2026-09-30T16:00:00+08:00")
    return text


_Instant = Annotated[datetime, BeforeValidator(_written)]


def _wanted(
    *,
    case: Annotated[
        str | None, Query(max_length=80, description="A case's ref", examples=["K7QM-2XPA-B"])
    ] = None,
    department: Annotated[
        str | None,
        Query(
            max_length=80,
            description="Only entries of cases while this department led them, from the one that assigned it on;"
            " `coordinator`: while nobody did yet, or it was back with the coordinator",
            examples=["housing"],
        ),
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
    since: Annotated[
        _Instant | None,
        Query(description="Only events of this time or later", examples=["2026-09-30T16:00:00+08:00"]),
    ] = None,
    until: Annotated[
        _Instant | None,
        Query(description="Only events before this time", examples=["2026-10-01T00:00:00+08:00"]),
    ] = None,
) -> Wanted:
    for name, instant in (("since", since), ("until", until)):
        if instant is not None and instant.tzinfo is None:
            raise Problem(
                422,
                "no-zone",
                "A time has no zone",
                f"Say of `{name}` in which zone it is, as in 2026-09-30T16:00:00+08:00 or 2026-09-30T08:00:00Z.",
            )
    return Wanted(case, kind, department, since, until)


def _cursor(
    cursor: Annotated[
        str | None,
        Query(
            pattern=CURSOR,
            description="`next` of the page before, with the same filters; or `<index>-<size>`: from that entry on, of"
            " the trail's first so many entries; or `<index>-`: of all that are signed by now",
            examples=["42-1207"],
        ),
    ] = None,
) -> Cursor:
    return Cursor.read(cursor)


_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/jsonl": {"schema": {"type": "string"}, "example": _LINES},
            "text/csv": {"schema": {"type": "string"}, "example": ",".join(COLUMNS) + "\r\n"},
        },
        "headers": {
            CHECKPOINT_HEADER: {
                "description": "The checkpoint it was read at, in base64",
                "schema": {"type": "string"},
            },
            SIZE_HEADER: {
                "description": "It is of the trail's first so many entries",
                "schema": {"type": "integer"},
            },
        },
    }
}
Asks = Annotated[Wanted, Depends(_wanted)]
GoesOn = Annotated[Cursor, Depends(_cursor)]


def _answers(**problems: str) -> dict[int | str, dict[str, Any]]:
    told = {
        "_400": "The cursor is of more entries than the trail has",
        "_401": "Sign in",
        "_403": "Not allowed",
        "_404": "No such case",
        "_422": "A field does not fit",
        "_503": "The cursor is of entries that can't be asked for yet; `Retry-After`",
    }
    return {
        int(status[1:]): {"description": text, "content": {"application/problem+json": {}}}
        for status, text in (told | problems).items()
    }


def router(trail: Trail, evidence: Evidence) -> APIRouter:
    """The routes."""
    routes = APIRouter()
    queries = Queries(trail.directory.parent, evidence)
    _page(routes, queries)
    _export(routes, queries, Exports(trail, evidence))
    return routes


def _page(routes: APIRouter, queries: Queries) -> None:
    @routes.get("/v1/trail", responses=_answers())
    async def get_trail(
        wanted: Asks,
        cursor: GoesOn,
        principal: Annotated[Principal, requires(Right.TRAIL_READ)],
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Entries:
        """Entries in the log's order, each with its proof.

        With `case`, everything the trail has of it: its own entries, its messages', its deliveries', facts and findings
        about it. A listing is of the entries that were there when it began: nothing is shown twice or left out while
        the trail grows. A page may be shorter than `limit`, or empty, and yet have a `next`.
        """
        return told(await _asked(lambda: queries.page(wanted, cursor, limit)))


async def _asked(ask: Callable[[], T]) -> T:
    """What the projection answers, asked in a thread. Raises Problem."""
    try:
        return await asyncio.to_thread(ask)
    except NoSuchCase as error:
        raise Problem(404, "no-such-case", "No such case", str(error)) from error
    except Beyond as error:
        raise Problem(
            400, "cursor-beyond", "The cursor is beyond the trail", f"{error}. Begin anew without it."
        ) from error
    except Behind as error:
        raise Problem(
            503, "catching-up", "Not yet", f"{error}. Ask again in a moment.", headers={"Retry-After": "5"}
        ) from error


def _export(routes: APIRouter, queries: Queries, exports: Exports) -> None:
    @routes.get(
        "/v1/trail/export",
        response_class=StreamingResponse,
        responses=_EXPORTED
        | _answers(_503="Others are exporting, or the cursor is of entries that can't be asked for yet"),
    )
    async def export_trail(
        wanted: Asks,
        cursor: GoesOn,
        principal: Annotated[Principal, requires(Right.TRAIL_READ)],
        format: Annotated[  # noqa: A002  it is called so
            Literal["jsonl", "csv"], Query(description="JSON lines, or CSV for a spreadsheet")
        ] = "jsonl",
    ) -> StreamingResponse:
        """All entries that fit, as a stream of lines, however many.

        JSON lines begin with the checkpoint and end with `end`; each `entry` stands there with its very bytes, of
        which `leaf_hash` is made. One that was cut off goes on from `cursor=<index after the last line's>-<size>`.
        """
        size = await _asked(lambda: queries.check(wanted, cursor))
        return await exports.stream(wanted, Cursor(cursor.start, size), format)


@dataclass
class Exports:
    """Processes that export; few at once."""

    trail: Trail
    evidence: Evidence
    running: int = 0

    async def stream(self, wanted: Wanted, cursor: Cursor, kind: Format) -> StreamingResponse:
        """Begin one. Raises Problem where there are too many."""
        if self.running >= EXPORTS_AT_ONCE:
            raise Problem(
                503,
                "exports-at-once",
                "Others are exporting",
                f"There are {EXPORTS_AT_ONCE} exports at once at most. Ask again once one of them has ended.",
                headers={"Retry-After": "30"},
            )
        assert cursor.size is not None
        checkpoint, tree = await asyncio.to_thread(self.evidence.signed)
        order = Order(
            audit=self.trail.directory.parent.resolve(),
            wanted=wanted,
            start=cursor.start,
            size=cursor.size,
            tree=tree,
            checkpoint=checkpoint.decode(),
            format=kind,
        )
        headers = {
            CHECKPOINT_HEADER: encode_base64(checkpoint),
            SIZE_HEADER: str(cursor.size),
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="trail-{cursor.size}.{kind}"',
        }
        return StreamingResponse(self._lines(order), media_type=MEDIA[kind], headers=headers)

    async def _lines(self, order: Order) -> AsyncIterator[bytes]:
        self.running += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                process.stdin.write(order.model_dump_json().encode())
                process.stdin.close()
                while some := await process.stdout.read(_A_READ):
                    yield some
                if await process.wait():
                    said = (await process.stderr.read()).decode(errors="replace")
                    log.error("trail.export_failed", code=process.returncode, error=said[-2000:])
                    # The answer is cut off, so that nobody takes what came for all.
                    raise RuntimeError("the export failed half-way")
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        finally:
            self.running -= 1


def told(page: Page) -> Entries:
    """A page as JSON."""
    return Entries(
        checkpoint=page.proved.checkpoint.decode(),
        size=page.size,
        entries=[shown(entry) for entry in page.proved.entries],
        next=str(page.following) if page.following else None,
    )


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
