"""A position of `inbound` is never committed over something that is still being taken."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from pydantic import BaseModel

from shared.bus import Inlet, Posted
from shared.bus.kafka import Cluster, inlet
from shared.bus.kafka.inlet import KafkaInlet
from shared.clock import SimulatedClock
from tests.installations import WEDNESDAY, in_a_loop

ONE, OTHER = TopicPartition("inbound", 0), TopicPartition("inbound", 1)


class Consumer:
    """Has one record in each of two partitions, and can't commit in one of them."""

    def __init__(self) -> None:
        self.fetches = 0
        self.again = asyncio.Event()
        self.committed: list[TopicPartition] = []

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        self.fetches += 1
        if self.fetches > 1:
            self.again.set()
            await asyncio.Event().wait()
        return {one: [SimpleNamespace(value=b"x", headers=(), offset=0)] for one in (ONE, OTHER)}

    async def commit(self, positions: dict[TopicPartition, int]) -> None:
        if ONE in positions:
            raise KafkaError("dealt anew")
        self.committed += positions


@in_a_loop
async def test_nothing_more_is_fetched_before_all_that_was_has_been_taken(monkeypatch: Any) -> None:
    monkeypatch.setattr(inlet, "AWAY_SECONDS", 0)
    may, refused = asyncio.Event(), asyncio.Event()

    async def take(posted: Posted) -> None:
        if posted.where == "inbound/1/0":
            await may.wait()
        else:
            refused.set()

    part = KafkaInlet(
        "intake",
        Inlet(take, BaseModel),
        Cluster("nowhere:1", prefix="", partitions=2, replication=1),
        SimulatedClock(WEDNESDAY),
    )
    consumer = Consumer()
    part._consumer, part._taken = consumer, {ONE: 0, OTHER: 0}
    running = asyncio.create_task(part._run())
    await refused.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert consumer.fetches == 1
    may.set()
    await consumer.again.wait()
    assert consumer.committed == [OTHER]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
