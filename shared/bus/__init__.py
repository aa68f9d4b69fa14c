"""The bus's port: every event of a topic reaches every group that subscribes to it, a key's in order, at least once.

A commit makes events visible; `publish` sees to it that they travel. In the embedded mode a commit is the publication.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from shared.events import Record

Handle = Callable[[Record], Awaitable[None]]


@dataclass(frozen=True)
class Subscription:
    """What a group hears: of which topics, which types, and who answers. Events of one key come one after the other."""

    topics: tuple[str, ...]
    types: frozenset[str]
    handle: Handle
    heeds: Callable[[Record], bool] | None = None
    """Whether an event has to be answered at all, where nearly all of these types have not: cheap, and by the event
    alone. What is not heeded is passed, as what the group has no word for."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """What stands on a topic and is no event: its bytes, as they are."""

    topic: str
    value: bytes


Taken = Record | Foreign
Positions = Mapping[str, int]
"""By stream, the position after the last one that was taken: where to go on. Embedded there is one stream, `events`; of
Kafka each partition is one, `topic/partition`."""


@dataclass(frozen=True)
class Tap:
    """A group that takes everything, a stream's in order, in batches, and itself keeps how far it is (the audit)."""

    positions: Callable[[], Positions]
    take: Callable[[Sequence[Taken], Positions], Awaitable[None]]
    """Takes a batch, and remembers with it the positions that it leads to."""
    hurry: Callable[[], None] = lambda: None
    """Somebody waits until everything is taken: don't wait for more to come."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What another program has put on `inbound`: not an event of ours, but something that is to come in by a door."""

    value: bytes
    headers: Mapping[str, str]
    """Names in small letters; what is no text is left out."""
    where: str
    """The place at which it stands, which nothing else has."""


@dataclass(frozen=True)
class Inlet:
    """Who takes what is posted there: durably, before it is deleted. What was taken may come again."""

    take: Callable[[Posted], Awaitable[None]]
    says: type[BaseModel]
    """What the data of a CloudEvent must be."""


@dataclass(frozen=True, slots=True)
class Held:
    """An event that a group could not answer, or that waits behind one of its key; and why."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A key of which a group answers nothing until it is replayed: its first event says why."""

    group: str
    key: str
    events: int
    first: Held


class Bus(Protocol):
    """What every adapter promises."""

    def subscribe(self, group: str, subscriptions: Sequence[Subscription]) -> None:
        """Answer events as they come. An event that can't be answered holds back its key, and nothing else."""
        ...

    def tap(self, group: str, tap: Tap) -> None:
        """Hand over everything, in order."""
        ...

    def let_in(self, group: str, inlet: Inlet) -> None:
        """Hand over what other programs post straight to the bus, where they can."""
        ...

    async def held_keys(self) -> list[HeldKey]:
        """What is held back, the longest first."""
        ...

    async def held(self, group: str, key: str) -> list[Held]:
        """The events of a key that are held back, in order."""
        ...

    def held_counts(self) -> dict[str, int]:
        """How many keys each group holds back; cheap."""
        ...

    def not_ready(self) -> list[str]:
        """Which groups don't get on though events wait for them, and why; cheap."""
        ...

    async def replay(self, group: str, key: str) -> int:
        """Answer what is held back of a key, in order and before anything new of it, as far as that goes.

        Answers how many events went through; the first that did not stays, with what follows, under its new reason.
        """
        ...

    async def start(self) -> None:
        """Begin to hand over, from where each group was."""
        ...

    async def stop(self) -> None:
        """Finish what is under way and remember how far each group is."""
        ...

    async def idle(self) -> None:
        """Return once every group has answered everything that is there."""
        ...
