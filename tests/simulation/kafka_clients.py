"""The names of aiokafka and FastStream that the bus calls, on the model of Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, KafkaTimeoutError

from tests.simulation.kafka import BROKER, Kept

HEARTBEAT = 2.5


class ModelBatch:
    """What a producer sends at once to one partition."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []

    def append(self, *, key: bytes, value: bytes, timestamp: None, headers: Sequence[Any]) -> object | None:
        if len(self.records) >= 3:
            return None
        self.records.append((key, value))
        return self

    def close(self) -> None:
        """Nothing is added any more."""


class ModelProducer:
    """In the place of `AIOKafkaProducer`: idempotent, `acks=all`."""

    def __init__(self, *, request_timeout_ms: int = 40_000, **_: Any) -> None:
        self._broker = BROKER.get()
        self._patience = request_timeout_ms / 1000
        self._sender = self.client = self

    async def start(self) -> None:
        await self._broker.reached()

    async def stop(self) -> None:
        """What was given to it is sent, or is not."""
        await self._broker.faults.takes("broker")

    async def close(self) -> None:
        """At once."""

    def create_batch(self) -> ModelBatch:
        return ModelBatch()

    async def send_batch(self, batch: ModelBatch, topic: str, *, partition: int) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._send(batch, TopicPartition(topic, partition)))

    async def _send(self, batch: ModelBatch, where: TopicPartition) -> None:
        broker, faults = self._broker, self._broker.faults
        await faults.point("before a publish")
        try:
            await broker.reached(patience=self._patience)
        except asyncio.CancelledError:  # what was on its way may come there all the same
            if faults.happens("cut", "a given up publish", factor=10):
                self._later(batch, where)
            raise
        if faults.happens("cut", "publish", factor=2):
            how = faults.random.choice(("never", "now", "later"))
            if how == "now":
                broker.append(where, batch.records)
            elif how == "later":
                self._later(batch, where)
            faults.say(f"the batch stands {how}, and nobody hears")
            await asyncio.sleep(faults.random.uniform(0.1, 3))
            raise KafkaTimeoutError
        broker.append(where, batch.records)
        faults.say(f"published {where.topic}/{where.partition} {len(batch.records)}")
        await faults.takes("broker")
        await faults.point("after a publish")

    def _later(self, batch: ModelBatch, where: TopicPartition) -> None:
        seconds = self._broker.faults.random.uniform(0.5, 20)
        asyncio.get_running_loop().call_later(
            seconds, self._broker.append, where, batch.records, context=Context()
        )


