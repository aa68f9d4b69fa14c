"""What front-ends post straight to Kafka comes in by intake's door, once, and does not stay on Kafka."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.loopback.services import PARTITIONS
from shared.bus.kafka.topics import DEAD
from shared.events import TOPICS
from tests.cluster.house import PATIENCE_SECONDS, Cluster, cluster, until
from tests.installations import in_a_loop
from tests.unit.test_inbound import BINARY, EVENT, LAMP, STRUCTURED

pytestmark = pytest.mark.cluster


async def post(there: Cluster, value: object, headers: dict[str, str]) -> None:
    """As a front-end does that knows nothing of us but the topic."""
    prefix = there.told.settings["THROUGHLINE_TOPIC_PREFIX"]
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    async with AIOKafkaProducer(bootstrap_servers=there.told.kafka) as producer:
        named = [(name, text.encode()) for name, text in headers.items()]
        await producer.send_and_wait(f"{prefix}inbound", raw, headers=named)


async def standing(there: Cluster, topic: str, partitions: int = PARTITIONS) -> list[bytes]:
    """What stands on a topic of ours, from which nothing is deleted."""
    prefix = there.told.settings["THROUGHLINE_TOPIC_PREFIX"]
    every = [TopicPartition(prefix + topic, number) for number in range(partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=there.told.kafka) as consumer:
        consumer.assign(every)
        ends = await consumer.end_offsets(every)
        for one in every:
            consumer.seek(one, 0)
        found: list[bytes] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(found) < sum(ends.values()):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [one.value for one in records]
        return found


async def posted(there: Cluster) -> int:
    """How much that was posted stands on Kafka."""
    name = there.told.settings["THROUGHLINE_TOPIC_PREFIX"] + "inbound"
    every = [TopicPartition(name, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(bootstrap_servers=there.told.kafka) as consumer:
        ends, starts = await consumer.end_offsets(every), await consumer.beginning_offsets(every)
    return int(sum(ends.values()) - sum(starts.values()))


async def outcomes(there: Cluster) -> Counter[str]:
    """What became of what was posted."""
    store: Any = there.house.store
    found = store.database["doc_messages"].find({"f.endpoint": "inbound"})
    return Counter([one["f"]["outcome"] async for one in found])


@in_a_loop
async def test_each_is_a_message_once_what_is_none_waits_for_a_person_and_kafka_keeps_nothing(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url) as there:
        intake = there.running.of["intake"][0].server

        async def so(**expected: int) -> None:
            async def are() -> bool:
                return await outcomes(there) == Counter(expected)

            await until(are, what=f"what was posted became {expected}")

        async def nothing_stands() -> bool:
            return await posted(there) == 0

        await post(there, EVENT, STRUCTURED)
        await post(there, b"\xff no event", {})
        await so(new=1, quarantined=1)
        await until(nothing_stands, what="what was taken is deleted")

        await intake.kill()
        await post(there, LAMP, BINARY)  # the same again, by its source and id
        await post(there, LAMP, {**BINARY, "ce_id": "8"})
        await post(there, {**EVENT, "id": "9", "data": {"text": ""}}, STRUCTURED)
        assert await posted(there) == 3
        await intake.start()
        await so(new=2, quarantined=2)
        await until(nothing_stands, what="what was taken is deleted")
        for topic in TOPICS:
            ours = await standing(there, topic) + await standing(there, topic + DEAD, 1)
            assert not [value for value in ours if LAMP["text"].encode() in value]  # type: ignore[attr-defined]
