"""Buses on a real Kafka for tests, with a say in what goes wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.aggregate import Aggregates
from shared.bus import Handle, Subscription, Tap
from shared.bus.kafka import Cluster, KafkaBus
from shared.clock import SimulatedClock
from shared.events import Record
from shared.events.messages import MessageSettled
from shared.store.mongo import MongoStore
from tests.installations import KIND, WEDNESDAY, Thing, happened, mongo_store

TYPES = frozenset({MessageSettled.TYPE})
PARTITIONS = 3


@asynccontextmanager
async def admin(address: str) -> AsyncIterator[Any]:
    """Somebody who may do anything to the topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@dataclass
class Site:
    """One installation's place on the servers."""

    address: str
    url: str
    name: str = field(default_factory=lambda: f"test_{secrets.token_hex(6)}")

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.address, prefix=f"{self.name}.", partitions=PARTITIONS, replication=1)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[MongoStore]:
        async with mongo_store(self.url, self.name) as store:
            yield store

    @asynccontextmanager
    async def instance(
        self,
        handle: Handle | None = None,
        *,
        topics: tuple[str, ...] = ("messages",),
        patience: float = 40.0,
        **consumer: Any,
    ) -> AsyncIterator[Instance]:
        """One process's bus, with one group where there is somebody to answer."""
        async with self.store() as store:
            clock = SimulatedClock(WEDNESDAY)
            bus = KafkaBus(self.cluster, store, clock, patience=patience, consumer=consumer)
            if handle is not None:
                bus.subscribe("group", [Subscription(topics, TYPES, handle)])
            await bus.start()
            try:
                yield Instance(bus, store, Aggregates(KIND, store, clock))
            finally:
                await bus.stop()

    @asynccontextmanager
    async def tapping(self, tap: Tap) -> AsyncIterator[KafkaBus]:
        """A process that takes everything."""
        async with self.store() as store:
            bus = KafkaBus(self.cluster, store, SimulatedClock(WEDNESDAY))
            bus.tap("tap", tap)
            await bus.start()
            try:
                yield bus
            finally:
                await bus.stop()

    async def log(self, topic: str = "messages") -> list[bytes]:
        """Everything that stands on a topic, a partition after the other."""
        async with AIOKafkaConsumer(bootstrap_servers=self.address, auto_offset_reset="none") as consumer:
            name = self.cluster.named(topic)
            partitions = [TopicPartition(name, one) for one in range(self.cluster.partitions_of(topic))]
            consumer.assign(partitions)
            starts = await consumer.beginning_offsets(partitions)
            ends = await consumer.end_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, starts[partition])
            found: dict[TopicPartition, list[bytes]] = {one: [] for one in partitions}
            left = sum(ends.values()) - sum(starts.values())
            while left:
                for partition, records in (await consumer.getmany(timeout_ms=1000)).items():
                    found[partition] += [record.value for record in records]
                    left -= len(records)
            return [value for values in found.values() for value in values]

    async def order(self, topic: str = "messages") -> dict[str, list[int]]:
        """Each aggregate's sequences as they stand on a topic."""
        found: dict[str, list[int]] = {}
        for value in await self.log(topic):
            record = Record.read(topic, value)
            found.setdefault(record.subject, []).append(record.sequence)
        return found


@dataclass
class Instance:
    """One of them."""

    bus: KafkaBus
    store: MongoStore
    things: Aggregates[Thing]

    async def fill(self, names: Sequence[str], each: int, *, after: int = 0) -> None:
        """So many events of each, numbered on from `after`."""
        for number in range(after, after + each):
            await asyncio.gather(
                *(
                    self.things.answer(name, f"{name} {number}", lambda state, now: [happened("x")])
                    for name in names
                )
            )


class Answers:
    """What one instance answered, in order by aggregate; told to, it waits."""

    def __init__(self, before: Callable[[Record], Awaitable[None]] | None = None) -> None:
        self.heard: dict[str, list[int]] = {}
        self._before = before

    async def __call__(self, record: Record) -> None:
        if self._before is not None:
            await self._before(record)
        self.heard.setdefault(record.subject, []).append(record.sequence)


def firsts(sequences: Sequence[int]) -> list[int]:
    """First occurrences, in the order in which they occur."""
    return list(dict.fromkeys(sequences))
