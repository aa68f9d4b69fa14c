"""What a store promises whose events travel by another road, and which stands on another machine."""

from __future__ import annotations

import asyncio
import secrets
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.errors import BulkWriteError
from pymongo.uri_parser import parse_uri

from deploy.loopback import mongo
from shared import ids
from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.content import seal
from shared.content.cluster import ClusterContent
from shared.events import Record, emit
from shared.store import LARGE_FROM_BYTES, Conflict, Step, StoreError, Unavailable
from shared.store.mongo import MongoStore
from shared.store.mongo.errors import said
from tests.installations import KIND, THINGS, WEDNESDAY, Thing, happened, in_a_loop, mongo_store
from tests.servers import here
from tests.simulation.contract import ADDRESS, ModelLine, Models

SAVED = b'{"inputs":["input 1"],"time":"2026-09-30T08:00:00+00:00","state":{"count":1}}'


@pytest.fixture
def database() -> str:
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture(params=["model of mongo", pytest.param("mongo", marks=pytest.mark.cluster)])
def url(request: pytest.FixtureRequest) -> str:
    """Where a store is, real or not."""
    if request.param == "mongo":
        return str(request.getfixturevalue("mongo_url"))
    request.getfixturevalue("modelled")
    return ADDRESS


@pytest.fixture
def line(url: str, request: pytest.FixtureRequest) -> Line | ModelLine:
    """A connection there that can be cut."""
    if url != ADDRESS:
        return Line(url)
    models: Models = request.getfixturevalue("modelled")
    return models.line()


def things(store: MongoStore, *, minutes: int = 0) -> Aggregates[Thing]:
    return Aggregates(KIND, store, SimulatedClock(WEDNESDAY + timedelta(minutes=minutes)))


async def happen(store: MongoStore, id: str, *inputs: str, minutes: int = 0) -> None:
    for one in inputs:
        await things(store, minutes=minutes).answer(id, one, lambda state, now: [happened("a")])


def sequences(records: list[Record]) -> list[int]:
    return [record.sequence for record in records]


@in_a_loop
async def test_events_wait_in_order_until_they_are_marked_and_stay_in_the_history(
    url: str, database: str
) -> None:
    async with mongo_store(url, database) as store:
        await happen(store, "t_1", "a", "b", "c")
        await store.published(THINGS, "t_1", 2)
        await happen(store, "t_1", "d")
        assert sequences(await store.pending(THINGS, "t_1")) == [3, 4]
        assert sequences(await store.history("t_1")) == [1, 2, 3, 4]
        assert await store._events.count_documents({"subject": "t_1"}) == 2


@in_a_loop
async def test_another_service_reads_an_aggregate_and_in_its_history_what_is_not_yet_published(
    url: str, database: str
) -> None:
    async with mongo_store(url, database) as store:
        await happen(store, "t_1", "a", "b", "c")
        await store.published(THINGS, "t_1", 2)
        theirs = MongoStore(url, database, [], others=[THINGS])
        await theirs.open()
        assert sequences(await theirs.history("t_1")) == [1, 2, 3]
        assert await theirs.load(THINGS, "t_1") == await store.load(THINGS, "t_1")
        assert await theirs.left_behind(WEDNESDAY + timedelta(days=1), 10) == []  # nor does it send them
        await theirs.close()


@in_a_loop
async def test_the_mark_moves_only_up_and_not_past_what_was_saved(url: str, database: str) -> None:
    async with mongo_store(url, database) as store:
        await happen(store, "t_1", "a", "b")
        await store.published(THINGS, "t_1", 2)
        await asyncio.gather(store.published(THINGS, "t_1", 1), store.published(THINGS, "t_1", 9))
        saved = await store._documents(THINGS).find_one({"_id": "t_1"})
        assert saved is not None
        assert saved["published"] == 2
        await happen(store, "t_1", "c")
        assert sequences(await store.pending(THINGS, "t_1")) == [3]
        assert sequences(await store.history("t_1")) == [1, 2, 3]


@in_a_loop
async def test_what_was_left_behind_is_found_the_longest_waiting_first(url: str, database: str) -> None:
    async with mongo_store(url, database) as store:
        for id, minutes in (("t_20", 20), ("t_10", 10), ("t_0", 0), ("t_99", 99)):
            await happen(store, id, "a", minutes=minutes)
        await happen(store, "t_10", "b", minutes=50)
        await store.published(THINGS, "t_0", 1)
        until = WEDNESDAY + timedelta(minutes=30)
        assert [id for _, id in await store.left_behind(until, 10)] == ["t_10", "t_20"]
        assert await store.left_behind(until, 1) == [(THINGS, "t_10")]


@in_a_loop
async def test_who_publishes_hears_of_each_step_that_was_saved_and_of_no_other(
    url: str, database: str
) -> None:
    heard: list[tuple[str, list[int]]] = []
    async with mongo_store(url, database) as store:
        store.on_commit(lambda step: heard.append((step.id, sequences(list(step.records)))))
        await happen(store, "t_1", "a", "b", "b")
        with pytest.raises(Conflict):
            await store.commit(Step(THINGS, "t_1", 1, b"{}", ()))
    assert heard == [("t_1", [1]), ("t_1", [2])]


