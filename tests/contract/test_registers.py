"""What registers promise, with which the instances of a service agree on what is no event."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from shared.store.registers import Registers
from tests.installations import in_a_loop, mongo_store
from tests.registers import RegistersHere
from tests.simulation.contract import ADDRESS

Opened = Callable[[], AbstractAsyncContextManager[Registers]]


@pytest.fixture(params=["memory", "model of mongo", pytest.param("mongo", marks=pytest.mark.cluster)])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Opens the same registers each time; of each adapter."""
    if request.param == "memory":
        memory = RegistersHere()

        @asynccontextmanager
        async def here() -> AsyncIterator[Registers]:
            yield memory

        return here
    url: str
    if request.param == "model of mongo":
        request.getfixturevalue("modelled")
        url = ADDRESS
    else:
        url = request.getfixturevalue("mongo_url")
    database = f"test_{secrets.token_hex(6)}"

    @asynccontextmanager
    async def there() -> AsyncIterator[Registers]:
        async with mongo_store(url, database) as store:
            yield store.registers

    return there


@in_a_loop
async def test_a_value_is_replaced_by_who_knows_it_and_by_nobody_else(opened: Opened) -> None:
    async with opened() as registers:
        assert await registers.swap("trail", "never there", "x") == ""
        assert await registers.swap("trail", None, "a") == "a"
        assert await registers.swap("trail", None, "b") == "a"
        assert await registers.swap("trail", "a", "b") == "b"
        assert await registers.swap("trail", "a", "c") == "b"
    async with opened() as registers:
        assert await registers.swap("trail", "b", "d") == "d"


@in_a_loop
async def test_of_many_that_know_the_same_value_one_replaces_it(opened: Opened) -> None:
    async with opened() as one, opened() as other:
        standing: str | None = None
        for round_ in range(20):
            expected = standing
            said = await asyncio.gather(
                *(
                    (one, other)[number % 2].swap("race", expected, f"{round_}/{number}")
                    for number in range(8)
                )
            )
            standing = said[0]
            assert set(said) == {standing}
            assert standing.startswith(f"{round_}/")


@in_a_loop
async def test_members_see_each_others_numbers_go_up_until_they_leave(opened: Opened) -> None:
    async with opened() as registers:
        assert await registers.beat("routing", "one") == {"one": 1}
        assert await registers.beat("routing", "other") == {"one": 1, "other": 1}
        assert await registers.beat("routing", "one") == {"one": 2, "other": 1}
        assert await registers.beat("notify", "third") == {"third": 1}
        await registers.leave("routing", "other")
        assert await registers.beat("routing", "one") == {"one": 3}


@in_a_loop
async def test_the_stores_clock_can_be_read(opened: Opened) -> None:
    async with opened() as registers:
        assert abs(await registers.time() - datetime.now(UTC)) < timedelta(minutes=5)
