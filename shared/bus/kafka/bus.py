"""The cluster's bus: Apache Kafka, through FastStream and aiokafka.

What was saved is sent by `Publisher`; each group's part of this process answers what its partitions have.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from faststream.kafka import KafkaBroker

from shared import metrics
from shared.bus import Inlet, Subscription, Tap
from shared.bus.groups import Groups
from shared.bus.kafka.dead import DeadLetters
from shared.bus.kafka.group import KafkaGroup
from shared.bus.kafka.inlet import KafkaInlet
from shared.bus.kafka.sender import PATIENCE, KafkaSender
from shared.bus.kafka.tap import KafkaTap
from shared.bus.kafka.topics import Cluster, ensure
from shared.bus.publisher import NotSent, Publisher
from shared.clock import Clock
from shared.events import Record
from shared.store import HeldBack, Unavailable, Unpublished

_log = logging.getLogger("faststream.kafka")
_log.setLevel(logging.ERROR)  # it tells of every batch twice, and warns that it creates no topics


class ClusterStore(Unpublished, Protocol):
    """What the bus needs of a store."""

    @property
    def held_back(self) -> HeldBack:
        """What groups could not answer."""
        ...

    async def history(self, id: str) -> list[Record]:
        """Every event of one aggregate, in order."""
        ...


class KafkaBus(Groups[KafkaGroup]):
    """All groups of one process, and what it has to send.

    `patience` is how many seconds the producer waits for an acknowledgement; `consumer` are settings of aiokafka's
    consumers, such as `session_timeout_ms`.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: ClusterStore,
        clock: Clock,
        *,
        patience: float = PATIENCE,
        consumer: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.cluster = cluster
        self.sender = KafkaSender(cluster, patience=patience)
        self.publisher = Publisher(store, self.sender, clock)
        self._store = store
        self._clock = clock
        self._consumer = consumer or {}
        self._dead = DeadLetters(cluster, self.sender)
        self._taps: list[KafkaTap] = []
        self._inlets: list[KafkaInlet] = []
        self._broker = KafkaBroker(
            cluster.servers.split(","),
            security=cluster.security,
            consumer_only=True,  # what is sent is sent by KafkaSender
            apply_types=False,
            logger=_log,
        )

    def subscribe(self, group: str, subscriptions: Sequence[Subscription]) -> None:
        one = KafkaGroup(
            group,
            subscriptions,
            cluster=self.cluster,
            held_back=self._store.held_back,
            dead=self._dead,
            clock=self._clock,
        )
        one.part_of(self._broker, **self._consumer)
        self.groups.append(one)

    def tap(self, group: str, tap: Tap) -> None:
        self._taps.append(KafkaTap(group, tap, self.cluster, self._clock))

    def let_in(self, group: str, inlet: Inlet) -> None:
        self._inlets.append(KafkaInlet(group, inlet, self.cluster, self._clock))

    @property
    def _others(self) -> list[KafkaTap | KafkaInlet]:
        return [*self._inlets, *self._taps]

    async def start(self) -> None:
        """Begin. Raises TopicsDiffer, or KafkaError where Kafka is away."""
        await ensure(self.cluster)
        await self.sender.start()
        await self.publisher.start()
        for group in self.groups:
            await group.place()
        await self._broker.start()
        for group in self.groups:
            await group.start()
        for one in self._others:
            await one.start()
        metrics.UNANSWERED.set_function(lambda: sum(group.unanswered() for group in self.groups))

    async def stop(self) -> None:
        for one in self._others:
            await one.stop()
        await asyncio.gather(*(group.stop() for group in self.groups))
        await self._broker.stop()
        await self.publisher.stop()
        await self.sender.stop()

    async def again(self, id: str) -> None:
        """Send all events of an aggregate once more, in order: somebody has not heard of one. Raises Unavailable."""
        records = await self._store.history(id)
        try:
            await self.sender.send(records)
        except NotSent as error:
            raise Unavailable(f"the events of {id} could not be sent again: {error}") from error

    def not_ready(self) -> list[str]:
        """Which groups don't get on, and why. That Kafka is away is no reason to take nothing at the door."""
        parts: list[KafkaGroup | KafkaTap | KafkaInlet] = [*self.groups, *self._others]
        return [f"{one.name}: {reason}" for one in parts if (reason := one.ready()) is not None]

    async def idle(self) -> None:
        while True:
            await self.publisher.idle()
            waits = [not await group.idle() for group in self.groups]
            waits += [not await one.idle() for one in self._others]
            if not any(waits) and not self.publisher.unpublished():
                return
            await asyncio.sleep(0.01)