class Line:
    """A connection to the store that can be cut after a write went through and before its answer comes back."""

    def __init__(self, url: str) -> None:
        self._to: tuple[str, int] = parse_uri(url)["nodelist"][0]
        self.cut_next = False
        self.cuts = 0
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens between the write and the loss of its answer."""

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        async with await asyncio.start_server(self._carry, "127.0.0.1", 0) as server:
            yield f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/?directConnection=true"

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._to)
        except ConnectionError:
            writer.close()
            return
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = await _message(reader)
                back.write(asked)
                answer = await _message(there)
                if self.cut_next and b"doc_things" in asked:
                    self.cut_next = False
                    self.cuts += 1
                    if self.meanwhile is not None:
                        await self.meanwhile()
                    break
                writer.write(answer)
        for one in (writer, back):
            one.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "little") - 4)


@in_a_loop
async def test_a_save_whose_answer_was_lost_is_recognised(
    url: str, line: Line | ModelLine, database: str
) -> None:
    async with line.laid() as over, mongo_store(over, database) as store:
        for sequence in (1, 2):  # the insert, and an update
            line.cut_next = True
            await store.commit(Step(THINGS, "t_1", sequence - 1, b"{}", (_record(sequence),)))
        assert line.cuts == 2
        assert sequences(await store.history("t_1")) == [1, 2]


@in_a_loop
async def test_another_save_at_the_same_version_is_a_conflict_though_the_answer_was_lost(
    url: str, line: Line | ModelLine, database: str
) -> None:
    async with line.laid() as over, mongo_store(over, database) as store:
        await store.commit(Step(THINGS, "t_1", 0, b"{}", (_record(1),)))
        line.cut_next = True
        with pytest.raises(Conflict):
            await store.commit(Step(THINGS, "t_1", 0, b"{}", (_record(1),)))
        assert line.cuts == 1


@in_a_loop
async def test_of_many_saves_whose_answer_was_lost_each_is_told_what_became_of_it(
    url: str, line: Line | ModelLine, database: str
) -> None:
    async with line.laid() as over, mongo_store(over, database) as store:
        for id in ("t_0", "t_1", "t_2", "t_3"):
            await store.commit(Step(THINGS, id, 0, b"{}", (_record(1, id),)))
        line.cut_next = True
        outcomes = await asyncio.gather(
            *(
                store.commit(Step(THINGS, f"t_{n}", n % 2, b"{}", (_record(1 + n % 2, f"t_{n}"),)))
                for n in range(8)
            ),
            return_exceptions=True,
        )
        assert line.cuts == 1
        histories = [len(await store.history(f"t_{n}")) for n in range(8)]
    assert [type(one) for one in outcomes] == [
        *(Conflict, type(None), Conflict, type(None)),  # there already, changed
        *(type(None), Conflict, type(None), Conflict),  # new, never there
    ]
    assert histories == [1, 2, 1, 2, 1, 0, 1, 0]


@pytest.mark.parametrize("sent", [0, 1])
@in_a_loop
async def test_a_save_whose_answer_was_lost_is_recognised_under_what_others_saved_on_top_of_it(
    url: str, line: Line | ModelLine, database: str, sent: int
) -> None:
    async with (
        line.laid() as over,
        mongo_store(over, database) as store,
        mongo_store(url, database) as other,
    ):

        async def build_on_it() -> None:
            await happen(other, "t_1", "another input")
            await other.published(THINGS, "t_1", sent)

        line.cut_next, line.meanwhile = True, build_on_it
        await store.commit(Step(THINGS, "t_1", 0, SAVED, (_record(1),)))
        assert line.cuts == 1
        assert sequences(await store.history("t_1")) == [1, 2]


@pytest.mark.parametrize("sent", [0, 1])
@in_a_loop
async def test_a_save_in_conflict_is_not_taken_for_the_one_that_stands_there(
    url: str, database: str, sent: int
) -> None:
    async with mongo_store(url, database) as store:
        await happen(store, "t_1", "a")
        await store.published(THINGS, "t_1", sent)
        with pytest.raises(Conflict):
            await store.commit(Step(THINGS, "t_1", 0, b"{}", (_record(1),)))
        assert [record.causation for record in await store.history("t_1")] == ["a"]


@in_a_loop
async def test_an_aggregate_that_has_grown_too_large_hurts_no_other(url: str, database: str) -> None:
    async with mongo_store(url, database) as store:
        bodies = {"t_1": b"{}", "t_2": bytes(17 * 2**20), "t_3": b"{}"}
        outcomes = await asyncio.gather(
            *(store.commit(Step(THINGS, id, 0, body, (_record(1, id),))) for id, body in bodies.items()),
            return_exceptions=True,
        )
        loaded = [await store.load(THINGS, id) is not None for id in bodies]
    assert [type(one) for one in outcomes] == [type(None), StoreError, type(None)]
    assert "grown beyond" in str(outcomes[1])
    assert loaded == [True, False, True]


@in_a_loop
async def test_of_many_marks_at_once_each_moves_its_own_aggregate(url: str, database: str) -> None:
    async with mongo_store(url, database) as store:
        await asyncio.gather(*(happen(store, f"t_{n}", "a", "b", "c") for n in range(30)))
        waiting = await asyncio.gather(*(store.pending(THINGS, f"t_{n}") for n in range(31)))
        assert [sequences(one) for one in waiting] == [[1, 2, 3]] * 30 + [[]]
        await asyncio.gather(*(store.published(THINGS, f"t_{n}", n % 4) for n in range(30)))
        for n in range(30):
            assert sequences(await store.pending(THINGS, f"t_{n}")) == [1, 2, 3][n % 4 :]
            assert sequences(await store.history(f"t_{n}")) == [1, 2, 3]


@in_a_loop
async def test_when_a_step_can_be_seen_its_content_can_be_read(
    url: str, line: Line | ModelLine, database: str
) -> None:
    pairs = [seal(plain, owner="t_1", now=WEDNESDAY) for plain in (b"small", bytes(LARGE_FROM_BYTES + 1))]
    step = Step(THINGS, "t_1", 0, SAVED, (_record(1),), contents=tuple(sealed for sealed, _ in pairs))
    read: list[bytes] = []
    async with (
        line.laid() as over,
        mongo_store(over, database) as store,
        mongo_store(url, database) as other,
    ):

        async def look() -> None:
            read.extend([await ClusterContent(other).open(ref.ref) for _, ref in pairs])

        line.cut_next, line.meanwhile = True, look
        await store.commit(step)
    assert read == [b"small", bytes(LARGE_FROM_BYTES + 1)]


@in_a_loop
async def test_content_is_not_swept_wherever_the_event_of_its_step_is(url: str, database: str) -> None:
    async with mongo_store(url, database) as store:
        refs = []
        for id in ("t_waits", "t_moved"):
            sealed, ref = seal(id.encode(), owner=id, now=WEDNESDAY)
            await things(store).answer(id, "a", lambda state, now: [happened("a")], contents=(sealed,))
            refs.append(ref.ref)
        await store.published(THINGS, "t_moved", 1)
        assert await store.contents.sweep(WEDNESDAY + timedelta(days=1)) == 0
        assert [await ClusterContent(store).open(ref) for ref in refs] == [b"t_waits", b"t_moved"]
        assert await store.contents._boxes.count_documents({"loose": {"$exists": True}}) == 0  # seen, once


@in_a_loop
async def test_a_large_content_that_came_in_part_comes_whole_when_it_comes_again(
    url: str, database: str
) -> None:
    plain = secrets.token_bytes(3 * LARGE_FROM_BYTES)
    sealed, ref = seal(plain, owner="t_1", now=WEDNESDAY)
    async with mongo_store(url, database) as store:
        await store.contents._chunks.insert_one({"files_id": ref.ref, "n": 0, "data": b"a part"})
        await store.commit(Step(THINGS, "t_1", 0, SAVED, (_record(1),), contents=(sealed,)))
        assert await ClusterContent(store).open(ref.ref) == plain


@in_a_loop
async def test_a_driver_that_is_not_installed_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.setitem(sys.modules, "motor", None)
    with pytest.raises(StoreError, match=r"pip install 'throughline\[motor\]'"):
        await MongoStore("mongodb://127.0.0.1", database, [THINGS], driver="motor").open()


@in_a_loop
async def test_what_a_batch_was_to_write_is_in_no_error() -> None:
    failed = BulkWriteError(
        {"writeErrors": [{"errmsg": "no room", "op": {"box": b"sealed"}}], "writeConcernErrors": []}
    )
    with pytest.raises(Unavailable, match="no room") as raised:
        async with said():
            raise failed
    told = "".join(traceback.format_exception(raised.value))
    assert "sealed" not in told


@pytest.mark.cluster
@in_a_loop
async def test_where_the_store_is_away_the_caller_hears_it_and_may_come_again(
    tmp_path: Path, database: str
) -> None:
    async with here(mongo, tmp_path) as server:
        if not server.ours:
            pytest.skip("a MongoDB that was there already is not ours to stop")
        async with mongo_store(server.address, database) as store:
            await happen(store, "t_1", "a")
        line = Line(server.address)
        async with line.laid() as url, mongo_store(url, database, patience=1) as store:
            await server.kill()
            with pytest.raises(Unavailable):
                await happen(store, "t_1", "b")
            await server.start()
            await happen(store, "t_1", "b")
            assert sequences(await store.history("t_1")) == [1, 2]


def _record(sequence: int, id: str = "t_1") -> Record:
    return emit(
        happened("a"),
        source="/test",
        subject=id,
        sequence=sequence,
        time=WEDNESDAY,
        causation=f"input {sequence}",
        key=id,
        nonce=ids.random_bytes(16),
    )
