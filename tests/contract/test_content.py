"""What the content store promises: what was said is opened by who holds the key, and stands as the entry says."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.content import ContentGone, ContentStore, commitment, seal
from shared.content.embedded import EmbeddedContent
from shared.content.sweeping import Sweeping
from shared.content.words import MessageWords
from shared.events import emit
from shared.events.content import ContentRef
from shared.store import LARGE_FROM_BYTES, Conflict, Sealed, Step, Store, sqlite_contents
from tests.contract.content_places import Cluster, Embedded, ModelledCluster, ModelledEmbedded, Place
from tests.installations import (
    KIND,
    MONGO,
    THINGS,
    WEDNESDAY,
    happened,
    in_a_loop,
    sqlite_store,
)
from tests.simulation.contract import Models

LARGE = LARGE_FROM_BYTES * 2 + 77_777
A_DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "model of sqlite", "model of mongo", *MONGO])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Embedded(tmp_path)
    if request.param.startswith("model"):
        models: Models = request.getfixturevalue("modelled")
        sqlite = request.param == "model of sqlite"
        return ModelledEmbedded(models, tmp_path) if sqlite else ModelledCluster(models)
    return Cluster(request.getfixturevalue("mongo_url"), request.param)


async def sealed(contents: ContentStore, *plain: bytes) -> tuple[tuple[Sealed, ...], list[ContentRef]]:
    pairs = [seal(one, owner="msg_x", now=WEDNESDAY) for one in plain]
    return await contents.stage([one for one, _ in pairs], plain), [ref for _, ref in pairs]


async def keep(store: Store, contents: ContentStore, *plain: bytes) -> list[ContentRef]:
    staged, refs = await sealed(contents, *plain)
    await Aggregates(KIND, store, SimulatedClock(WEDNESDAY)).answer(
        f"t_{secrets.token_hex(4)}", "input", lambda state, now: [happened("a")], contents=staged
    )
    return refs


async def never_comes(store: Store, contents: ContentStore, *plain: bytes) -> list[ContentRef]:
    """Content of a step that was in conflict and was not decided again."""
    staged, refs = await sealed(contents, *plain)
    event = emit(
        happened("a"),
        source="/test",
        subject="t_nowhere",
        sequence=8,
        time=WEDNESDAY,
        causation="input",
        key="t_nowhere",
        nonce=secrets.token_bytes(16),
    )
    with pytest.raises(Conflict):
        await store.commit(Step(THINGS, "t_nowhere", 7, b"{}", (event,), contents=staged))
    return refs


@in_a_loop
async def test_small_and_large_content_is_read_back_after_the_store_was_opened_again(place: Place) -> None:
    words = MessageWords(subject="路燈", text="三天不亮了").model_dump_json().encode()
    large = secrets.token_bytes(LARGE)
    async with place.opened() as (store, contents):
        refs = await keep(store, contents, words, large, b"")
    async with place.opened() as (_, contents):
        assert [await contents.open(ref.ref) for ref in refs] == [words, large, b""]
        assert all([await contents.matches(ref) for ref in refs])
        assert await contents.open_model(refs[0].ref, MessageWords) == MessageWords.model_validate_json(words)


@in_a_loop
async def test_many_steps_at_once_bring_each_its_own_content(place: Place) -> None:
    said = [f"what was said {number}".encode() for number in range(60)]
    async with place.opened() as (store, contents):
        refs = await asyncio.gather(*(keep(store, contents, one, one * 2) for one in said))
    async with place.opened() as (_, contents):
        for one, (first, second) in zip(said, refs, strict=True):
            assert (await contents.open(first.ref), await contents.open(second.ref)) == (one, one * 2)


@in_a_loop
async def test_nothing_of_what_was_said_stands_readable_at_rest(place: Place) -> None:
    async with place.opened() as (store, contents):
        refs = await keep(store, contents, "路燈三天不亮了".encode() * 50_000, b"the street lamp is dark")
    kept = await place.at_rest()
    assert all(ref.ref.encode() in kept for ref in refs)
    assert "路燈三天".encode() not in kept
    assert b"street lamp" not in kept


@in_a_loop
async def test_content_that_was_changed_or_is_of_another_entry_is_found_out(place: Place) -> None:
    async with place.opened() as (store, contents):
        one, other = await keep(store, contents, b"one thing", b"another thing")
        await place.spoil(store, one.ref)
    async with place.opened() as (_, contents):
        assert await contents.matches(other)
        assert not await contents.matches(other.model_copy(update={"commitment": one.commitment}))
        with pytest.raises(ContentGone, match="changed"):
            await contents.open(one.ref)
        with pytest.raises(ContentGone, match="never stood here"):
            await contents.open("c_nowhere")


@in_a_loop
async def test_a_step_that_is_decided_again_brings_its_content_once(place: Place) -> None:
    async with place.opened() as (store, contents):
        one, other = (Aggregates(KIND, store, SimulatedClock(WEDNESDAY)) for _ in range(2))
        await one.answer("t_1", "first", lambda state, now: [happened("a")])
        await other.answer("t_1", "second", lambda state, now: [happened("b")])
        staged, refs = await sealed(contents, b"small", bytes(LARGE))
        answer = await one.answer("t_1", "third", lambda state, now: [happened("c")], contents=staged)
        assert answer.version == 3  # it was decided on 1, and again on 2
        assert await contents.sweep(WEDNESDAY + A_DAY) == 0
    async with place.opened() as (_, contents):
        assert [await contents.open(ref.ref) for ref in refs] == [b"small", bytes(LARGE)]


@in_a_loop
async def test_the_sweep_takes_what_no_step_came_for_and_nothing_else(place: Place) -> None:
    async with place.opened() as (store, contents):
        kept = await keep(store, contents, b"kept", b"x" * LARGE)
        loose = await never_comes(store, contents, b"loose", b"y" * LARGE)
        assert await contents.sweep(WEDNESDAY - A_DAY) == 0
    async with place.opened() as (_, contents):
        assert await contents.sweep(WEDNESDAY + A_DAY) > 0
        assert await contents.sweep(WEDNESDAY + A_DAY) == 0
        assert [await contents.open(ref.ref) for ref in kept] == [b"kept", b"x" * LARGE]
        for ref in loose:
            with pytest.raises(ContentGone):
                await contents.open(ref.ref)
    at_rest = await place.at_rest()
    assert all(ref.ref.encode() in at_rest for ref in kept)
    assert not any(ref.ref.encode() in at_rest for ref in loose)


@in_a_loop
async def test_what_is_erased_is_opened_by_nobody_and_nothing_of_it_is_kept(place: Place) -> None:
    large = secrets.token_bytes(LARGE)
    async with place.opened() as (store, contents), place.opened_beside() as beside:
        kept = await keep(store, contents, b"stays", b"s" * LARGE)
        gone = await keep(store, contents, b"goes", large)
        other = beside or contents
        assert [await other.open(ref.ref) for ref in gone] == [b"goes", large]
        assert await contents.erase([ref.ref for ref in gone])
        for opens in (contents, other):
            for ref in gone:
                with pytest.raises(ContentGone):
                    await opens.open(ref.ref)
            assert [await opens.open(ref.ref) for ref in kept] == [b"stays", b"s" * LARGE]
        assert await contents.standing([ref.ref for ref in (*kept, *gone)]) == {ref.ref for ref in kept}
    at_rest = await place.at_rest()
    assert all(ref.ref.encode() in at_rest for ref in kept)
    assert not any(ref.ref.encode() in at_rest for ref in gone)


@in_a_loop
async def test_erasing_again_or_what_never_stood_there_changes_nothing(place: Place) -> None:
    async with place.opened() as (store, contents):
        (kept,) = await keep(store, contents, b"stays")
        (gone,) = await keep(store, contents, b"goes")
        for _ in range(2):
            assert await contents.erase([gone.ref, "c_nowhere"])
        assert await contents.matches(kept)
        assert not await contents.matches(gone)


@in_a_loop
async def test_what_is_kept_is_read_page_by_page_with_whose_it_is(place: Place) -> None:
    async with place.opened() as (store, contents):
        refs = sorted(ref.ref for ref in await keep(store, contents, *(b"said" for _ in range(7))))
        found: list[tuple[str, str]] = []
        while page := await contents.kept(found[-1][0] if found else "", 3):
            found += page
        assert found == [(ref, "msg_x") for ref in refs]


@in_a_loop
async def test_content_that_is_erased_while_it_is_being_opened_is_not_kept_for_the_next(
    tmp_path: Path,
) -> None:
    async with sqlite_store(tmp_path) as store:
        contents = EmbeddedContent(store, tmp_path / "content")
        (ref,) = await keep(store, EmbeddedContent(store, tmp_path / "content"), b"goes")
        read = asyncio.Event()
        go_on = asyncio.Event()
        sealed_there = contents._sealed

        async def slowly(ref: str) -> tuple[bytes | None, bytes | None]:
            found = await sealed_there(ref)
            read.set()
            await go_on.wait()
            return found

        contents._sealed = slowly  # type: ignore[method-assign]
        opening = asyncio.create_task(contents.open(ref.ref))
        await read.wait()
        await contents.erase([ref.ref])
        go_on.set()
        assert await opening == b"goes"
        with pytest.raises(ContentGone):
            await contents.open(ref.ref)


@in_a_loop
async def test_no_byte_of_an_erased_key_is_left_in_any_file_while_the_store_is_open(tmp_path: Path) -> None:
    async with sqlite_store(tmp_path) as store:
        contents = EmbeddedContent(store, tmp_path / "content")
        await keep(store, contents, *(b"stays" for _ in range(300)))
        gone = await keep(store, contents, *(b"goes" for _ in range(300)))
        await keep(store, contents, *(b"stays too" for _ in range(300)))
        boxes = [store.contents.sealed(ref.ref) for ref in gone]
        assert await contents.erase([ref.ref for ref in gone])
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert all(box and key for box, key in boxes)
        assert not any(part in file for box, key in boxes for part in (box, key) for file in files)  # type: ignore[operator]


@in_a_loop
async def test_while_somebody_reads_an_older_state_it_is_said_that_the_logs_still_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_contents, "_EMPTIED_WITHIN_SECONDS", 0)
    async with sqlite_store(tmp_path) as store:
        contents = EmbeddedContent(store, tmp_path / "content")
        (ref,) = await keep(store, contents, b"goes")
        with closing(sqlite3.connect(tmp_path / "keys.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM keys").fetchone()
            assert not await contents.erase([ref.ref])
            with pytest.raises(ContentGone):
                await contents.open(ref.ref)
        assert await contents.erase([ref.ref])


@in_a_loop
async def test_beside_a_service_it_is_swept_once_a_day_has_passed(place: Place) -> None:
    clock = SimulatedClock(WEDNESDAY)
    async with place.opened() as (store, contents):
        (kept,) = await keep(store, contents, b"kept")
        (loose,) = await never_comes(store, contents, b"y" * LARGE)
        sweeping = Sweeping(contents, clock)
        await sweeping.start()
        await sweeping.idle()
        assert loose.ref.encode() in await place.at_rest()
        swept = asyncio.Event()
        sweep = contents.sweep

        async def heard(until: datetime) -> int:
            found = await sweep(until)
            swept.set()
            return found

        contents.sweep = heard  # type: ignore[method-assign]
        clock.advance_to(WEDNESDAY + A_DAY + timedelta(seconds=1))
        await swept.wait()
        await sweeping.stop()
        assert await contents.matches(kept)
    assert loose.ref.encode() not in await place.at_rest()


@in_a_loop
async def test_keys_that_a_crash_kept_without_their_boxes_are_swept(tmp_path: Path) -> None:
    async with sqlite_store(tmp_path) as store:
        contents = EmbeddedContent(store, tmp_path / "content")
        kept = await keep(store, contents, *(b"kept" for _ in range(600)))
        lonely = [seal(b"lonely", owner="msg_x", now=WEDNESDAY)[0] for _ in range(600)]
        store._keys.executemany("INSERT INTO keys VALUES (?, ?)", [(one.ref, one.key) for one in lonely])
        assert await contents.sweep(WEDNESDAY + A_DAY) == 600
        assert [store.contents.sealed(one.ref) for one in lonely] == [(None, None)] * 600
        assert all([await contents.matches(ref) for ref in kept])


def test_the_same_words_have_another_commitment_each_time() -> None:
    one, ref = seal(b"the same", owner="msg_x", now=WEDNESDAY)
    _, again = seal(b"the same", owner="msg_x", now=WEDNESDAY)
    assert ref.commitment != again.commitment
    assert ref.commitment == commitment(one.key[32:], b"the same")
