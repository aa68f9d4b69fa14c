"""Sending to Kafka in order: one batch under way a partition, a new producer after every failure.

aiokafka numbers a batch even where it gives it up unsent: what the same producer sends next meets a gap (and where the
partition does not know the producer, takes the place of what was given up). So what failed is never followed by
anything of its producer, and two batches of a partition are never under way together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from shared.bus.kafka.topics import Cluster
from shared.bus.publisher import NotSent
from shared.bus.tasks import end
from shared.events import Record

log = structlog.get_logger()

PATIENCE = 40.0
"""Seconds that a batch may wait for its acknowledgement before it counts as not sent."""
BATCH_BYTES = 256 * 1024
AGAIN_SECONDS = 0.5
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]

_place = DefaultPartitioner()


class _Sending:
    """What one caller has to send: all of it, in order."""

    __slots__ = ("at", "key", "sent", "values")

    def __init__(self, key: bytes, values: Sequence[bytes]) -> None:
        self.key = key
        self.values = values
        self.at = 0
        self.sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Line:
    """What waits to go to one partition."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[_Sending] = deque()
        self.task: asyncio.Task[None] | None = None


class _Ended(Exception):
    """The producer was ended with this batch still under way."""


class _Producer:
    """One of aiokafka's producers, of which it is known when it has ended: what it had under way it forgets."""

    def __init__(self, cluster: Cluster, patience: float) -> None:
        self._producer = AIOKafkaProducer(
            **cluster.client,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(patience * 1000),
        )
        self._ended = asyncio.Event()

    async def start(self) -> None:
        """Connect. Raises KafkaError or OSError, and has then ended."""
        try:
            await self._producer.start()
        except BaseException:
            await self.end(seconds=0)
            raise

    def batch(self) -> Any:
        """An empty batch."""
        return self._producer.create_batch()

    async def deliver(self, batch: Any, topic: str, partition: int) -> None:
        """Return once the batch is acknowledged. Raises what went wrong."""
        delivery = asyncio.create_task(self._deliver(batch, topic, partition))
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait([delivery, ended], return_when=asyncio.FIRST_COMPLETED)
            if not delivery.done():
                raise _Ended("its producer was ended for a failure elsewhere")
            await delivery
        finally:
            await end([delivery, ended])

    async def _deliver(self, batch: Any, topic: str, partition: int) -> None:
        await (await self._producer.send_batch(batch, topic, partition=partition))

    async def end(self, *, seconds: float = 1.0) -> None:
        """Let it send what it has, but not for long, and close it."""
        try:
            async with asyncio.timeout(seconds):
                await self._producer.stop()
        except (KafkaError, OSError, TimeoutError) as error:
            log.info("bus.producer_ended", error=f"{type(error).__name__}: {error}")
        finally:
            await self._producer._sender.close()  # noqa: SLF001  it has no other way not to wait for Kafka
            await self._producer.client.close()
            self._ended.set()


class KafkaSender:
    """The one producer of a process, replaced whenever it failed."""

    def __init__(self, cluster: Cluster, *, patience: float = PATIENCE) -> None:
        self.replaced = 0
        """How often the producer was."""
        self._cluster = cluster
        self._patience = patience
        self._lines: dict[tuple[str, int], _Line] = {}
        self._producer: _Producer | None = None
        self._there = asyncio.Event()
        self._making: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin; where Kafka is away, what is sent waits for it."""
        self._making = asyncio.create_task(self._make())

    async def stop(self) -> None:
        """End; what was not acknowledged counts as not sent."""
        await end([self._making, *self._leaving, *(line.task for line in self._lines.values())])
        for line in self._lines.values():
            _fail(line.waiting, "it was stopped")
        if self._producer is not None:
            await self._producer.end()

    async def send(self, records: Sequence[Record]) -> None:
        """Return once all of one aggregate's records are durable, in this order. Raises NotSent."""
        topic, key = self._cluster.named(records[0].topic), records[0].key
        await self.send_values(topic, key, [record.value for record in records])

    async def send_values(self, topic: str, key: str, values: Sequence[bytes]) -> None:
        """The same for any events of one key."""
        sending = _Sending(key.encode(), values)
        partition = _place(sending.key, range(self._cluster.partitions_of(topic)), ())
        line = self._lines.setdefault((topic, partition), _Line(topic, partition))
        line.waiting.append(sending)
        if line.task is None:
            line.task = asyncio.create_task(self._run(line))
        await sending.sent

    async def _run(self, line: _Line) -> None:
        try:
            while line.waiting:
                while self._producer is None:
                    await self._there.wait()
                await self._send_some(line, self._producer)
        finally:
            line.task = None

    async def _send_some(self, line: _Line, producer: _Producer) -> None:
        batch, taken = _fill(producer.batch(), line.waiting)
        batch.close()
        try:
            await producer.deliver(batch, line.topic, line.partition)
        except (KafkaError, OSError, TimeoutError, _Ended) as error:
            self._replace(producer, error)
            for sending, _ in taken:
                line.waiting.popleft()
                _fail([sending], f"{type(error).__name__}: {error}")
            return
        for sending, at in taken:
            sending.at = at
            if at == len(sending.values):
                line.waiting.popleft()
                if not sending.sent.done():
                    sending.sent.set_result(None)

    def _replace(self, producer: _Producer, error: BaseException) -> None:
        if producer is not self._producer:
            return  # another partition's failure was first
        log.warning("bus.producer_replaced", error=f"{type(error).__name__}: {error}")
        self.replaced += 1
        self._producer = None
        self._there.clear()
        leaving = asyncio.create_task(producer.end())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        self._making = asyncio.create_task(self._make())

    async def _make(self) -> None:
        while True:
            producer = _Producer(self._cluster, self._patience)
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                log.warning("bus.kafka_away", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._producer = producer
                self._there.set()
                return


def _fill(batch: Any, waiting: Sequence[_Sending]) -> tuple[Any, list[tuple[_Sending, int]]]:
    """As much as goes into a batch, in order, and how far it leads with each."""
    taken: list[tuple[_Sending, int]] = []
    for sending in waiting:
        at = sending.at
        while at < len(sending.values):
            value = sending.values[at]
            if batch.append(key=sending.key, value=value, timestamp=None, headers=STRUCTURED) is None:
                break
            at += 1
        if at > sending.at:
            taken.append((sending, at))
        if at < len(sending.values):
            break
    return batch, taken


def _fail(sendings: Sequence[_Sending], why: str) -> None:
    for sending in sendings:
        if not sending.sent.done():
            sending.sent.set_exception(NotSent(why))
