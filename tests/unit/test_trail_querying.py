"""The trail is asked by case, department, type and time, in pages that stay as they are while it grows."""

from __future__ import annotations

import asyncio
import csv
import json
import sqlite3
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from services.audit import lookup as lookups
from services.audit.evidence import Evidence
from services.audit.export import COLUMNS, Format, Order, export
from services.audit.log import leaf_hash
from services.audit.lookup import Asked, Lookup
from services.audit.projected import FILE
from services.audit.querying import Behind, Beyond, Cursor, NoSuchCase, Queries, Wanted
from services.audit.trail import Trail
from shared.bus import Foreign, Taken
from shared.events import Record
from shared.events.cases import CaseAccepted, CaseAssigned, CaseClosed, CaseQueued
from shared.events.deliveries import DeliveryQueued
from tests.installations import in_a_loop
from tests.unit.trail_samples import ARRIVAL, DAY, SIGNER, WORDS, Life, a_trail, take

HOUR = timedelta(hours=1)


def lived() -> list[Taken]:
    """Thirty cases of two departments over thirty hours; one of them goes from one to the other and back."""
    life = Life()
    for number in range(30):
        life.case(number, "housing" if number % 3 else "transport").later(HOUR)
        if number == 10:
            life.emit("case_1", CaseQueued(reason="returned"))
        if number == 11:
            life.emit("case_1", CaseAssigned(department="transport", by="coordinator"))
            life.emit("dlv_1", told("case_1"))
        if number == 12:
            life.emit("case_1", CaseAccepted(actor="clerk"), CaseClosed(outcome="declined"))
    return [*life.records[:50], Foreign("cases", b"no event\nof ours"), *life.records[50:]]


def told(case: str) -> DeliveryQueued:
    return DeliveryQueued(
        case=case,
        ref="",
        about=f"{case}/3",
        template="assigned",
        channel="email",
        party="p",
        language="en",
        words=WORDS,
    )


@asynccontextmanager
async def asked(directory: Path, taken: list[Taken]) -> AsyncIterator[tuple[Trail, Queries]]:
    """A trail that has, signed and projected, what was taken."""
    async with a_trail(directory) as trail:
        await signed(trail, taken)
        yield trail, Queries(trail.directory.parent, Evidence(trail.directory, SIGNER.verifier))


async def signed(trail: Trail, taken: list[Taken]) -> None:
    for at in range(0, len(taken), 40):
        await take(trail, taken[at : at + 40])
    await trail.idle()


def read(queries: Queries, wanted: Wanted, limit: int, cursor: Cursor | None = Cursor()) -> Iterator[int]:  # noqa: B008
    """All pages of a listing."""
    while cursor is not None:
        page = queries.page(wanted, cursor, limit)
        assert len(page.proved.entries) <= limit
        yield from (entry.index for entry in page.proved.entries)
        cursor = page.following


def events(taken: list[Taken]) -> list[tuple[int, Record]]:
    return [(at, one) for at, one in enumerate(taken) if isinstance(one, Record)]


def by_hand(taken: list[Taken], fits: Callable[[Record], bool]) -> list[int]:
    return [at for at, one in events(taken) if fits(one)]


def led(taken: list[Taken], department: str) -> list[int]:
    """The entries of a department, told by going through all of them."""
    case_of: dict[str, str] = {}
    holder: dict[str, str] = {}
    found = []
    for at, record in events(taken):
        said = record.data
        if record.subject.startswith("case_"):
            case_of[record.subject] = record.subject
            holder.setdefault(record.subject, "coordinator")
            if record.type == "throughline.case.opened":
                case_of[said.message] = record.subject  # type: ignore[attr-defined]
            if isinstance(said, CaseAssigned):
                holder[record.subject] = said.department
            if isinstance(said, CaseQueued):
                holder[record.subject] = "coordinator"
        if isinstance(said, DeliveryQueued):
            case_of[record.subject] = said.case
        if holder.get(case_of.get(record.subject, "")) == department:
            found.append(at)
    return found


