"""Routing alone, on the embedded store, with the sample county as its organisation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.http import spare_the_collector
from services.routing import COLLECTIONS
from services.routing.case import CASES, Case
from services.routing.desk import Desk
from services.routing.handlers import CASE_KIND, Handlers
from services.routing.office import Office
from shared.aggregate import Aggregates
from shared.clock import Clock
from shared.content.embedded import EmbeddedContent
from shared.keys import Keys
from shared.organisation import load
from shared.service import House, Timer
from shared.settings import Settings
from shared.store.sqlite import SqliteStore


@cache
def county() -> Desk:
    """The desk of the sample county."""
    return Desk(load(Path(__file__).parents[1] / "deploy" / "org" / "county.yaml"))


@dataclass(frozen=True)
class Routing:
    """What is measured of it."""

    store: SqliteStore
    office: Office
    timer: Timer


@asynccontextmanager
async def routing(directory: Path, clock: Clock) -> AsyncIterator[Routing]:
    """Routing on what stands in a directory."""
    store = SqliteStore(directory, COLLECTIONS)
    await store.open()
    house = House(
        settings=Settings(),
        clock=clock,
        store=store,
        content=EmbeddedContent(store, directory / "content"),
        keys=Keys(directory / "keys"),
        organisation=county().organisation,
        directory=directory,
    )
    cases: Aggregates[Case] = Aggregates(CASE_KIND, store, clock)
    try:
        timer = Timer(CASES, Handlers(house, county(), cases).on_due, cases.offer)
        spare_the_collector()
        yield Routing(store, Office(house, county(), cases), timer)
    finally:
        await store.close()
