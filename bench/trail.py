"""The trail: entries appended, and what ten million of them cost whoever asks.

Appended is what `Trail.take` does: tiles synced, index committed, a checkpoint each second. Of what gathers, the bus
hands over up to four thousand entries at once. The projection is not among it: how far it falls behind is measured
apart, at a rate that an installation has and at the appender's own.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bench.entries import BEGIN, DEPARTMENTS, EVENTS_A_LIFE, Block
from bench.multiplied import multiply
from services.audit import listing
from services.audit.evidence import Evidence
from services.audit.index import FILE as INDEX
from services.audit.log import Signer, leaf_hash, verify_log
from services.audit.projected import FILE as PROJECTION
from services.audit.querying import Cursor, Queries, Wanted
from services.audit.trail import Trail
from shared.bus.embedded import STREAM
from shared.events import Record

BATCH = 1024
SMALL = 256
"""The smallest batch that is integrated at once."""
_BLOCK = 100_000
_SIGNER = Signer("bench.example/throughline", bytes(range(32)))
_LAG_SECONDS = 10
RATE = 6_000
"""Entries/s of a thousand messages a second."""
_PROOFS = 500
_ROUNDS = 12
_PAGES = 3
_LIMIT = 100


class _Lag(NamedTuple):
    """How far the projection was behind at most, and how long it took to catch up at the end."""

    appended: float
    entries: int
    seconds: float
    caught_up_in: float


@dataclass
class _Log:
    """An installation's trail that grows."""

    trail: Trail
    block: Block
    size: int = 0
    taken: list[tuple[int, float]] = field(default_factory=list)
    """Of each batch how many entries, and the seconds it took."""

    async def append(self, records: Iterator[Record], batch: int = BATCH) -> None:
        """Take them all; making them is not counted."""
        signed = time.monotonic()
        while some := list(islice(records, batch)):
            began = time.perf_counter()
            await self.trail.take(some, {STREAM: self.size + len(some) + 1})
            if time.monotonic() - signed >= 1:
                await self.trail.publish()
                signed = time.monotonic()
            self.taken.append((len(some), time.perf_counter() - began))
            self.size += len(some)

    def rate(self, first: int = 0, last: int = 1 << 62) -> float:
        """Entries/s of the batches in a range of entries."""
        at, count, seconds = 0, 0, 0.0
        for entries, took in self.taken:
            if first <= at < last:
                count, seconds = count + entries, seconds + took
            at += entries
        return count / seconds