ASSIGNED = "throughline.case.assigned"
SINCE, UNTIL = ARRIVAL + 7 * HOUR, ARRIVAL + 15 * HOUR


@pytest.mark.parametrize("limit", [1, 3, 1000])
@in_a_loop
async def test_every_filter_finds_the_entries_that_fit_and_no_others(tmp_path: Path, limit: int) -> None:
    taken = lived()
    whose = {"case_1", "msg_1", "dlv_1"}
    async with asked(tmp_path, taken) as (_, queries):

        def found(**wanted: Any) -> list[int]:
            return list(read(queries, Wanted(**wanted), limit))

        assert found() == list(range(len(taken)))
        assert found(case="REF-1") == by_hand(taken, lambda one: one.subject in whose)
        assert found(type=ASSIGNED) == by_hand(taken, lambda one: one.type == ASSIGNED)
        assert found(since=SINCE, until=UNTIL) == by_hand(taken, lambda one: SINCE <= one.time < UNTIL)
        assert found(since=SINCE) == by_hand(taken, lambda one: one.time >= SINCE)
        for department in ("housing", "transport", "coordinator"):
            theirs = led(taken, department)
            assert found(department=department) == theirs
            assert found(department=department, type=ASSIGNED) == sorted(
                {*theirs} & {*by_hand(taken, lambda one: one.type == ASSIGNED)}
            )
            assert found(department=department, case="REF-1", until=UNTIL) == sorted(
                {*theirs} & {*by_hand(taken, lambda one: one.subject in whose and one.time < UNTIL)}
            )
        assert found(type="throughline.case.unheard_of") == []
        assert found(department="nobody") == []
        assert found(since=ARRIVAL + 99 * DAY) == found(until=ARRIVAL) == []
        with pytest.raises(NoSuchCase, match="know no case NOBODY"):
            found(case="NOBODY")


@in_a_loop
async def test_every_entry_of_a_page_is_proved_under_the_checkpoint_that_it_carries(tmp_path: Path) -> None:
    taken = lived()
    evidence = Evidence(tmp_path / "audit" / "log", SIGNER.verifier)
    async with asked(tmp_path, taken) as (_, queries):
        page = queries.page(Wanted(type=ASSIGNED), Cursor(), 10)
    assert (page.proved.size, page.size) == (len(taken), len(taken))
    assert all(evidence.verified(entry) for entry in page.proved.entries)
    assert [entry.value for entry in page.proved.entries] == [
        taken[entry.index].value for entry in page.proved.entries
    ]


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(type=ASSIGNED), Wanted(department="housing")])
@in_a_loop
async def test_a_listing_stays_what_it_was_while_the_trail_grows_and_the_next_one_has_the_rest(
    tmp_path: Path, wanted: Wanted
) -> None:
    taken = lived()
    async with asked(tmp_path, taken[:70]) as (trail, queries):
        first = list(read(queries, wanted, 4))
        page = queries.page(wanted, Cursor(), 4)
        got, cursor, at = [entry.index for entry in page.proved.entries], page.following, 70
        while cursor is not None:
            await signed(trail, taken[at : at + 9])
            at += 9
            page = queries.page(wanted, cursor, 4)
            got += [entry.index for entry in page.proved.entries]
            assert page.proved.size == min(at, len(taken)), (
                "what is shown is proved under the newest checkpoint"
            )
            cursor = page.following
        assert got == first
        await signed(trail, taken[at:])
        rest = list(read(queries, wanted, 4, Cursor.read("70-")))
        assert got + rest == list(read(queries, wanted, 1000))


