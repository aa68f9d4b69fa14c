"""`inbound`: what other programs post is taken by a door, durably, and then deleted from Kafka.

It is not one of our topics: no group hears it and the trail does not have it, because what people say stands on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import IllegalStateError, KafkaError, OffsetOutOfRangeError

from shared import metrics
from shared.bus import Inlet, Posted
from shared.bus.answering import AWAY_SECONDS
from shared.bus.kafka.group import LOOK_EVERY
from shared.bus.kafka.topics import INBOUND, Cluster
from shared.bus.standstill import Stand, Standstill
from shared.bus.tasks import end
from shared.clock import Clock
from shared.store import StoreError

log = structlog.get_logger()

BATCH = 100
POLL_MS = 100
DELETE_EVERY = 1.0
"""Seconds between two deletions of what was taken."""
_DELETE_MS = 10_000


class KafkaInlet(ConsumerRebalanceListener):  # type: ignore[misc]
    """One process's part of taking in. A position is committed once what stands below it is durable elsewhere."""

    def __init__(self, group: str, inlet: Inlet, cluster: Cluster, clock: Clock) -> None:
        self.name = f"{group}.{INBOUND}"
        self.standstill = Standstill(clock)
        self.joined = asyncio.Event()
        self._inlet = inlet
        self._cluster = cluster
        self._taken: dict[TopicPartition, int] = {}
        self._deleted: dict[TopicPartition, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._consumer: Any = None
        self._admin: Any = None

    async def start(self) -> None:
        """Begin where it was. Raises KafkaError."""
        self._admin = AIOKafkaAdminClient(**self._cluster.client)
        await self._admin.start()
        self._consumer = AIOKafkaConsumer(
            **self._cluster.client,
            group_id=self._cluster.named(self.name),
            auto_offset_reset="none",
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        self._consumer.subscribe([self._cluster.named(INBOUND)], listener=self)
        await self._consumer.start()
        metrics.STILL.labels(self.name).set_function(self.standstill.seconds)
        runs = (self._run(), self._delete_often(), self._look_often())
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def stop(self) -> None:
        """Take nothing more."""
        await end(self._tasks)
        if self._consumer is not None:
            await self._consumer.stop()
        if self._admin is not None:
            await self._admin.close()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """These are ours from here on."""
        await self._place(assigned)
        self.joined.set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Others take them; what is under way here is committed by nobody, and found to be there already."""
        self.joined.clear()
        self._taken.clear()
        self._deleted.clear()
        self.standstill.saw([])

    async def _place(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on where it was left, or at the start of what is there: what is gone was not taken, and is said."""
        starts = await self._consumer.beginning_offsets(list(partitions))
        for partition, start in starts.items():
            committed = await self._consumer.committed(partition)
            position = start if committed is None else max(start, committed)
            if committed is not None and committed < start:
                metrics.INBOUND_GONE.inc(start - committed)
                log.error(
                    "bus.inbound_gone", partition=partition.partition, first=committed, gone=start - committed
                )
            if committed != position:
                await self._consumer.commit({partition: position})
            self._consumer.seek(partition, position)
            self._taken[partition], self._deleted[partition] = position, start

    async def _run(self) -> None:
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
                # All of them to their end: else what is fetched next is committed over what is still being taken.
                taken = await asyncio.gather(
                    *(self._take_all(*one) for one in fetched.items()), return_exceptions=True
                )
                for failure in filter(None, taken):
                    raise failure
            except OffsetOutOfRangeError:
                await self._place(self._consumer.assignment())
            except (KafkaError, IllegalStateError) as error:
                log.warning("bus.kafka_away", group=self.name, error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(AWAY_SECONDS)

    async def _take_all(self, partition: TopicPartition, records: list[ConsumerRecord]) -> None:
        for one in records:
            if partition not in self._taken:
                return  # another has it by now
            await self._take(partition, one)
        position = records[-1].offset + 1
        await self._consumer.commit({partition: position})
        if partition in self._taken:
            self._taken[partition] = position

    async def _take(self, partition: TopicPartition, one: ConsumerRecord) -> None:
        where = f"{INBOUND}/{partition.partition}/{one.offset}"
        posted = Posted(one.value or b"", _texts(one.headers), where)
        while True:
            try:
                await self._inlet.take(posted)
            except StoreError as error:
                log.warning("bus.store_away", group=self.name, where=where, error=str(error))
            except Exception:
                log.exception("bus.not_let_in", group=self.name, where=where)
            else:
                return
            await asyncio.sleep(AWAY_SECONDS)

    async def _delete_often(self) -> None:
        while True:
            await asyncio.sleep(DELETE_EVERY)
            left = {one: to for one, to in self._taken.items() if to > self._deleted[one]}
            if not left:
                continue
            try:
                wanted = {one: RecordsToDelete(before_offset=to) for one, to in left.items()}
                await self._admin.delete_records(wanted, timeout_ms=_DELETE_MS)
            except (KafkaError, OSError) as error:
                log.warning("bus.inbound_not_deleted", error=f"{type(error).__name__}: {error}")
                continue
            self._deleted.update({one: to for one, to in left.items() if one in self._deleted})

    async def _look_often(self) -> None:
        while True:
            self.standstill.saw(
                Stand(f"{INBOUND}/{one.partition}", taken, (self._consumer.highwater(one) or taken) - taken)
                for one, taken in self._taken.items()
                if one in self._consumer.assignment()
            )
            await asyncio.sleep(LOOK_EVERY)

    def ready(self) -> str | None:
        """Why it does not get on, or None where it does."""
        return self.standstill.reason() if self.joined.is_set() else "it waits for its partitions"

    async def idle(self) -> bool:
        """Whether everything is taken."""
        await self.joined.wait()
        ends = await self._consumer.end_offsets(list(self._taken))
        return all(self._taken.get(partition, -1) >= last for partition, last in ends.items())


def _texts(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    found = {}
    for name, value in headers:
        try:
            found[name.lower()] = (value or b"").decode()
        except UnicodeDecodeError:
            continue
    return found
