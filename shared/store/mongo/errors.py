"""What goes wrong with MongoDB, in the port's words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo.errors import DocumentTooLarge, PyMongoError

from shared.store import StoreError, Unavailable


@asynccontextmanager
async def said() -> AsyncIterator[None]:
    """Raises StoreError or Unavailable for whatever the driver raises."""
    try:
        yield
    except DocumentTooLarge as error:
        raise StoreError(f"an aggregate has grown beyond what one document can hold: {error}") from error
    except PyMongoError as error:
        raise Unavailable(f"MongoDB does not take this now: {error}") from error
