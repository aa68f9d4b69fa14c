"""Runners that are broken on purpose, each in one place: what the simulation must catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from pymongo import InsertOne, UpdateOne

from services.audit.guard import Guard
from shared import pulse
from shared.aggregate import Aggregates, Loaded
from shared.bus.progress import Progress
from shared.bus.publisher import Publisher
from shared.store.mongo import saving
from shared.store.mongo.claims import Claims
from shared.store.mongo.publishing import Publishing
from tests.simulation.sqlite import ModelSqlite


@dataclass(frozen=True)
class Broken:
    """One way to be broken, and in which modes it can be."""

    modes: tuple[str, ...]
    broken: Callable[[], AbstractContextManager[Any]]


def position_first() -> AbstractContextManager[Any]:
    """How far a group is counts from what it took up, not from what it answered."""
    return patch.object(Progress, "answered", property(lambda self: self.next))


def decides_again() -> AbstractContextManager[Any]:
    """An aggregate does not remember which inputs it has answered."""
    read = Aggregates.read

    def forgetful(self: Aggregates[Any], body: bytes, version: int) -> Loaded[Any]:
        return replace(read(self, body, version), inputs=frozenset())

    @contextmanager
    def broken() -> Iterator[None]:
        with (
            patch.object(Aggregates, "read", forgetful),
            patch.object(Aggregates, "_remember", lambda *_: None),
        ):
            yield

    return broken()


@contextmanager
def no_claim() -> Iterator[None]:
    """Whoever claims a conversation is told that it is theirs."""
    with ExitStack() as stack:
        for store in (ModelSqlite, Claims):
            stack.enter_context(patch.object(store, "claim", _granted(store.claim)))
        yield


def _granted(claim: Any) -> Any:
    async def granted(self: Any, claims: Mapping[str, str]) -> dict[str, str]:
        return {**await claim(self, claims), **claims}

    return granted


def _saves(change: Callable[[UpdateOne | InsertOne[Any], Any], None]) -> AbstractContextManager[Any]:
    """What the store asks MongoDB to save is something else."""
    right = saving._Save.request

    def request(self: saving._Save) -> Any:
        asked = right(self)
        change(asked, self.step)
        return asked

    return patch.object(saving._Save, "request", request)


@contextmanager
def no_version() -> Iterator[None]:
    """A save does not look whether the document is as it was when it was decided on."""

    def forget(asked: Any, _: Any) -> None:
        if isinstance(asked, UpdateOne):
            asked._filter = {"_id": asked._filter["_id"]}

    with _saves(forget):
        yield


@contextmanager
def mark_with_the_save() -> Iterator[None]:
    """What is saved counts as published."""

    def mark(asked: Any, step: Any) -> None:
        version = step.expected + len(step.records)
        if isinstance(asked, UpdateOne):
            changes: Any = asked._doc
            changes["$set"]["published"] = version
        else:
            asked._doc["published"] = version

    with _saves(mark):
        yield


def own_events_only() -> AbstractContextManager[Any]:
    """Who has saved publishes what it has saved, whatever was there before."""
    hear = Publisher._hear

    def own(self: Publisher, step: Any) -> None:
        self._heard[step.collection.name, step.id] = step.expected
        hear(self, step)

    return patch.object(Publisher, "_hear", own)


def pulls_first() -> AbstractContextManager[Any]:
    """Events that were published leave their document before they stand among the events."""
    keep = Publishing._keep

    async def late(self: Publishing, events: list[Any]) -> None:
        gone = [
            UpdateOne(
                {"_id": one["subject"]}, {"$pull": {"unpublished": {"sequence": {"$in": [one["sequence"]]}}}}
            )
            for one in events
        ]
        if gone:
            await self._documents.bulk_write(gone, ordered=False)
        await keep(self, events)

    return patch.object(Publishing, "_keep", late)


@contextmanager
def signs_unasked() -> Iterator[None]:
    """An audit signs what it has, whoever else signs."""

    async def granted(*_: Any) -> None:
        """Without a look at what stands."""

    with patch.object(Guard, "begin", granted), patch.object(Guard, "allow", granted):
        yield


BOTH = ("embedded", "cluster")
BROKEN: dict[str, Broken] = {
    "commits the position first": Broken(BOTH, position_first),
    "forgets the version check": Broken(("cluster",), no_version),
    "publishes only its own event": Broken(("cluster",), own_events_only),
    "decides again on redelivery": Broken(BOTH, decides_again),
    "opens a case without a claim": Broken(BOTH, no_claim),
    "moves the mark with the save": Broken(("cluster",), mark_with_the_save),
    "pulls events before they are inserted": Broken(("cluster",), pulls_first),
    "signs without leave": Broken(("cluster",), signs_unasked),
    "trusts a wrong clock": Broken(("cluster",), lambda: patch.object(pulse, "MOST_OFF", timedelta(days=1))),
}
