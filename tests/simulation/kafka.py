"""A model of Kafka, beneath the real bus: partitions that only grow, groups whose members come and go, and a broker
that is away at times for longer than the producer waits.

What is acknowledged stands. What is not may stand all the same, now or later, or never. A member that is not heard of
within its session loses its partitions; it hears of that only once it asks, and answers what it has fetched until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextvars import Context, ContextVar
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError

from tests.simulation.faults import Faults

BROKER: ContextVar[Broker] = ContextVar("kafka")
SESSION = 10.0
REBALANCE = 15.0
"""Seconds that a group waits for its members to come again."""
ASKED_AGAIN = 10.0
"""Seconds after which a request that finds no broker has failed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as consumers get it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


@dataclass
class Group:
    """A group, as its coordinator sees it."""

    committed: dict[TopicPartition, int] = field(default_factory=dict)
    members: dict[str, float] = field(default_factory=dict)
    """When each was last heard of."""
    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    generation: int = 0
    assigned: dict[str, list[TopicPartition]] = field(default_factory=dict)
    rejoined: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    balancing_until: float | None = None


class Broker:
    """The cluster of brokers."""

    def __init__(self, faults: Faults, partitions: int) -> None:
        self.faults = faults
        self.partitions = partitions
        self.logs: dict[TopicPartition, list[Kept]] = {}
        self.groups: dict[str, Group] = {}
        self.members_ever = 0
        self.appended = 0
        self._there_at = 0.0
        self._fetching: list[asyncio.Future[None]] = []

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def there(self) -> None:
        """It is there, whatever was before."""
        self._there_at = 0.0

    async def reached(self, *, patience: float = ASKED_AGAIN) -> None:
        """Return once a request has come to the broker. Raises where it is away for longer than that."""
        await self.faults.takes("broker")
        if self.faults.happens("away", "broker", factor=0.1):
            self._there_at = self.now + self.faults.random.choice((1.0, 8.0, 30.0, 60.0))
        until = self.now + patience
        while (left := self._there_at - self.now) > 0:
            if self.now >= until:
                raise KafkaConnectionError("no broker")
            await asyncio.sleep(min(left, until - self.now, 1.0) + 0.001)

    def log(self, where: TopicPartition) -> list[Kept]:
        """A partition's records; an offset is a place in it."""
        return self.logs.setdefault(where, [])

    def append(self, where: TopicPartition, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep some records, in a row."""
        log = self.log(where)
        for key, value in records:
            log.append(Kept(where.topic, where.partition, len(log), key, value))
            self.appended += 1
        fetching, self._fetching = self._fetching, []
        for waiting in fetching:
            if not waiting.done():
                waiting.set_result(None)

    async def more(self, seconds: float) -> None:
        """Return when something was appended, or after some seconds."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._fetching.append(waiting)
        await asyncio.wait([waiting], timeout=seconds)

    def partitions_of(self, topic: str) -> int:
        return 1 if topic.endswith(".dead") else self.partitions

    def group(self, name: str) -> Group:
        """The group of that name, which begins when it is first named."""
        return self.groups.setdefault(name, Group())

    async def join(self, name: str, member: str, topics: tuple[str, ...]) -> None:
        """Return once the group is dealt its partitions, with this member among them."""
        group = self.group(name)
        group.members[member] = self.now
        group.topics[member] = topics
        if member not in group.rejoined or group.rejoined[member].done():
            group.rejoined[member] = asyncio.get_running_loop().create_future()
        self._balance(group)
        self._deal_if_all(group)
        await group.rejoined[member]

    def leave(self, name: str, member: str) -> None:
        """A member is gone, by its own word or for want of it."""
        group = self.group(name)
        if group.members.pop(member, None) is not None:
            group.rejoined.pop(member, None)
            self.faults.say(f"{name} loses {member}")
            self._balance(group)
            self._deal_if_all(group)

    def _balance(self, group: Group) -> None:
        if group.balancing_until is None:
            group.balancing_until = self.now + REBALANCE
            asyncio.get_running_loop().call_later(REBALANCE, self._deal, group, context=Context())

    def _deal_if_all(self, group: Group) -> None:
        waiting = {member for member, one in group.rejoined.items() if not one.done()}
        if group.balancing_until is not None and waiting >= group.members.keys():
            # Who comes first waits a moment for the others.
            asyncio.get_running_loop().call_later(0.05, self._deal, group, True, context=Context())

    def _deal(self, group: Group, if_all: bool = False) -> None:
        if group.balancing_until is None or (not if_all and self.now < group.balancing_until):
            return
        waiting = [member for member, one in group.rejoined.items() if not one.done()]
        if if_all and not set(waiting) >= group.members.keys():
            return
        group.balancing_until = None
        group.generation += 1
        group.members = dict.fromkeys(sorted(waiting), self.now)
        group.assigned = {member: [] for member in group.members}
        members = list(group.members)
        topics = sorted({topic for member in members for topic in group.topics[member]})
        places = [
            TopicPartition(topic, number) for topic in topics for number in range(self.partitions_of(topic))
        ]
        for at, place in enumerate(places):
            if members:
                group.assigned[members[(at + group.generation) % len(members)]].append(place)
        for member in waiting:
            group.rejoined[member].set_result(None)

    def heard(self, name: str, member: str, generation: int) -> bool:
        """A heartbeat; whether the member has what it thinks it has."""
        group = self.group(name)
        self.expire(group, name)
        if member not in group.members or generation != group.generation:
            return False
        group.members[member] = self.now
        if self.faults.happens("rebalance", "group", factor=0.5):
            self._balance(group)
        return group.balancing_until is None

    def expire(self, group: Group, name: str) -> None:
        """Who was not heard of for a session is gone."""
        if self._there_at > self.now - SESSION:
            group.members = {member: max(at, self.now) for member, at in group.members.items()}
            return
        for member, at in list(group.members.items()):
            joining = member in group.rejoined and not group.rejoined[member].done()
            if self.now - at > SESSION and not joining:
                self.leave(name, member)

    def commit(
        self, name: str, member: str, generation: int, positions: Mapping[TopicPartition, int]
    ) -> None:
        """Keep a member's positions. Raises CommitFailedError where they are another's by now."""
        group = self.group(name)
        if member not in group.members or generation != group.generation:
            raise CommitFailedError("the group has been dealt anew")
        group.committed.update(positions)
