"""Entries by the million, as lines: JSON to work with, CSV for a spreadsheet. In constant memory.

What is served is made by a process of its own (`python -m services.audit.export`), told what to do on its standard
input, so that nobody waits for it.
"""

from __future__ import annotations

import csv
import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel

from services.audit.evidence import read
from services.audit.log import LogReader, from_directory, leaf_hash
from services.audit.lookup import Asked, Lookup
from services.audit.projected import FILE
from services.audit.querying import Wanted

Format = Literal["jsonl", "csv"]
COLUMNS = (
    *("index", "time", "type", "subject", "sequence", "case", "department", "causation", "leaf_hash", "data"),
)
_AT_ONCE = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell must not begin with: a spreadsheet would compute it."""


class Order(BaseModel):
    """What is to be exported: entries in [start, size) that fit, under a checkpoint of at least that size."""

    audit: Path
    """The audit's directory, with log and projection."""
    wanted: Wanted
    start: int
    size: int
    tree: int
    """The size of the checkpoint's tree."""
    checkpoint: str
    format: Format


class Row(NamedTuple):
    """An entry as it is exported."""

    place: int
    value: bytes
    event: dict[str, Any]
    """What the entry says; empty where it is no JSON object."""
    case: str | None
    """The ref of the case that it belongs to."""
    department: str | None
    """Who led that case once it had happened."""


def _event(value: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return {}
    # What is on several lines was never canonical JSON, and would not be one line here.
    return event if isinstance(event, dict) and b"\n" not in value and b"\r" not in value else {}


def export(order: Order) -> Iterator[bytes]:
    """The lines, the head first. Raises NoSuchCase, ValueError, OSError, sqlite3.Error."""
    with closing(Lookup.open(order.audit / FILE)) as lookup:
        lookup.hold()
        asked = order.wanted.asked(lookup)
        rows = _rows(lookup, LogReader(from_directory(order.audit / "log")), asked, order)
        yield from _jsonl(rows, order) if order.format == "jsonl" else _csv(rows)


def _rows(lookup: Lookup, reader: LogReader, asked: Asked, order: Order) -> Iterator[Row]:
    ref_of = lru_cache(1 << 16)(lookup.ref_of)  # entries of one case mostly stand near each other
    start: int | None = order.start
    while start is not None:
        found = lookup.find(asked, start, order.size, _AT_ONCE)
        departments = lookup.departments_of(found.places)
        for index, value in read(reader, found.places, order.tree):
            event = _event(value)
            case = ref_of(event["subject"]) if isinstance(event.get("subject"), str) else None
            yield Row(index, value, event, case, departments.get(index))
        start = found.following


def _jsonl(rows: Iterator[Row], order: Order) -> Iterator[bytes]:
    """The checkpoint, the entries, and an end: without that last line it was cut off."""
    head = {"checkpoint": order.checkpoint, "size": order.size, "start": order.start}
    asked = {name: wanted for name, wanted in asdict(order.wanted).items() if wanted is not None}
    yield orjson.dumps(head | {"asked": asked}) + b"\n"
    for row in rows:
        said = {"index": row.place, "case": row.case, "department": row.department}
        told = orjson.dumps(said | {"leaf_hash": leaf_hash(row.value).hex()})
        # The entry's very bytes: the leaf hash is of them.
        entry = (
            b'"entry":' + row.value
            if row.event
            else b'"bytes":' + orjson.dumps(b64encode(row.value).decode())
        )
        yield told[:-1] + b"," + entry + b"}\n"
    yield orjson.dumps({"end": order.size}) + b"\n"


def _csv(rows: Iterator[Row]) -> Iterator[bytes]:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(_cells(row))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _cells(row: Row) -> list[str]:
    event = row.event
    told = [event.get(name) for name in ("time", "type", "subject", "sequence")]
    data = orjson.dumps(event.get("data")).decode() if event else f"base64:{b64encode(row.value).decode()}"
    cells = [*told, row.case, row.department, event.get("causationid"), leaf_hash(row.value).hex(), data]
    return [str(row.place), *map(_safe, cells)]


def _safe(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula, on one line."""
    text = "" if cell is None else str(cell)
    text = text.replace("\r", " ").replace("\n", " ")
    return f"'{text}" if text.startswith(_FORMULA) else text


def main() -> None:
    """Write what standard input orders to standard output."""
    order = Order.model_validate_json(sys.stdin.buffer.read())
    lines = export(order)
    while some := list(islice(lines, _AT_ONCE)):
        sys.stdout.buffer.write(b"".join(some))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    os.nice(10)
    main()
