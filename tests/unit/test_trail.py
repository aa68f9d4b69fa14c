"""The trail takes every event once, whatever fails on the way, and signs only what its index has."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from services.audit import trail as trail_module
from services.audit.index import FILE, Index
from services.audit.keys import KIND, TRAIL, TRAILS, introduce_receipt_key
from services.audit.log import LogWriter, Report, StateError, verify_log
from services.audit.log.disk import Disk
from services.audit.trail import Trail, TrailClosed
from shared.aggregate import Aggregates
from shared.bus import Foreign
from shared.clock import SimulatedClock
from shared.events import Record
from shared.store import Step
from shared.store.sqlite import SqliteStore
from tests.installations import THINGS, in_a_loop
from tests.unit.trail_samples import ARRIVAL, SHANGHAI, SIGNER, Life, a_trail, take, taken

CASES = [Life().case(number).records for number in range(3)]


def verified(directory: Path) -> Report:
    report = verify_log(directory / "audit" / "log", SIGNER.verifier)
    assert report.ok, report.problems
    return report


def entries(trail: Trail) -> list[bytes]:
    size = trail.index.state.size
    return list(trail.reader().entries(0, size, size))


@in_a_loop
async def test_what_was_taken_is_signed_at_the_end(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, CASES[0])
        assert trail.published.size == 0
    assert verified(tmp_path).entries == len(CASES[0])


@in_a_loop
async def test_who_waits_for_a_checkpoint_is_answered_by_it_or_told_that_none_comes(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        covered = asyncio.create_task(trail.covered(len(CASES[0])))
        never = asyncio.create_task(trail.covered(1000))
        await take(trail, CASES[0])
        assert not covered.done()
        await trail.publish()
        await covered
    with pytest.raises(TrailClosed):
        await never


@in_a_loop
async def test_a_crash_between_tiles_and_index_leaves_no_trace(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, CASES[0])
    state = Index(tmp_path / "audit" / FILE).state
    with LogWriter(tmp_path / "audit" / "log", state) as writer:
        writer.integrate([record.value for record in CASES[1]])  # and then it crashed
    async with a_trail(tmp_path) as trail:
        assert taken(trail) == len(CASES[0])
        await take(trail, CASES[2])
        assert entries(trail) == [record.value for record in (*CASES[0], *CASES[2])]
    verified(tmp_path)


async def take_and_sign(trail: Trail, records: list[Record]) -> None:
    await take(trail, records)
    await trail.publish()


def full_disk_at(step: str) -> Callable[..., None]:
    def fail(*_: object) -> None:
        if step == "commit":
            raise sqlite3.OperationalError("database or disk is full")
        raise OSError(errno.ENOSPC, "No space left on device")

    return fail


@pytest.mark.parametrize(
    ("step", "owner", "method"),
    [
        ("tiles", Disk, "write"),
        ("sync", Disk, "sync"),
        ("commit", Index, "_place"),
        ("rename", Disk, "replace"),
    ],
)
@in_a_loop
async def test_after_a_full_disk_it_goes_on_with_what_its_index_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, owner: type, method: str
) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, CASES[0])
        await trail.publish()
        with monkeypatch.context() as full:
            full.setattr(owner, method, full_disk_at(step))
            with pytest.raises((OSError, sqlite3.Error)):
                await take_and_sign(trail, CASES[1])
            with pytest.raises((OSError, sqlite3.Error)):  # it is still full
                await take_and_sign(trail, CASES[1])
        assert trail.published.size == len(CASES[0])
        before = taken(trail)
        if before == len(CASES[0]):
            await take(trail, CASES[1])
        await trail.publish()
        assert trail.published.size == taken(trail) >= len(CASES[0]) + len(CASES[1])
        wanted = [record.value for record in (*CASES[0], *CASES[1])]
        assert entries(trail)[: len(wanted)] == wanted
    verified(tmp_path)


@in_a_loop
async def test_a_failure_nobody_foresaw_signs_nothing_that_the_index_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_trail(tmp_path) as trail:
        with monkeypatch.context() as wrong:
            wrong.setattr(Index, "commit", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await take(trail, CASES[0])
        await trail.publish()
        assert trail.published.size == 0
        await take(trail, CASES[0])
    assert verified(tmp_path).entries == len(CASES[0])


@in_a_loop
async def test_it_is_not_ready_once_entries_have_waited_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_trail(tmp_path) as trail:
        monkeypatch.setattr(trail_module, "STUCK_AFTER", 0.0)
        assert trail.ready() is None
        await take(trail, CASES[0])
        assert "entries wait" in (trail.ready() or "")
        with monkeypatch.context() as full:
            full.setattr(Disk, "replace", full_disk_at("rename"))
            with pytest.raises(OSError, match="No space"):
                await trail.publish()
        assert "No space left" in (trail.ready() or "")
        await trail.publish()
        assert trail.ready() is None


@in_a_loop
async def test_a_start_refuses_a_trail_that_is_ahead_of_its_database(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, [THINGS])
    await store.open()
    try:
        await store.commit(Step(THINGS, "msg_0", 0, b"{}", tuple(CASES[0][:1])))
        async with a_trail(tmp_path) as trail:
            await trail.belongs_to(store)
            await take(trail, CASES[0][:1])
            await trail.belongs_to(store)
            await take(trail, CASES[0][1:2])  # which the database, put back from a backup, has forgotten
            with pytest.raises(StateError, match="ahead of its database: its 2 entries end with case_0/1"):
                await trail.belongs_to(store)
    finally:
        await store.close()


@in_a_loop
async def test_a_start_refuses_a_database_that_went_another_way(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, [THINGS])
    await store.open()
    try:
        other = Life().emit("msg_0", CASES[0][3].data).records  # another event under the same id
        await store.commit(Step(THINGS, "msg_0", 0, b"{}", tuple(other)))
        async with a_trail(tmp_path) as trail:
            await take(trail, CASES[0][:1])
            with pytest.raises(StateError, match="has otherwise"):
                await trail.belongs_to(store)
    finally:
        await store.close()


@in_a_loop
async def test_a_checkpoint_ahead_of_its_index_is_refused(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, CASES[0])
    for file in (tmp_path / "audit").glob(f"{FILE}*"):
        file.unlink()
    with pytest.raises(StateError, match="ahead of the index"):
        Trail(tmp_path / "audit", SIGNER, SHANGHAI)


@in_a_loop
async def test_a_receipt_key_is_introduced_once_and_retires_the_one_before(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, [TRAILS])
    await store.open()
    try:
        clock = SimulatedClock(ARRIVAL)
        for key in ("one", "one", "two", "two", "one"):
            await introduce_receipt_key(store, clock, key)
        said = [(type(one.data).__name__, one.data.model_dump()) for one in await store.history(TRAIL)]
        assert [(name, event["use"], event["vkey"]) for name, event in said] == [
            ("KeyIntroduced", "receipt", "one"),
            ("KeyIntroduced", "receipt", "two"),
            ("KeyRetired", "receipt", "one"),
            ("KeyIntroduced", "receipt", "one"),
            ("KeyRetired", "receipt", "two"),
        ]
        state = (await Aggregates(KIND, store, clock).load(TRAIL)).state
        assert state is not None
        assert (state.vkeys, state.retired) == (("one", "two", "one"), ("two",))
    finally:
        await store.close()


@in_a_loop
async def test_bytes_that_are_no_event_are_an_entry_as_they_are(tmp_path: Path) -> None:
    foreign = Foreign("cases", b"\xff no event at all")
    async with a_trail(tmp_path) as trail:
        await take(trail, [CASES[0][0], foreign, CASES[0][1]])
        assert entries(trail) == [CASES[0][0].value, foreign.value, CASES[0][1].value]
        await trail.publish()
    verified(tmp_path)


@in_a_loop
async def test_each_stream_is_taken_on_from_where_it_was(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        for stream, record in (("cases/0", CASES[0][0]), ("cases/1", CASES[1][0])):
            taking = asyncio.create_task(trail.take([record], {stream: 1}))
            trail.hurry()
            await taking
    async with a_trail(tmp_path) as trail:
        assert trail.positions() == {"cases/0": 1, "cases/1": 1}
        assert len(entries(trail)) == 2


@in_a_loop
async def test_an_index_of_one_stream_becomes_one_of_many(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, CASES[0])
    with closing(sqlite3.connect(tmp_path / "audit" / FILE, isolation_level=None)) as before:
        before.executescript(
            "ALTER TABLE state ADD COLUMN position INTEGER NOT NULL DEFAULT 0;"
            f"UPDATE state SET position = {len(CASES[0])}; DELETE FROM positions"
        )
    for _ in range(2):
        async with a_trail(tmp_path) as trail:
            assert (taken(trail), trail.index.state.size) == (len(CASES[0]), len(CASES[0]))


@in_a_loop
async def test_an_index_of_another_version_is_made_anew_from_the_log(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, CASES[0])
        await take(trail, [Foreign("cases", b"no event"), *CASES[1]])
    path = tmp_path / "audit" / FILE
    tables = ("places", "state", "positions")

    def rows() -> list[list[object]]:
        with closing(sqlite3.connect(path)) as index:
            return [index.execute(f"SELECT * FROM {one} ORDER BY 1, 2").fetchall() for one in tables]

    whole = rows()
    with closing(sqlite3.connect(path)) as before:
        before.executescript(
            "PRAGMA user_version = 1; DROP TABLE places;"
            "CREATE TABLE entries (aggregate TEXT, at INTEGER); CREATE TABLE owed (matter TEXT)"
        )
    async with a_trail(tmp_path) as trail:
        assert rows() == whole
        assert trail.index.places("case_1") == [len(CASES[0]) + 1 + 1, len(CASES[0]) + 1 + 2]
    with (
        closing(sqlite3.connect(path)) as index,
        pytest.raises(sqlite3.OperationalError, match="no such table"),
    ):
        index.execute("SELECT * FROM owed")


@in_a_loop
async def test_where_the_log_cannot_be_read_an_index_of_another_version_stays_as_it_is(
    tmp_path: Path,
) -> None:
    life = Life()
    for number in range(80):
        life.case(number)
    async with a_trail(tmp_path) as trail:
        await take(trail, life.records)
    path = tmp_path / "audit" / FILE
    with closing(sqlite3.connect(path)) as before:
        before.execute("PRAGMA user_version = 0")
    (tmp_path / "audit" / "log" / "tile" / "entries" / "000").write_bytes(b"\xff\xff")
    with pytest.raises(StateError, match=r"made anew from the log.*nothing was changed"):
        Trail(tmp_path / "audit", SIGNER, SHANGHAI)
    with closing(sqlite3.connect(path)) as after:
        assert after.execute("SELECT count(*) FROM places").fetchone() == (len(life.records),)
