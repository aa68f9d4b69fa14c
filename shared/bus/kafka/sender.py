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


class KafkaSender:
    """The one producer of a process, replaced whenever it failed."""

    def __init__(self, cluster: Cluster, *, patience: float = PATIENCE) -> None:
        self._cluster = cluster
        self._patience = patience
        self._lines: dict[tuple[str, int], _Line] = {}
        self._producer: Any = None
        self._there = asyncio.Event()
        self._making: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin; where Kafka is away, what is sent waits for it."""
        self._making = asyncio.create_task(self._make())

    async def stop(self) -> None:
        """End; what was not acknowledged counts as not sent."""
        tasks = [line.task for line in self._lines.values() if line.task is not None]
        tasks += [task for task in (self._making, *self._leaving) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for line in self._lines.values():
            _fail(line.waiting, "it was stopped")
        if self._producer is not None:
            await _end(self._producer, seconds=1.0)

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

    async def _send_some(self, line: _Line, producer: Any) -> None:
        batch, taken = _fill(producer.create_batch(), line.waiting)
        batch.close()
        try:
            await (await producer.send_batch(batch, line.topic, partition=line.partition))
        except (KafkaError, OSError, TimeoutError) as error:
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

    def _replace(self, producer: Any, error: BaseException) -> None:
        if producer is not self._producer:
            return  # another partition's failure was first
        log.warning("bus.producer_replaced", error=f"{type(error).__name__}: {error}")
        self._producer = None
        self._there.clear()
        leaving = asyncio.create_task(_end(producer))  # once it has sent what other partitions gave it
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        self._making = asyncio.create_task(self._make())

    async def _make(self) -> None:
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._cluster.servers,
                acks="all",
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=int(self._patience * 1000),
            )
            try:
                await producer.start()
            except (KafkaError, OSError) as error:
                log.warning("bus.kafka_away", error=f"{type(error).__name__}: {error}")
                await producer.stop()
                await asyncio.sleep(AGAIN_SECONDS)
            except BaseException:
                await producer.stop()
                raise
            else:
                self._producer = producer
                self._there.set()
                return


async def _end(producer: Any, *, seconds: float | None = None) -> None:
    """Let a producer send what it has, and end it; at once after some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
        await producer._sender.close()  # noqa: SLF001  it has no other way not to wait for a broker that is away
        await producer.client.close()
        if isinstance(error, asyncio.CancelledError):
            raise


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
