"""Stores and buses for tests, on the real adapters in a temporary directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.messages import MessageSettled
from shared.store import Collection
from shared.store.mongo import Driver, MongoStore
from shared.store.sqlite import SqliteStore

WEDNESDAY = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)

MONGO = [pytest.param(driver, marks=pytest.mark.cluster) for driver in get_args(Driver)]
"""The contract suites' parameters for the cluster's store, by each driver."""

RUN: ContextVar[Callable[[Coroutine[Any, Any, None]], None]] = ContextVar("run", default=asyncio.run)
"""How the next test in a loop is run; models have a loop of their own."""

NEVER_ENDS = 300.0
LONG_RUN = 3600.0
"""Seconds, many times what the slowest test takes on a busy machine."""

THINGS = Collection(
    "things",
    fields={"colour": str, "size": int, "marks": tuple[str, ...]},
    indexes=(("colour", "size"), ("marks", "size")),
)


class Thing(BaseModel):
    """The smallest aggregate there is: it counts what happened to it."""

    count: int = 0


def evolve(state: Thing | None, event: Event, record: Record) -> Thing:
    return Thing(count=(state.count if state else 0) + 1)


KIND = Kind(
    THINGS,
    "/test",
    Thing,
    evolve,
    fields=lambda state: {"colour": "red" if state.count % 2 else "blue", "size": state.count},
)


def happened(what: str) -> MessageSettled:
    """Some event, to tell one from the other by its `ref`."""
    return MessageSettled(outcome="new", case="case_x", ref=what)


@asynccontextmanager
async def sqlite_store(directory: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(directory, [THINGS])
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def mongo_store(
    url: str, database: str, *, patience: float = 10, driver: Driver = "pymongo"
) -> AsyncIterator[MongoStore]:
    store = MongoStore(url, database, [THINGS], patience=patience, driver=driver)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def ends_within(seconds: float) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., None]]:
    """Let an async function be a test. One that turns in circles fails, though it would never end."""

    def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
        async def end(*args: Any, **kwargs: Any) -> None:
            async with asyncio.timeout(seconds):
                await test(*args, **kwargs)

        def run(*args: Any, **kwargs: Any) -> None:
            RUN.get()(end(*args, **kwargs))

        run.__name__ = test.__name__
        run.__doc__ = test.__doc__
        run.__wrapped__ = test  # type: ignore[attr-defined]
        return run

    return in_a_loop


in_a_loop = ends_within(NEVER_ENDS)