def trail(entries: int) -> dict[str, object]:
    """The bench `trail`."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measured(Path(directory), entries))


async def _measured(directory: Path, entries: int) -> dict[str, object]:
    block = Block(min(_BLOCK, entries) // EVENTS_A_LIFE)
    copies = max(2, entries // len(block))
    async with _a_log(directory / "lag", block) as log:
        await log.trail.projector.start()
        usual, flat_out = await _lag(log, RATE), await _lag(log, None)
    whole = directory / "whole"
    async with _a_log(whole, block) as log:
        await log.append(block.copy(0), SMALL)
        small, log.taken = log.rate(), []
        began = time.perf_counter()
        await log.trail.projector.idle()
        projected = len(block) / (time.perf_counter() - began)
        for copy in range(1, copies):
            await log.append(block.copy(copy))
        await log.trail.publish()
    last = leaf_hash(list(block.copy(copies - 1))[-1].value)
    value = log.rate()
    figures: dict[str, object] = {
        "bench": "trail",
        "value": round(value),
        "first_million": round(log.rate(0, 1_000_000)),
        "last_million": round(log.rate(log.size - len(block) - 1_000_000)),
        "value_is": f"entries/s in batches of {BATCH}",
        f"in_batches_of_{SMALL}": round(small),
    }
    reference, stated = _raw(directory, block, min(copies, 5))
    multiply(whole / "audit" / PROJECTION, copies, block.span, last)
    return (
        figures
        | {
            "reference": round(reference),
            "reference_is": stated,
            "ratio": round(value / reference, 3),
        }
        | _proofs(whole, log.size)
        | _verified(directory / "lag")
        | {
            "projected_per_s": round(projected),
            "lag_at_usual_rate": usual._asdict(),
            "lag_at_full_speed": flat_out._asdict(),
        }
        | await _queries(whole, block, copies)
        | {"entries": log.size, "entry_bytes": _mean(block), "bytes_per_entry": _sizes(whole, log.size)}
    )


@asynccontextmanager
async def _a_log(directory: Path, block: Block) -> AsyncIterator[_Log]:
    one = Trail(directory / "audit", _SIGNER, ZoneInfo("Asia/Taipei"))
    try:
        yield _Log(one, block)
    finally:
        await one.close()


async def _lag(log: _Log, rate: int | None) -> _Lag:
    """Append for some seconds, so many entries a second or as many as go, the projection following."""
    projector, behind, late = log.trail.projector, 0, 0.0
    first, began = log.size, time.perf_counter()
    copy = first // len(log.block) + 1
    records: Iterator[Record] = (one for number in range(copy, copy + 99) for one in log.block.copy(number))
    while (now := time.perf_counter() - began) < _LAG_SECONDS:
        if rate is not None and (early := (log.size - first) / rate - now) > 0:
            await asyncio.sleep(early)
        await log.append(islice(records, BATCH))
        behind, late = max(behind, projector.behind_entries()), max(late, projector.behind_seconds())
    appended = (log.size - first) / (time.perf_counter() - began)
    began = time.perf_counter()
    await projector.idle()
    await log.trail.publish()
    return _Lag(round(appended), behind, round(late, 3), round(time.perf_counter() - began, 3))


def _raw(directory: Path, block: Block, copies: int) -> tuple[float, str]:
    """Entries/s of what there is no way around: the leaf hashes of the same bytes, and the bytes in a file."""
    entries, seconds = 0, 0.0
    with (directory / "raw").open("wb", buffering=0) as file:
        for copy in range(copies):
            records = block.copy(copy)
            while some := [record.value for record in islice(records, BATCH)]:
                began = time.perf_counter()
                hashes = b"".join([sha256(b"\0" + value).digest() for value in some])
                file.write(hashes + b"".join(some))
                os.fsync(file.fileno())
                entries, seconds = entries + len(some), seconds + time.perf_counter() - began
    return entries / seconds, f"entries/s: SHA-256 of each, all appended to one file, fsync every {BATCH}"


def _proofs(directory: Path, size: int) -> dict[str, object]:
    evidence, chance = Evidence(directory / "audit" / "log", _SIGNER.verifier), Random(2)
    taken = []
    for _ in range(_PROOFS):
        place = chance.randrange(size)
        began = time.perf_counter()
        evidence.prove([place])
        taken.append((time.perf_counter() - began) * 1000)
    return {
        "proof_ms": {"p50": round(quantiles(taken, n=2)[0], 3), "p95": round(_p95(taken), 3)},
        "proof_is": "one entry read, its path found, the checkpoint's signature checked, nothing kept from before",
    }


def _verified(directory: Path) -> dict[str, object]:
    began = time.perf_counter()
    report = verify_log(directory / "audit" / "log", _SIGNER.verifier)
    seconds = time.perf_counter() - began
    if not report.ok:
        raise RuntimeError(f"the log does not verify: {report.problems[0]}")
    return {"verify_per_s": round(report.entries / seconds), "verified": report.entries}


def filter_sets(block: Block, copies: int) -> dict[str, list[Wanted]]:
    """The listed sets, each with common values and with rare ones."""
    span, chance = block.span, Random(3)
    starts = [BEGIN + span * chance.randrange(copies) + span * 0.3 for _ in range(4)]
    refs = [f"R{chance.randrange(len(block) // 10):06}{chance.randrange(copies):04x}" for _ in range(6)]
    assigned, closed = "throughline.case.assigned", "throughline.case.closed"
    some = (DEPARTMENTS[0], DEPARTMENTS[1], DEPARTMENTS[-1])
    return {
        "none": [Wanted()],
        "case": [Wanted(case=ref) for ref in refs],
        "type": [Wanted(type=assigned), Wanted(type=closed), Wanted(type="throughline.case.merged")],
        "time": [Wanted(since=one, until=one + span / 50) for one in starts],
        "department": [Wanted(department=one) for one in some],
        "department+type": [Wanted(department=one, type=closed) for one in some],
        "department+time": [
            Wanted(department=one, since=start) for one, start in zip(some, starts, strict=False)
        ],
        "type+time": [Wanted(type=closed, since=one, until=one + span / 9) for one in starts],
        "case+type": [Wanted(case=ref, type=assigned) for ref in refs],
        "department+type+time": [
            Wanted(department=one, type=assigned, since=start)
            for one, start in zip(some, starts, strict=False)
        ],
    }


async def _queries(directory: Path, block: Block, copies: int) -> dict[str, object]:
    queries = Queries(directory / "audit", Evidence(directory / "audit" / "log", _SIGNER.verifier))
    sets = filter_sets(block, copies)
    found: dict[str, list[float]] = {name: [] for name in sets}
    shown: dict[str, list[float]] = {name: [] for name in sets}
    for _ in range(_ROUNDS):
        for name, variants in sets.items():
            for wanted in variants:
                _walk(queries, wanted, found[name], shown[name])
    only = {name: round(_p95(seconds) * 1000, 2) for name, seconds in found.items()}
    worst = {name: round(_p95(seconds) * 1000, 2) for name, seconds in shown.items()}
    return {
        "query_p95_ms": max(only.values()),
        "query_p95_ms_by_set": only,
        "page_p95_ms": max(worst.values()),
        "page_p95_ms_by_set": worst,
        "page_is": f"{_LIMIT} entries found, read, proved and written as JSON; HTTP itself not",
    }


def _walk(queries: Queries, wanted: Wanted, found: list[float], shown: list[float]) -> None:
    """Seconds of each of the first pages: found alone, and with the proofs."""
    cursor: Cursor | None = Cursor()
    for _ in range(_PAGES):
        if cursor is None:
            return
        began = time.perf_counter()
        queries.places(wanted, cursor, _LIMIT)
        found.append(time.perf_counter() - began)
        began = time.perf_counter()
        page = queries.page(wanted, cursor, _LIMIT)
        listing.told(page).model_dump_json()
        shown.append(time.perf_counter() - began)
        cursor = page.following


def _sizes(directory: Path, size: int) -> dict[str, float]:
    audit = directory / "audit"
    log = sum(path.stat().st_blocks * 512 for path in (audit / "log").rglob("*") if path.is_file())
    parts = {"log": log, "index": _bytes(audit / INDEX), "projection": _bytes(audit / PROJECTION)}
    return {name: round(count / size, 1) for name, count in parts.items()}


def _bytes(path: Path) -> int:
    return path.stat().st_size


def _mean(block: Block) -> int:
    lengths = [len(record.value) for record in block.copy(0)]
    return round(sum(lengths) / len(lengths))


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[-1]
