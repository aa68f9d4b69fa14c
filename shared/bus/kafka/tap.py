"""A tap on Kafka: every partition of every topic, from the positions that who takes it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared import metrics
from shared.bus import Foreign, Taken, Tap
from shared.bus.answering import AWAY_SECONDS
from shared.bus.kafka.group import BEYOND_LOOKS, LOOK_EVERY
from shared.bus.kafka.topics import Cluster
from shared.bus.standstill import Stand, Standstill
from shared.bus.tasks import end
from shared.clock import Clock
from shared.events import TOPICS, Record

log = structlog.get_logger()

BATCH = 4096
POLL_MS = 100


class KafkaTap:
    """One tap. It holds nothing back and commits nothing: a batch is taken with its positions, or taken again."""

    def __init__(self, name: str, tap: Tap, cluster: Cluster, clock: Clock) -> None:
        self.name = name
        self.stopped: str | None = None
        """Why it takes nothing any more."""
        self.standstill = Standstill(clock)
        self._tap = tap
        self._cluster = cluster
        self._ends: dict[TopicPartition, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._consumer: Any = None

    async def start(self) -> None:
        """Begin where it was, new partitions at their start. Raises KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._cluster.client,
            auto_offset_reset="none",
            isolation_level="read_committed",
        )
        await consumer.start()
        self._consumer = consumer
        partitions = [
            TopicPartition(self._cluster.named(topic), number)
            for topic in TOPICS
            for number in range(self._cluster.partitions_of(topic))
        ]
        consumer.assign(partitions)
        starts = await consumer.beginning_offsets(partitions)
        self._ends = await consumer.end_offsets(partitions)
        for _ in range(BEYOND_LOOKS):
            if all(self._tap.positions().get(self._stream(one), 0) <= end for one, end in self._ends.items()):
                break
            await asyncio.sleep(AWAY_SECONDS)
            self._ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            position = self._tap.positions().get(self._stream(partition), starts[partition])
            if not starts[partition] <= position <= self._ends[partition]:
                self._stop(
                    f"{self._stream(partition)} is to be taken from {position} on, and Kafka has only"
                    f" {starts[partition]} to {self._ends[partition]}"
                )
                return
            consumer.seek(partition, position)
        metrics.BEHIND.set_function(self.behind)
        metrics.STOPPED.labels(self.name).set_function(lambda: int(self.stopped is not None))
        metrics.STILL.labels(self.name).set_function(self.standstill.seconds)
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._look_often())]

    async def stop(self) -> None:
        """Take nothing more."""
        await end(self._tasks)
        if self._consumer is not None:
            await self._consumer.stop()

    def _stream(self, partition: TopicPartition) -> str:
        return f"{self._cluster.plain(partition.topic)}/{partition.partition}"

    def _stop(self, reason: str) -> None:
        self.stopped = reason
        log.error("bus.group_stopped", group=self.name, reason=reason)

    async def _run(self) -> None:
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
            except OffsetOutOfRangeError as error:
                self._stop(f"what is to be taken next is gone from Kafka: {error}")
                return
            except KafkaError as error:
                log.warning("bus.kafka_away", group=self.name, error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if fetched:
                await self._hand_over(fetched)

    async def _hand_over(self, fetched: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        batch = [self._taken(one) for records in fetched.values() for one in records]
        positions = {
            self._stream(partition): records[-1].offset + 1 for partition, records in fetched.items()
        }
        while True:
            try:
                await self._tap.take(batch, positions)
            except Exception:
                log.exception("bus.tap_failed", group=self.name, positions=positions)
                await asyncio.sleep(AWAY_SECONDS)
            else:
                return

    def _taken(self, one: ConsumerRecord) -> Taken:
        topic, value = self._cluster.plain(one.topic), one.value or b""
        try:
            return Record.read(topic, value)
        except ValueError:
            return Foreign(topic, value)

    def behind(self) -> int:
        """How many events it has not taken, as far as it has heard."""
        return sum(max(0, one.waiting) for one in self._stands())

    def _stands(self) -> list[Stand]:
        positions = self._tap.positions()
        stands = []
        for partition, known in self._ends.items():
            stream = self._stream(partition)
            taken = positions.get(stream, 0)
            stands.append(Stand(stream, taken, (self._consumer.highwater(partition) or known) - taken))
        return stands

    async def _look_often(self) -> None:
        while self.stopped is None:
            self.standstill.saw(self._stands())
            await asyncio.sleep(LOOK_EVERY)

    def ready(self) -> str | None:
        """Why it does not get on, or None where it does."""
        return self.standstill.reason() if self.stopped is None else f"it has stopped: {self.stopped}"

    async def idle(self) -> bool:
        """Whether everything is taken; what is not is asked for."""
        if self.stopped is not None:
            return True
        ends = await self._consumer.end_offsets(list(self._ends))
        positions = self._tap.positions()
        if all(positions.get(self._stream(partition), 0) >= end for partition, end in ends.items()):
            return True
        self._tap.hurry()
        return False
