"""How MongoDB is reached: by PyMongo's own asyncio client, or by Motor, which that replaces, where a site has it.

What the store asks of them has the same names in both; what differs stands here.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, cast

from gridfs.asynchronous import AsyncGridFSBucket
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from shared.store import StoreError
from shared.store.mongo.forms import Bson

Driver = Literal["pymongo", "motor"]


class Connection(Protocol):
    """A client of either driver."""

    @property
    def client(self) -> AsyncMongoClient[Bson]:
        """The client, under the one driver's name for it."""
        ...

    def files(self, database: AsyncDatabase[Bson], name: str) -> AsyncGridFSBucket:
        """What keeps large bytes."""
        ...

    async def close(self) -> None:
        """End the connections."""
        ...


class _PyMongo:
    def __init__(self, url: str, **options: Any) -> None:
        self.client = AsyncMongoClient[Bson](url, **options)

    def files(self, database: AsyncDatabase[Bson], name: str) -> AsyncGridFSBucket:
        return AsyncGridFSBucket(database, name)

    async def close(self) -> None:
        await self.client.close()


class _Motor:
    def __init__(self, url: str, **options: Any) -> None:
        try:
            from motor import motor_asyncio  # noqa: PLC0415  only where it is asked for
        except ImportError as error:
            raise StoreError(
                "the MongoDB driver `motor` is not installed: pip install 'throughline[motor]',"
                " or set THROUGHLINE_MONGO_DRIVER=pymongo"
            ) from error
        self._motor = motor_asyncio
        self._client = motor_asyncio.AsyncIOMotorClient[Bson](url, **options)
        self.client = cast("AsyncMongoClient[Bson]", self._client)

    def files(self, database: AsyncDatabase[Bson], name: str) -> AsyncGridFSBucket:
        return cast("AsyncGridFSBucket", self._motor.AsyncIOMotorGridFSBucket(cast("Any", database), name))

    async def close(self) -> None:
        self._client.close()


def connect(url: str, driver: Driver, *, patience: float) -> Connection:
    """A client that writes to the majority's journals, and asks for a server no longer than `patience` seconds."""
    return (_Motor if driver == "motor" else _PyMongo)(
        url,
        w="majority",
        journal=True,
        serverSelectionTimeoutMS=int(patience * 1000),
        timeoutMS=int(patience * 1000),
    )
