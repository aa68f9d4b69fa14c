"""What goes wrong with MongoDB, in the port's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pymongo.errors import BulkWriteError, ConnectionFailure, DocumentTooLarge, PyMongoError

from shared.store import StoreError, Unavailable

T = TypeVar("T")

TRIES = 3
DUPLICATE_KEY = 11000
_TOO_LARGE = frozenset({10334, 17280, 17419, 17420})


@asynccontextmanager
async def said() -> AsyncIterator[None]:
    """Raises StoreError or Unavailable for whatever the driver raises."""
    try:
        yield
    except DocumentTooLarge as error:
        raise too_large(error) from error
    except BulkWriteError as error:  # its own words repeat what was to be written, which is for no log
        reasons = {
            str(one.get("errmsg"))
            for one in (*error.details["writeErrors"], *error.details["writeConcernErrors"])
        }
        raise Unavailable(f"MongoDB does not take this now: {'; '.join(sorted(reasons))}") from None
    except PyMongoError as error:
        raise Unavailable(f"MongoDB does not take this now: {error}") from error


def too_large(error: object) -> StoreError:
    """For an aggregate that has grown too much."""
    return StoreError(f"an aggregate has grown beyond what one document can hold: {error}")


def refused(error: dict[str, Any]) -> StoreError:
    """For one write of many, by what the server says of it."""
    if error["code"] in _TOO_LARGE:
        return too_large(error["errmsg"])
    return Unavailable(f"MongoDB does not take this now: {error['errmsg']}")


async def again(write: Callable[[], Awaitable[T]]) -> T:
    """Do what may be done twice, until an answer comes."""
    for left in reversed(range(TRIES)):
        try:
            return await write()
        except ConnectionFailure:
            if not left:
                raise
    raise AssertionError
