"""The store's port: documents with versions, their events, claims, due instants, cursors (DESIGN.md section 5).

A step changes one aggregate and is its own atom; an adapter may gather many into one fsync. Adapters pass one contract
suite, `tests/contract/test_store.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.events import Record

LARGE_FROM_BYTES = 256 * 1024
"""Boxes above it are kept apart: they would hold the embedded store's one writer, and swell documents (LIMITS.md)."""


class StoreError(Exception):
    """
    StoreError
    ├── Conflict      the aggregate has moved on: decide again
    └── Unavailable   nothing can be written now (disk full, store away): try again later
    """


class Conflict(StoreError):
    """The document is not at the version the step was decided on."""


class Unavailable(StoreError):
    """The store can't take anything now. Nothing of the call was kept; or, where a store on another machine went away
    in the midst of it and did not come back, nobody knows: whoever tries again under the same input finds out.
    """


FieldKind = type[str] | type[int] | type[tuple[str, ...]]
FieldValue = str | int | tuple[str, ...] | None
"""A text, a number, or several texts, none of which is the same as null. Their order does not matter."""


@dataclass(frozen=True)
class Collection:
    """One kind of document, the fields it can be found by, and the indexes that serve its queries.

    A document whose first field of an index is null does not stand in that index: queues stay as small as what waits.
    A field that may have several values is written `tuple[str, ...]`; it heads an index, and can be in no other place.
    """

    name: str
    fields: Mapping[str, FieldKind] = field(default_factory=dict)
    indexes: Sequence[tuple[str, ...]] = ()
    covered: tuple[str, ...] = ()
    """What every index has at its end: conditions on it pass over what does not match without reading documents."""

    def __post_init__(self) -> None:
        heads = [index[0] for index in self.indexes]
        inside = {name for index in self.indexes for name in index[1:]}
        for name in self.several:
            if heads.count(name) != 1 or name in inside:
                raise ValueError(
                    f"{self.name}: {name} has several values: it must head one index, and be in no other"
                )

    @property
    def several(self) -> tuple[str, ...]:
        """The fields that may have several values."""
        return tuple(name for name, kind in self.fields.items() if kind not in (str, int))

    def keys(self, index: tuple[str, ...], id: str) -> tuple[str, ...]:
        """What an index holds of a document: its own fields, the id for the order of equals, what is covered."""
        own = (*index, id)
        return (
            own if index[0] in self.several else (*own, *(name for name in self.covered if name not in index))
        )


@dataclass(frozen=True, slots=True)
class Document:
    """An aggregate as it was saved. Its version is the sequence of its last event."""

    id: str
    version: int
    body: bytes
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Content under its own key: what the content store keeps. `key` goes elsewhere than `box`."""

    ref: str
    commitment: str
    size: int
    box: bytes
    key: bytes
    owner: str


@dataclass(frozen=True, slots=True)
class Step:
    """One aggregate's change: its next state, the events that say so, the content they refer to."""

    collection: Collection
    id: str
    expected: int
    """The version it was decided on; 0 where the aggregate does not exist yet."""
    body: bytes
    records: tuple[Record, ...]
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    due: datetime | None = None
    contents: tuple[Sealed, ...] = ()


@dataclass(frozen=True, slots=True)
class Where:
    """One condition of a query; all of them must hold. Of several values, `has` asks for one."""

    field: str
    is_: Literal["=", "<", "<=", ">", ">=", "in", "has", "null", "not null"]
    value: str | int | Sequence[str] | None = None


Wanted = Callable[[str, datetime], bool]
"""Whether a document of that id, due then, is asked for."""


def everything(id: str, due: datetime) -> bool:
    """Whichever it is."""
    return True


class Store(Protocol):
    """What every adapter promises. Every write is durable when its call returns."""

    only_writer: bool
    """Whether nobody else writes there while this process has it open: what it last read or wrote is what stands."""

    async def load(self, collection: Collection, id: str) -> Document | None:
        """The document as last committed, or None."""
        ...

    async def commit(self, step: Step) -> None:
        """Make the step durable and its events visible, all or nothing. Raises Conflict or Unavailable."""
        ...

    async def claim(self, claims: Mapping[str, str]) -> dict[str, str]:
        """Insert each key once; answers the value that stands for each, whoever wrote it."""
        ...

    async def claimed(self, key: str) -> str | None:
        """The value that stands for a key."""
        ...

    async def due(
        self, collection: Collection, until: datetime, limit: int, wanted: Wanted = everything
    ) -> list[Document]:
        """Documents due no later than `until`, the longest due first: of those that are wanted, so many."""
        ...

    async def next_due(self, collection: Collection) -> datetime | None:
        """The earliest instant at which something of the collection is due."""
        ...

    async def find(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str,
        descending: bool = False,
        after: tuple[str | int, str] | None = None,
        limit: int = 50,
    ) -> list[tuple[Document, str | int]]:
        """Documents in the order of a field and then id, each with that field's value, from just past `after` on."""
        ...

    async def count(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str | None = None,
        cap: int = 10_000,
    ) -> int:
        """How many match, or stand in a list in that order; counted no further than `cap`."""
        ...

    async def history(self, id: str) -> list[Record]:
        """Every event of one aggregate, in order."""
        ...

    async def free_bytes(self) -> int:
        """How much more the store can hold."""
        ...


class Unpublished(Protocol):
    """The publishing side of a store whose events travel by another road: what was saved and not yet sent.

    Whoever publishes an aggregate publishes everything that is pending, in order, never only its own event.
    """

    def on_commit(self, hear: Callable[[Step], None]) -> None:
        """Call `hear` with every step that this process made durable and that has events."""
        ...

    async def pending(self, collection: Collection, id: str) -> list[Record]:
        """An aggregate's events from the mark on, in order, as the majority of the store has them."""
        ...

    async def published(self, collection: Collection, id: str, sequence: int) -> None:
        """Everything up to `sequence` was acknowledged: keep it under `events`, then move the mark, only up."""
        ...

    async def left_behind(self, until: datetime, limit: int) -> list[tuple[Collection, str]]:
        """Aggregates with events from before `until` that were never marked as sent, the longest waiting first."""
        ...


class HeldBack(Protocol):
    """What a group could not answer, and what waits behind it: kept until it is replayed. Every store has one.

    A key's events are held in the order in which they came; so an aggregate's are in order.
    """

    async def hold(self, group: str, record: Record, reason: str, *, anew: bool = False) -> None:
        """Keep an event, once. Its first reason and its place stand; tried `anew`, it has a new reason."""
        ...

    async def held(self, group: str, key: str) -> list[tuple[Record, str]]:
        """What is held of a key, in order, each with its reason."""
        ...

    async def release(self, group: str, key: str, record_id: str) -> None:
        """An event was answered after all. One that is not held is let be."""
        ...

    async def held_keys(self, group: str) -> list[tuple[str, int, str, Record]]:
        """The keys that are held, the longest waiting first: key, how many, the first one's reason, and it."""
        ...
