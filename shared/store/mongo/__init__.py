"""The cluster's store. Nothing outside this folder knows MongoDB."""

from shared.store.mongo.driver import Driver
from shared.store.mongo.store import MongoStore

__all__ = ["Driver", "MongoStore"]
