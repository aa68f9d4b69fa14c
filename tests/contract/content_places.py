"""Where content is kept: on SQLite, in the Mongo-wire server, and in the simulation's models of them."""

from __future__ import annotations

import os
import pickle
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import bson

from shared.content import ContentStore
from shared.content.cluster import ClusterContent
from shared.content.embedded import EmbeddedContent
from shared.store import Store
from shared.store.mongo import Driver, MongoStore
from shared.store.sqlite import SqliteStore
from tests.installations import (
    mongo_store,
    sqlite_store,
)
from tests.simulation.contract import ADDRESS, Models

Opened = AbstractAsyncContextManager[tuple[Store, ContentStore]]


class Place(ABC):
    """Where content is kept: opened as often as one likes, and looked at from below."""

    @abstractmethod
    def opened(self) -> Opened:
        """The store, and a content store that has read nothing yet."""

    @asynccontextmanager
    async def opened_beside(self) -> AsyncIterator[ContentStore | None]:
        """What another process opens, where there can be one."""
        yield None

    @abstractmethod
    async def spoil(self, store: Store, ref: str) -> None:
        """Change the bytes of a small box."""

    @abstractmethod
    async def at_rest(self) -> bytes:
        """Everything that is kept."""


class Embedded(Place):
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[Store, ContentStore]]:
        async with sqlite_store(self._directory) as store:
            yield store, EmbeddedContent(store, self._directory / "content")

    async def spoil(self, store: Store, ref: str) -> None:
        assert isinstance(store, SqliteStore)
        await store._submit("UPDATE contents SET box = ? WHERE ref = ?", bytes(25), ref)

    async def at_rest(self) -> bytes:
        files = [path for path in self._directory.rglob("*") if path.is_file()]
        return b"".join(os.fsencode(path) + path.read_bytes() for path in files)


class ModelledEmbedded(Place):
    def __init__(self, models: Models, directory: Path) -> None:
        self._models = models
        self._directory = directory

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[Store, ContentStore]]:
        async with self._models.sqlite() as store:
            yield store, EmbeddedContent(store, self._directory)

    async def spoil(self, store: Store, ref: str) -> None:
        _, key = self._models.disk.sealed[ref]
        self._models.disk.sealed[ref] = (bytes(25), key)

    async def at_rest(self) -> bytes:
        files = [path for path in self._directory.rglob("*") if path.is_file()]
        kept = b"".join(os.fsencode(path) + path.read_bytes() for path in files)
        return kept + pickle.dumps(self._models.disk.sealed)


class Cluster(Place):
    def __init__(self, url: str, driver: Driver = "pymongo") -> None:
        self._url = url
        self._driver = driver
        self._database = f"test_{secrets.token_hex(6)}"

    @asynccontextmanager
    async def opened_beside(self) -> AsyncIterator[ContentStore | None]:
        async with mongo_store(self._url, self._database, driver=self._driver) as store:
            yield ClusterContent(store)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[Store, ContentStore]]:
        async with mongo_store(self._url, self._database, driver=self._driver) as store:
            yield store, ClusterContent(store)

    async def spoil(self, store: Store, ref: str) -> None:
        assert isinstance(store, MongoStore)
        await store.contents._boxes.update_one({"_id": ref}, {"$set": {"box": bytes(25)}})

    async def at_rest(self) -> bytes:
        kept = b""
        async with mongo_store(self._url, self._database, driver=self._driver) as store:
            for name in await store._database.list_collection_names():
                async for one in store._database[name].find():
                    kept += bson.encode(one)
        return kept


class ModelledCluster(Cluster):
    def __init__(self, models: Models) -> None:
        super().__init__(ADDRESS)
        self._models = models

    async def at_rest(self) -> bytes:
        return pickle.dumps(self._models.mongo.majority)
