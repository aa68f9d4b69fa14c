"""The cluster's store. Nothing outside this folder knows MongoDB."""

from shared.store.mongo.store import MongoStore

__all__ = ["MongoStore"]