class ModelConsumer:
    """In the place of `AIOKafkaConsumer`."""

    def __init__(self, *topics: str, group_id: str | None = None, listener: Any = None, **_: Any) -> None:
        self._broker = BROKER.get()
        self._topics = topics
        self._group = group_id or ""
        self._listener = listener
        self._broker.members_ever += 1
        self._member = (
            f"member-{self._broker.members_ever}-{self._broker.faults.random.randrange(1 << 32):08x}"
        )
        self._generation = -1
        self._assigned: set[TopicPartition] = set()
        self._positions: dict[TopicPartition, int] = {}
        """Where it fetches next; of a partition that was never begun nothing is fetched until somebody seeks."""
        self._paused: set[TopicPartition] = set()
        self._ends: dict[TopicPartition, int] = {}
        self._membership: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._broker.reached()
        if self._listener is not None:
            self._membership = asyncio.create_task(self._be_member())

    async def stop(self) -> None:
        if self._membership is not None:
            self._membership.cancel()
            await asyncio.gather(self._membership, return_exceptions=True)
            with suppress(KafkaError):
                await self._broker.reached()
                self._broker.leave(self._group, self._member)

    async def __aenter__(self) -> ModelConsumer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _be_member(self) -> None:
        broker = self._broker
        while True:
            with suppress(KafkaError):
                await broker.reached()
                await broker.join(self._group, self._member, self._topics)
                group = broker.group(self._group)
                self._generation = group.generation
                mine = list(group.assigned[self._member])
                self._assigned = set(mine)
                self._positions = {one: group.committed[one] for one in mine if one in group.committed}
                self._paused.clear()
                broker.faults.say(f"{self._group} is dealt {len(mine)} partitions")
                with suppress(KafkaError):  # aiokafka logs what a listener raises
                    await self._listener.on_partitions_assigned(set(mine))
                await self._beat()
                with suppress(KafkaError):
                    await self._listener.on_partitions_revoked(set(mine))
                self._assigned, self._positions = set(), {}

    async def _beat(self) -> None:
        """Until the group is dealt anew, or is without this member."""
        broker = self._broker
        while True:
            await asyncio.sleep(HEARTBEAT * broker.faults.random.uniform(0.5, 1.5))
            try:
                await broker.reached()
            except KafkaError:
                continue
            if not broker.heard(self._group, self._member, self._generation):
                return

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(partitions, 0)
        self._assigned = set(self._positions)

    def assignment(self) -> set[TopicPartition]:
        return set(self._assigned)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._positions[partition] = offset

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self._paused.difference_update(partitions)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self._ends.get(partition)

    async def getmany(
        self, *, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Kept]]:
        broker = self._broker
        try:
            await broker.reached(patience=timeout_ms / 1000)
        except KafkaError:
            return {}
        if not self._some():
            await broker.more(3.0)
        fetched: dict[TopicPartition, list[Kept]] = {}
        for partition in self._some():
            log, position = broker.log(partition), self._positions[partition]
            most = broker.faults.random.choice((1, 3, max_records or 500))
            fetched[partition] = log[position : position + most]
            self._positions[partition] = position + len(fetched[partition])
            self._ends[partition] = len(log)
        return fetched

    def _some(self) -> list[TopicPartition]:
        """Where there is something to fetch."""
        return [
            partition
            for partition, position in self._positions.items()
            if partition not in self._paused and position < len(self._broker.log(partition))
        ]

    async def committed(self, partition: TopicPartition) -> int | None:
        await self._broker.reached()
        return self._broker.group(self._group).committed.get(partition)

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        broker = self._broker
        await broker.reached()
        if self._listener is None:
            if broker.group(self._group).members:
                raise CommitFailedError("the group has members")
            broker.group(self._group).committed.update(positions)
            return
        broker.commit(self._group, self._member, self._generation, positions)
        # What was committed before it was answered is lost only by who dies here.
        await broker.faults.point("after a position", factor=8)

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._broker.reached()
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await self._broker.reached()
        return {one: len(self._broker.log(one)) for one in partitions}


class ModelSubscriber:
    """FastStream's batch subscriber: polls, hands over, and polls again whatever the handler says."""

    def __init__(self, consumer: ModelConsumer, most: int) -> None:
        self.consumer = consumer
        self._most = most
        self._handle: Any = None
        self._polling: asyncio.Task[None] | None = None

    def __call__(self, handle: Callable[[list[Any]], Any]) -> None:
        self._handle = handle

    async def start(self) -> None:
        await self.consumer.start()
        self._polling = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        await self.consumer.stop()

    async def _poll(self) -> None:
        while True:
            fetched = await self.consumer.getmany(timeout_ms=200, max_records=self._most)
            records = [one for some in fetched.values() for one in some]
            if records:
                with suppress(Exception):
                    await self._handle(records)


class ModelFastStream:
    """In the place of FastStream's `KafkaBroker`."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self._subscribers: list[ModelSubscriber] = []

    def subscriber(
        self, *topics: str, group_id: str, listener: Any, max_records: int, **_: Any
    ) -> ModelSubscriber:
        made = ModelSubscriber(ModelConsumer(*topics, group_id=group_id, listener=listener), max_records)
        self._subscribers.append(made)
        return made

    async def start(self) -> None:
        for one in self._subscribers:
            await one.start()

    async def stop(self) -> None:
        for one in self._subscribers:
            await one.stop()


async def ensured(_: Any) -> None:
    """The topics are as they must be: `ensure` has its own tests."""
    await BROKER.get().reached()


class NoInlet:
    """`inbound` is not modelled: nobody posts to it here."""

    name = "inbound"

    def __init__(self, *_: Any) -> None:
        pass

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def ready(self) -> str | None:
        return None

    async def idle(self) -> bool:
        return True
