"""What every store promises (DESIGN.md section 5)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.events import Record, emit
from shared.store import Collection, Conflict, Step, Store, Unavailable, Where
from tests.installations import (
    KIND,
    MONGO,
    THINGS,
    WEDNESDAY,
    Thing,
    happened,
    in_a_loop,
    mongo_store,
    sqlite_store,
)
from tests.simulation.contract import ADDRESS, Models

Stores = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["sqlite", "model of sqlite", "model of mongo", *MONGO])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Opens one store, and the same one again; of each adapter."""
    if request.param == "sqlite":
        return lambda: sqlite_store(tmp_path)
    if request.param.startswith("model"):
        models: Models = request.getfixturevalue("modelled")
        return models.sqlite if request.param == "model of sqlite" else partial(mongo_store, ADDRESS, "model")
    url: str = request.getfixturevalue("mongo_url")
    return partial(mongo_store, url, f"test_{secrets.token_hex(6)}", driver=request.param)


def things(store: Store) -> Aggregates[Thing]:
    return Aggregates(KIND, store, SimulatedClock(WEDNESDAY))


def happens(id: str, sequence: int) -> tuple[Record]:
    """One more event of a document."""
    return (
        emit(
            happened("a"),
            source="/test",
            subject=id,
            sequence=sequence,
            time=WEDNESDAY,
            causation="input",
            key=id,
            nonce=secrets.token_bytes(16),
        ),
    )


def step(
    id: str,
    *,
    expected: int = 0,
    due: timedelta | None = None,
    colour: str = "red",
    size: int = 1,
    marks: tuple[str, ...] = (),
    records: tuple[Record, ...] = (),
) -> Step:
    return Step(
        THINGS,
        id,
        expected,
        b'{"inputs":[],"time":"2026-09-30T08:00:00+00:00","state":{}}',
        records,
        {"colour": colour, "size": size, "marks": marks},
        None if due is None else WEDNESDAY + due,
    )


@in_a_loop
async def test_a_committed_step_is_there_after_the_store_was_opened_again(stores: Stores) -> None:
    async with stores() as store:
        await things(store).answer("t_1", "input 1", lambda state, now: [happened("a"), happened("b")])
    async with stores() as store:
        loaded = await things(store).load("t_1")
        history = await store.history("t_1")
    assert (loaded.state, loaded.version, loaded.inputs) == (Thing(count=2), 2, frozenset({"input 1"}))
    assert [record.id for record in history] == ["t_1/1", "t_1/2"]
    assert [record.causation for record in history] == ["input 1", "input 1"]


@in_a_loop
async def test_an_input_is_answered_once_however_often_it_comes(stores: Stores) -> None:
    async with stores() as store:
        answers = await asyncio.gather(
            *(things(store).answer("t_1", "input 1", lambda state, now: [happened("a")]) for _ in range(20))
        )
        history = await store.history("t_1")
    assert len(history) == 1
    assert sum(not answer.repeated for answer in answers) == 1


@in_a_loop
async def test_inputs_that_race_for_one_aggregate_are_all_answered_in_a_row_without_holes(
    stores: Stores,
) -> None:
    async with stores() as store:
        both = [things(store), things(store)]
        await asyncio.gather(
            *(both[n % 2].answer("t_1", f"input {n}", lambda state, now: [happened("a")]) for n in range(40))
        )
        history = await store.history("t_1")
    assert [record.sequence for record in history] == list(range(1, 41))
    assert len({record.causation for record in history}) == 40


@in_a_loop
async def test_a_step_decided_on_an_old_version_changes_nothing_and_hurts_no_other(stores: Stores) -> None:
    async with stores() as store:
        await things(store).answer("t_1", "input 1", lambda state, now: [happened("a")])
        outcomes = await asyncio.gather(
            store.commit(step("t_1", expected=7)),
            store.commit(step("t_1", expected=0)),
            store.commit(step("t_2")),
            return_exceptions=True,
        )
        untouched, other = await store.load(THINGS, "t_1"), await store.load(THINGS, "t_2")
    assert [type(outcome) for outcome in outcomes] == [Conflict, Conflict, type(None)]
    assert untouched is not None
    assert untouched.version == 1
    assert other is not None


@in_a_loop
async def test_of_many_who_claim_a_key_all_hear_of_the_same_one(stores: Stores) -> None:
    async with stores() as store:
        answers = await asyncio.gather(*(store.claim({"thread:x": f"case_{n}"}) for n in range(20)))
        standing = await store.claimed("thread:x")
    assert {answer["thread:x"] for answer in answers} == {standing}


