"""An installation's store for a command that looks or changes something beside the services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from shared.clock import RealClock
from shared.content.embedded import EmbeddedContent
from shared.keys import Keys
from shared.lock import Lock
from shared.moved import refuse_half_moved
from shared.organisation import load
from shared.service import House
from shared.settings import Settings
from shared.store import Collection
from shared.store.sqlite import SqliteStore


@asynccontextmanager
async def opened(settings: Settings, collections: Sequence[Collection]) -> AsyncIterator[House]:
    """A cluster's, beside whoever is at work there; an embedded one's, while nobody else has it open."""
    inside = _of_a_cluster if settings.mongo_url else _embedded
    async with inside(settings, collections) as house:
        yield house


@asynccontextmanager
async def _embedded(settings: Settings, collections: Sequence[Collection]) -> AsyncIterator[House]:
    organisation, directory = load(settings.org), settings.data
    directory.mkdir(parents=True, exist_ok=True)
    with Lock(directory / "lock"):
        store = SqliteStore(directory, collections)
        await store.open()
        try:
            content, keys = EmbeddedContent(store, directory / "content"), Keys(settings.keys_directory)
            yield House(settings, RealClock(), store, content, keys, organisation, directory)
        finally:
            await store.close()


@asynccontextmanager
async def _of_a_cluster(settings: Settings, collections: Sequence[Collection]) -> AsyncIterator[House]:
    from shared.content.cluster import ClusterContent  # noqa: PLC0415
    from shared.store.mongo import MongoStore  # noqa: PLC0415  what one machine needs not have

    store = MongoStore(settings.mongo_url, settings.mongo_database, collections, driver=settings.mongo_driver)
    organisation = load(settings.org)
    await store.open()
    try:
        await refuse_half_moved(store.registers, settings.mongo_database)
        keys = Keys(settings.keys_directory)
        yield House(settings, RealClock(), store, ClusterContent(store), keys, organisation, settings.data)
    finally:
        await store.close()
