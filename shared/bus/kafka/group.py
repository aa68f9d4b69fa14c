"""One group on Kafka: takes what its partitions have, commits what is answered, and stops rather than skip.

FastStream's batch subscriber polls; positions are ours: nothing is committed but by `commit`, per partition up to the
lowest event still open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared import metrics
from shared.bus import Subscription
from shared.bus.answering import AWAY_SECONDS, Answering
from shared.bus.kafka.dead import DeadLetters
from shared.bus.kafka.topics import Cluster
from shared.bus.progress import Progress
from shared.bus.standstill import Stand, Standstill
from shared.bus.tasks import end
from shared.clock import Clock
from shared.events import Record
from shared.store import HeldBack, Unavailable

log = structlog.get_logger()

BATCH = 500
POLL_MS = 50
COMMIT_EVERY = 0.2
"""Seconds between two commits of how far the group is; what lies between is answered again after a crash."""
BEYOND_LOOKS = 6
"""Looks in a row at which a position lies past the end before that is believed: a broker that comes back after it was
killed says an old end for a moment."""
LOOK_EVERY = 5.0
"""Seconds between two looks at whether what was not yet answered is still there, and gets less."""
PAUSE_AFTER = 30.0
"""Seconds without room after which partitions are paused; the group would lose a member that does not poll."""
FINISH_SECONDS = 10.0
"""How long what is under way may take when partitions go to another; what takes longer is answered again there."""


class KafkaGroup(ConsumerRebalanceListener):  # type: ignore[misc]
    """One process's part of a group."""

    def __init__(
        self,
        name: str,
        subscriptions: Sequence[Subscription],
        *,
        cluster: Cluster,
        held_back: HeldBack,
        dead: DeadLetters,
        clock: Clock,
    ) -> None:
        self.name = name
        self.answering = Answering(name, subscriptions, held_back, partial(dead.poison, name))
        self.stopped: str | None = None
        """Why it takes nothing any more."""
        self.standstill = Standstill(clock)
        self._beyond = 0  # looks in a row at which some position lay past the end
        self.joined = asyncio.Event()
        self._cluster = cluster
        self._dead = dead
        self._clock = clock
        self._progress: dict[TopicPartition, Progress] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._assignment = 0
        """Counts assignments: what was fetched under another one is not this one's to answer."""
        self._knows_held = False
        self.paused = False
        """Whether it polls without taking anything, for want of room."""
        self._subscriber: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: asyncio.Task[None] | None = None

    def part_of(self, broker: KafkaBroker, **consumer: Any) -> None:
        """Subscribe at a broker that is yet to be started."""
        self._subscriber = broker.subscriber(
            *(self._cluster.named(topic) for topic in self.answering.topics),
            batch=True,
            group_id=self._cluster.named(self.name),
            auto_offset_reset="none",
            ack_policy=AckPolicy.MANUAL,
            isolation_level="read_committed",
            batch_timeout_ms=POLL_MS,
            max_records=BATCH,
            parser=_clean,
            decoder=_raw,
            no_reply=True,
            listener=self,
            **consumer,
        )
        self._subscriber(self.take)

    @property
    def _consumer(self) -> Any:
        return self._subscriber.consumer

    async def place(self) -> None:
        """Begin a group that is new to a partition at the start of it. Raises KafkaError."""
        consumer = AIOKafkaConsumer(
            **self._cluster.client,
            group_id=self._cluster.named(self.name),
            enable_auto_commit=False,
        )
        async with consumer:
            partitions = [
                TopicPartition(self._cluster.named(topic), number)
                for topic in self.answering.topics
                for number in range(self._cluster.partitions_of(topic))
            ]
            consumer.assign(partitions)
            new = [one for one in partitions if await consumer.committed(one) is None]
            if not new:
                return
            starts = await consumer.beginning_offsets(new)
            if late := sorted(f"{one.topic}/{one.partition}" for one, start in starts.items() if start):
                log.warning("bus.begins_late", group=self.name, partitions=late)
            try:
                await consumer.commit(starts)
            except KafkaError as error:  # the group is at work: who is dealt a new partition places it
                log.info("bus.not_placed", group=self.name, error=f"{type(error).__name__}: {error}")

    async def start(self) -> None:
        """What goes on beside taking, once the broker is started."""
        metrics.OLDEST.labels(self.name).set_function(self.oldest_seconds)
        metrics.HELD_KEYS.labels(self.name).set_function(self.answering.holding)
        metrics.STOPPED.labels(self.name).set_function(lambda: int(self.stopped is not None))
        metrics.STILL.labels(self.name).set_function(self.standstill.seconds)
        self._tasks = [asyncio.create_task(self._commit_often()), asyncio.create_task(self._look_often())]

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, commit, and leave the group."""
        await end(self._tasks)
        if self._ending is not None:
            await self._ending
        await self._leave()

    async def _leave(self) -> None:
        await self._let_go()
        await self._subscriber.stop()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """These are ours from here on; where they were left, Kafka knows, and what is held back, the store."""
        self._assignment += 1
        self._knows_held = False
        await self._place_new(assigned)
        self.joined.set()
        log.info("bus.assigned", group=self.name, partitions=len(assigned))

    async def _place_new(self, partitions: Iterable[TopicPartition]) -> None:
        """Begin what is new to a group at work at its start, such as a topic that it hears since an upgrade."""
        consumer = self._consumer
        new = [one for one in partitions if await consumer.committed(one) is None]
        if not new:
            return
        starts = await consumer.beginning_offsets(new)
        for partition, start in starts.items():
            consumer.seek(partition, start)
        await consumer.commit(starts)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """All partitions are dealt anew: finish or give up what is under way, and say how far it was."""
        self.joined.clear()
        await self._let_go()

    async def _let_go(self) -> None:
        self._assignment += 1
        await self.answering.finish(FINISH_SECONDS)
        await self.commit()
        self._progress.clear()
        self._committed.clear()
        self.standstill.saw([])  # whoever has them next looks for themselves

    async def take(self, fetched: list[ConsumerRecord]) -> None:
        """Take up what was fetched, in order, as there is room for it."""
        assignment = self._assignment
        await self._learn_held(assignment)
        for at, one in enumerate(fetched):
            if self.answering.full and not await self._room(fetched[at:], assignment):
                return
            if assignment != self._assignment:
                return
            self._take(one)

    async def _learn_held(self, assignment: int) -> None:
        while not self._knows_held and assignment == self._assignment:
            try:
                await self.answering.read_held()
                self._knows_held = True
            except Unavailable as error:
                log.warning("bus.store_away", group=self.name, error=str(error))
                await asyncio.sleep(AWAY_SECONDS)

    async def _room(self, left: Sequence[ConsumerRecord], assignment: int) -> bool:
        """Wait until there is room. Where that takes long, put back what is left and poll on, taking nothing."""
        try:
            await asyncio.wait_for(self.answering.room(), PAUSE_AFTER)
        except TimeoutError:
            if assignment == self._assignment:
                self._pause(left, assignment)
            return False
        return True

    def _pause(self, left: Sequence[ConsumerRecord], assignment: int) -> None:
        log.warning("bus.paused", group=self.name, under_way="as much as may be")
        consumer = self._consumer
        for one in reversed(left):  # the first of each partition comes last
            consumer.seek(TopicPartition(one.topic, one.partition), one.offset)
        paused = consumer.assignment()
        consumer.pause(*paused)
        self.paused = True

        async def resume() -> None:
            await self.answering.room()
            self.paused = False
            if assignment == self._assignment:
                consumer.resume(*paused)
                log.info("bus.resumed", group=self.name)

        self._tasks = [*(task for task in self._tasks if not task.done()), asyncio.create_task(resume())]

    def _take(self, one: ConsumerRecord) -> None:
        partition = TopicPartition(one.topic, one.partition)
        progress = self._progress.get(partition)
        if progress is None:
            progress = self._progress[partition] = Progress(one.offset)
            self._committed[partition] = one.offset
        topic = self._cluster.plain(one.topic)
        try:
            record = Record.read(topic, one.value or b"")
        except ValueError:
            progress.take(one.offset, self._clock.now(), topic)
            key = f"{topic}/{one.partition}/{one.offset}"
            self.answering.in_turn(key, partial(self._bury, topic, one, progress))
            return
        if not self.answering.hears(record):
            progress.passed(one.offset)
            return
        progress.take(one.offset, record.time, topic)
        self.answering.take(record, partial(progress.done, one.offset))

    async def _bury(self, topic: str, one: ConsumerRecord, progress: Progress) -> None:
        log.error("bus.no_event", group=self.name, topic=topic, partition=one.partition, offset=one.offset)
        await self._dead.foreign(self.name, topic, one.partition, one.offset)
        progress.done(one.offset)

    async def _commit_often(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY)
            await self.commit()

    async def commit(self) -> None:
        """Say how far each partition is answered, where that has changed."""
        moved = {
            partition: progress.answered
            for partition, progress in self._progress.items()
            if progress.answered != self._committed[partition]
        }
        if not moved or self._consumer is None:
            return
        try:
            await self._consumer.commit(moved)
        except (KafkaError, IllegalStateError) as error:  # another has them, and answers again what it must
            log.warning("bus.not_committed", group=self.name, error=f"{type(error).__name__}: {error}")
            return
        for partition, position in moved.items():
            if partition in self._committed:
                self._committed[partition] = position

    async def _look_often(self) -> None:
        while self.stopped is None:
            try:
                await self._look()
            except (KafkaError, IllegalStateError) as error:
                log.warning("bus.not_looked", group=self.name, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self) -> None:
        """Stop where what is to be answered next is gone: to go on would be to skip it silently. See what gets on."""
        await self.joined.wait()
        consumer, assignment = self._consumer, self._assignment
        partitions = sorted(consumer.assignment())
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        beyond, stands = False, []
        for partition in partitions:
            position = await self._position(partition)
            if assignment != self._assignment:
                return
            if position is None:
                await self._place_new([partition])
                return
            if position > ends[partition]:
                beyond = True
                if self._beyond + 1 < BEYOND_LOOKS:
                    continue
            if not starts[partition] <= position <= ends[partition]:
                self._stop(
                    f"{partition.topic}/{partition.partition} is to be answered from {position} on, and Kafka has only"
                    f" {starts[partition]} to {ends[partition]}"
                )
                return
            stream = f"{self._cluster.plain(partition.topic)}/{partition.partition}"
            stands.append(Stand(stream, position, ends[partition] - position))
        self._beyond = self._beyond + 1 if beyond else 0
        self.standstill.saw(stands)

    async def _position(self, partition: TopicPartition) -> int | None:
        progress = self._progress.get(partition)
        if progress is not None:
            return progress.answered
        committed: int | None = await self._consumer.committed(partition)
        return committed

    def _stop(self, reason: str) -> None:
        self.stopped = reason
        log.error("bus.group_stopped", group=self.name, reason=reason)
        self._ending = asyncio.create_task(self._leave())

    def ready(self) -> str | None:
        """Why it does not get on, or None where it does."""
        if self.stopped is not None:
            return f"it has stopped: {self.stopped}"
        return self.standstill.reason() if self.joined.is_set() else "it waits for its partitions"

    def oldest_seconds(self) -> float:
        """Age of the oldest event not yet answered."""
        oldest = [at for progress in self._progress.values() if (at := progress.oldest()) is not None]
        return max(0.0, (self._clock.now() - min(oldest)).total_seconds()) if oldest else 0.0

    def unanswered(self) -> int:
        """How many events of its partitions are still to be answered, as far as it has heard."""
        consumer = None if self._subscriber is None else self._consumer
        if consumer is None:
            return 0
        return sum(
            max(0, (_highwater(consumer, partition) or progress.next) - progress.answered)
            for partition, progress in self._progress.items()
        )

    async def idle(self) -> bool:
        """Wait for what is under way; answers whether it had nothing to wait for."""
        if self.stopped is not None:
            return True
        await self.joined.wait()
        assignment = self._assignment
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        for partition, last in ends.items():
            position = await self._position(partition)
            if position is None or position < last:
                await self.answering.moved(0.05)
                return False
        return assignment == self._assignment


async def _clean(fetched: tuple[ConsumerRecord, ...], parse: Callable[..., Any]) -> Any:
    """Headers are nothing to us, and one that is no text would make FastStream drop the whole batch."""
    return await parse(tuple(replace(one, headers=()) for one in fetched))


async def _raw(message: Any) -> list[ConsumerRecord]:
    return list(message.raw_message)


def _highwater(consumer: Any, partition: TopicPartition) -> int | None:
    try:
        highwater: int | None = consumer.highwater(partition)
    except (AssertionError, IllegalStateError):  # it is another's by now
        return None
    return highwater