@in_a_loop
async def test_a_page_looks_at_so_many_entries_and_says_where_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where times do not ascend at all, each page is as quick as any other."""
    monkeypatch.setattr(lookups, "MOST_LOOKED_AT", 10)
    life = Life()
    for number in range(30):
        life.case(number).later(HOUR if number % 2 else -HOUR)
    async with asked(tmp_path, list(life.records)) as (_, queries):
        page = queries.page(Wanted(since=ARRIVAL), Cursor(), 100)
        assert [entry.index for entry in page.proved.entries] == [0, 1, 2, 3, 8, 9]
        assert page.following == Cursor(10, 120)
        wanted = Wanted(until=ARRIVAL)
        found = list(read(queries, wanted, 7))
    assert found == by_hand(list(life.records), lambda one: one.time < ARRIVAL)
    assert len(found) == 60


@in_a_loop
async def test_what_is_not_signed_or_not_projected_yet_is_not_shown_and_a_cursor_beyond_it_says_so(
    tmp_path: Path,
) -> None:
    taken = lived()
    async with asked(tmp_path, taken[:40]) as (trail, queries):
        await take(trail, taken[40:60])
        await trail.projector.idle()
        assert queries.page(Wanted(), Cursor(), 1000).size == 40, "not signed"
        await trail.publish()
        await take(trail, taken[60:80])
        await trail.publish()
        assert queries.page(Wanted(), Cursor(), 1000).size == 60, "not projected"
        with pytest.raises(Behind, match="60 entries can be asked for as yet, and the cursor is of 80"):
            queries.page(Wanted(), Cursor(0, 80), 1)
        with pytest.raises(Beyond, match="has 80 signed entries, and the cursor is of 81"):
            queries.page(Wanted(), Cursor(0, 81), 1)
        assert queries.page(Wanted(), Cursor(60, None), 10).proved.entries == []


@pytest.mark.parametrize("text", ["", "-5", "5", "a-5", "5-a", "5-5-5", "-", "5" * 16 + "-", "٣-5"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        Cursor.read(text)


def test_queries_walk_an_index_and_sort_nothing(tmp_path: Path) -> None:
    asyncio.run(_made(tmp_path))
    with closing(sqlite3.connect(tmp_path / "audit" / FILE)) as reader:
        lookup = Lookup(reader)
        said: list[str] = []
        reader.set_trace_callback(said.append)
        for wanted in (
            Asked(),
            Asked(type=ASSIGNED),
            Asked(department="housing"),
            Asked(department="housing", type=ASSIGNED),
            Asked(since=SINCE),
        ):
            lookup.find(wanted, 3, 90, 10)
        reader.set_trace_callback(None)
        statements = [one for one in said if "FROM listed" in one]
        assert len(statements) == 5
        plans = [
            " ".join(row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {one}")) for one in statements
        ]
    assert all(plan.startswith("SEARCH listed USING") and "TEMP B-TREE" not in plan for plan in plans), plans
    indexes = ["PRIMARY KEY", "listed_type", "listed_led", "listed_department", "PRIMARY KEY"]
    assert all(index in plan for index, plan in zip(indexes, plans, strict=True)), plans


async def _made(directory: Path) -> None:
    async with asked(directory, lived()):
        pass


def order(directory: Path, kind: Format, wanted: Wanted = Wanted(), start: int = 0) -> Order:  # noqa: B008
    checkpoint, size = Evidence(directory / "audit" / "log", SIGNER.verifier).signed()
    return Order(
        audit=directory / "audit",
        wanted=wanted,
        start=start,
        size=size,
        tree=size,
        checkpoint=checkpoint.decode(),
        format=kind,
    )


def test_an_export_as_json_lines_has_the_entries_very_bytes_under_the_checkpoint(tmp_path: Path) -> None:
    taken = lived()
    asyncio.run(_made(tmp_path))
    lines = list(export(order(tmp_path, "jsonl")))
    head, *rows, end = map(json.loads, lines)
    assert head["checkpoint"].encode() == (tmp_path / "audit" / "log" / "checkpoint").read_bytes()
    assert (head["size"], head["start"], head["asked"]) == (len(taken), 0, {})
    assert end == {"end": len(taken)}
    assert [row["index"] for row in rows] == list(range(len(taken)))
    for row, line, one in zip(rows, lines[1:], taken, strict=False):
        assert row["leaf_hash"] == leaf_hash(one.value).hex()
        if isinstance(one, Foreign):
            assert b64decode(row["bytes"]) == one.value
        else:
            assert line.endswith(b'"entry":' + one.value + b"}\n")
    assert {row["case"] for row in rows if row.get("entry", {}).get("subject") == "msg_3"} == {"REF-3"}
    for department in ("housing", "transport", "coordinator"):
        assert [row["index"] for row in rows if row["department"] == department] == led(taken, department)


@pytest.mark.parametrize(
    "wanted",
    [Wanted(department="transport"), Wanted(case="REF-1"), Wanted(type=ASSIGNED, since=SINCE, until=UNTIL)],
)
def test_an_export_has_what_pages_have_and_goes_on_where_it_was_cut_off(
    tmp_path: Path, wanted: Wanted
) -> None:
    taken = lived()

    async def pages() -> list[int]:
        async with asked(tmp_path, taken) as (_, queries):
            return list(read(queries, wanted, 5))

    found = asyncio.run(pages())
    rows = [json.loads(line) for line in export(order(tmp_path, "jsonl", wanted))][1:-1]
    assert [row["index"] for row in rows] == found
    assert len(found) > 4
    rest = [json.loads(line) for line in export(order(tmp_path, "jsonl", wanted, found[2] + 1))]
    assert [row["index"] for row in rest[1:-1]] == found[3:]
    assert rest[0]["asked"].keys() == {
        name for name in ("case", "type", "department", "since", "until") if getattr(wanted, name)
    }


def test_an_export_as_csv_is_flat_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    taken = lived()
    evil = Foreign(
        "cases",
        json.dumps(
            {
                "type": "=1+1",
                "subject": "@SUM(A1)\r\n-2",
                "time": "+3",
                "sequence": "\t4",
                "causationid": "-5",
            }
        ).encode(),
    )

    async def make() -> None:
        async with asked(tmp_path, [*taken, evil]):
            pass

    asyncio.run(make())
    text = b"".join(export(order(tmp_path, "csv"))).decode()
    assert len(text.splitlines()) == len(taken) + 2, "one line an entry"
    head, *rows = csv.reader(StringIO(text, newline=""))
    assert tuple(head) == COLUMNS
    for cells, one in zip(rows, taken, strict=False):
        row = dict(zip(COLUMNS, cells, strict=True))
        assert row["leaf_hash"] == leaf_hash(one.value).hex()
        if isinstance(one, Record):
            envelope = json.loads(one.value)
            assert json.loads(row["data"]) == envelope["data"]
            told = ("type", "subject", "time", "sequence")
            assert [row[name] for name in told] == [envelope[name] for name in told]
        else:
            assert b64decode(row["data"].removeprefix("base64:")) == one.value
    assert rows[-1][1:4] == ["'+3", "'=1+1", "'@SUM(A1)  -2"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


def test_the_process_that_exports_writes_the_same_and_ends_badly_where_the_log_is_damaged(
    tmp_path: Path,
) -> None:
    asyncio.run(_made(tmp_path))
    wanted = order(tmp_path, "jsonl")
    command = [sys.executable, "-m", "services.audit.export"]
    told = wanted.model_dump_json().encode()
    made = subprocess.run(command, input=told, capture_output=True, check=True).stdout
    assert made == b"".join(export(wanted))
    bundle = next((tmp_path / "audit" / "log" / "tile" / "entries").rglob("000.p/*"))
    bundle.write_bytes(bundle.read_bytes()[:-5])
    failed = subprocess.run(command, input=told, capture_output=True, check=False)
    assert failed.returncode != 0
    assert b'"end"' not in failed.stdout