@in_a_loop
async def test_what_is_due_comes_longest_due_first_and_not_before_its_instant(stores: Stores) -> None:
    async with stores() as store:
        for minutes in (30, 10, 20, 99):
            await store.commit(step(f"t_{minutes}", due=timedelta(minutes=minutes)))
        await store.commit(step("t_never"))
        found = await store.due(THINGS, WEDNESDAY + timedelta(minutes=30), 10)
        early = await store.due(THINGS, WEDNESDAY + timedelta(minutes=10, milliseconds=-1), 10)
        first = await store.next_due(THINGS)
        twenty = await store.due(
            THINGS,
            WEDNESDAY + timedelta(minutes=30),
            1,
            lambda id, at: (id, at) == ("t_20", WEDNESDAY + timedelta(minutes=20)),
        )
        assert found == [await store.load(THINGS, one.id) for one in found]
    assert [one.id for one in found] == ["t_10", "t_20", "t_30"]
    assert [one.id for one in twenty] == ["t_20"]
    assert (early, first) == ([], WEDNESDAY + timedelta(minutes=10))


@in_a_loop
async def test_a_list_is_walked_page_by_page_without_gaps_or_repeats(stores: Stores) -> None:
    async with stores() as store:
        for number in range(25):
            await store.commit(
                step(f"t_{number:02}", size=number // 5, colour="red" if number % 5 else "blue")
            )
        seen: list[str] = []
        after: tuple[str | int, str] | None = None
        where = [Where("colour", "=", "red")]
        while page := await store.find(THINGS, where, order="size", after=after, limit=7):
            seen += [document.id for document, _ in page]
            after = (page[-1][1], page[-1][0].id)
        counted = await store.count(THINGS, where)
        capped = await store.count(THINGS, where, cap=3)
    assert seen == [f"t_{number:02}" for number in range(25) if number % 5]
    assert (counted, capped) == (20, 3)


@in_a_loop
async def test_a_list_of_one_value_of_several_is_walked_in_order(stores: Stores) -> None:
    marks = [(), ("old",), ("old", "loud"), ("loud", "loud", "new"), ("new",)]
    async with stores() as store:
        for number in range(25):
            await store.commit(
                step(
                    f"t_{number:02}",
                    size=24 - number // 2,
                    marks=marks[number % 5],
                    colour="red" if number % 2 else "blue",
                )
            )
        loud = [Where("marks", "has", "loud")]
        seen = await _walked(store, loud)
        backwards = await _walked(store, loud, descending=True)
        some = await _walked(store, [*loud, Where("size", ">", 20), Where("colour", "=", "red")])
        both = await _walked(store, [*loud, Where("marks", "has", "old")])
        none = await _walked(store, [Where("marks", "null")])
        by_colour = await _walked(store, loud, order="colour")
        counted = await store.count(THINGS, loud), await store.count(THINGS, [*loud, Where("size", ">", 20)])
    numbers = sorted((n for n in range(25) if n % 5 in (2, 3)), key=lambda n: (24 - n // 2, n))
    assert seen == [f"t_{n:02}" for n in numbers]
    assert backwards == seen[::-1]
    assert some == [f"t_{n:02}" for n in numbers if 24 - n // 2 > 20 and n % 2]
    assert both == [f"t_{n:02}" for n in numbers if n % 5 == 2]
    assert sorted(none) == [f"t_{n:02}" for n in range(0, 25, 5)]
    assert by_colour == [f"t_{n:02}" for n in sorted(numbers, key=lambda n: (n % 2, n))]
    assert counted == (10, sum(24 - n // 2 > 20 for n in numbers))


@in_a_loop
async def test_what_a_document_no_longer_has_it_is_not_found_by(stores: Stores) -> None:
    async with stores() as store:
        await store.commit(step("t_1", marks=("old", "loud"), records=happens("t_1", 1)))
        await store.commit(step("t_2", marks=("old",), size=2))
        await store.commit(step("t_1", expected=1, marks=("loud", "new"), size=3, records=happens("t_1", 2)))
        with pytest.raises(Conflict):
            await store.commit(step("t_1", expected=1, marks=("old",), records=happens("t_1", 2)))
        found = {mark: await _walked(store, [Where("marks", "has", mark)]) for mark in ("old", "loud", "new")}
        past = await store.find(THINGS, [Where("marks", "has", "new")], order="size", after=(2, "t_9"))
        await store.commit(step("t_1", expected=2, size=3, records=happens("t_1", 3)))
        left = [await store.count(THINGS, [Where("marks", "has", mark)]) for mark in ("old", "loud", "new")]
    assert found == {"old": ["t_2"], "loud": ["t_1"], "new": ["t_1"]}
    assert [(document.version, size) for document, size in past] == [(2, 3)]
    assert left == [1, 0, 0]


@in_a_loop
async def test_a_list_of_what_has_any_of_some_values_is_in_one_order(stores: Stores) -> None:
    colours = ("red", "blue", "green")
    async with stores() as store:
        for number in range(30):
            await store.commit(step(f"t_{number:02}", size=number % 7, colour=colours[number % 3]))
        asked = [Where("colour", "in", ["green", "red", "red", "none"])]
        seen = await _walked(store, asked)
        backwards = await _walked(store, [*asked, Where("size", "<", 3)], descending=True)
        counted = await store.count(THINGS, asked)
        nothing = await _walked(store, [Where("colour", "in", [])])
    numbers = sorted((n for n in range(30) if n % 3 != 1), key=lambda n: (n % 7, n))
    assert seen == [f"t_{n:02}" for n in numbers]
    assert backwards == [f"t_{n:02}" for n in reversed(numbers) if n % 7 < 3]
    assert (counted, nothing) == (20, [])


async def _walked(
    store: Store, where: Sequence[Where], *, order: str = "size", descending: bool = False
) -> list[str]:
    """Ids, page by page."""
    seen: list[str] = []
    after: tuple[str | int, str] | None = None
    while page := await store.find(THINGS, where, order=order, descending=descending, after=after, limit=4):
        seen += [document.id for document, _ in page]
        after = (page[-1][1], page[-1][0].id)
    return seen


def test_a_field_of_several_values_must_head_the_one_index_it_is_in() -> None:
    fields = {"marks": tuple[str, ...], "size": int}
    for indexes in ((), (("size", "marks"),), (("marks", "size"), ("marks",))):
        with pytest.raises(ValueError, match="wrong: marks has several values"):
            Collection("wrong", fields=fields, indexes=indexes)


@in_a_loop
async def test_of_many_steps_at_once_each_in_conflict_fails_alone(stores: Stores) -> None:
    async with stores() as store:
        await asyncio.gather(*(store.commit(step(f"t_{number}")) for number in range(0, 100, 2)))
        steps = [step(f"t_{number}") for number in range(100)]  # every other one is there already
        steps += [step("t_1"), step("t_99", size=7)]  # and two are asked for twice
        answers = await asyncio.gather(*(store.commit(one) for one in steps), return_exceptions=True)
        in_conflict = [one.id for one, answer in zip(steps, answers, strict=True) if answer is not None]
        assert all(isinstance(answer, Conflict | None) for answer in answers)
        assert in_conflict == [f"t_{number}" for number in range(0, 100, 2)] + ["t_1", "t_99"]
        assert await store.count(THINGS) == 100
        assert await store.count(THINGS, [Where("size", "=", 7)]) == 0


@in_a_loop
async def test_the_first_of_many_claims_of_a_key_stands_for_all(stores: Stores) -> None:
    async with stores() as store:
        await store.claim({"thread:a": "one"})
        answers = await asyncio.gather(
            *(store.claim({f"thread:{number % 10}": str(number), "thread:a": "two"}) for number in range(40))
        )
        for number, standing in enumerate(answers):
            key = f"thread:{number % 10}"
            assert standing == {key: await store.claimed(key), "thread:a": "one"}
            assert int(standing[key]) % 10 == number % 10  # one of those who claimed it


@in_a_loop
async def test_where_nothing_can_be_written_the_caller_hears_it_and_nothing_is_kept(tmp_path: Path) -> None:
    async with sqlite_store(tmp_path) as store:
        await store._submit("PRAGMA max_page_count=30")
        big = Step(THINGS, "t_big", 0, bytes(1_000_000), (), {})
        with pytest.raises(Unavailable, match="nothing was written"):
            await store.commit(big)
        assert await store.load(THINGS, "t_big") is None
        await store.commit(step("t_small"))
        assert await store.load(THINGS, "t_small") is not None
