"""The cluster's reference: bare consume, transform, produce over Kafka, one bulk upsert a hop. A hop is a process.

`python -m bench.hops KAFKA MONGO FROM TO` serves one hop until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from bench.processes import child

HOPS = 3
"""A message's way: it becomes a case, the case a delivery, and the message is settled."""
PARTITIONS = 8
_BYTES = 1100
"""About what an event of ours has."""
_WAIT_MS = 100

Documents = AsyncCollection[dict[str, object]]


def _topic(number: int) -> str:
    return f"hop-{number}"


async def _serve(kafka: str, mongo: str, source: str, target: str) -> None:
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=kafka,
        group_id=f"bench-{source}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    async with AsyncMongoClient[dict[str, object]](mongo, w="majority", journal=True) as client:
        documents = client["bench"][source]
        await asyncio.gather(consumer.start(), producer.start())
        while True:
            await _hop(consumer, producer, documents, target)


async def _hop(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, documents: Documents, target: str
) -> None:
    taken = await consumer.getmany(timeout_ms=_WAIT_MS)
    records = [record for part in taken.values() for record in part]
    if not records:
        return
    made = [(record.key, orjson.dumps({**orjson.loads(record.value), "by": target})) for record in records]
    await documents.bulk_write(
        [UpdateOne({"_id": key}, {"$set": {"body": value}}, upsert=True) for key, value in made],
        ordered=False,
    )
    sent = [await producer.send(target, value, key=key) for key, value in made]
    await asyncio.gather(*sent)
    await consumer.commit({part: records[-1].offset + 1 for part, records in taken.items()})


async def bare(kafka: str, mongo: str, count: int, work: Path) -> float:
    """Messages/s through all hops, from the first sent until the last one came out."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    topics = [NewTopic(_topic(number), PARTITIONS, 1) for number in range(HOPS + 1)]
    await admin.create_topics(topics)
    await admin.close()
    log = work / "hops.log"
    hops = [
        child("-m", "bench.hops", kafka, mongo, _topic(at), _topic(at + 1), log=log) for at in range(HOPS)
    ]
    last = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, enable_idempotence=True)
    await asyncio.gather(last.start(), producer.start())
    last.assign([TopicPartition(_topic(HOPS), partition) for partition in range(PARTITIONS)])
    await last.seek_to_beginning()
    try:
        with hops[0], hops[1], hops[2]:
            await _through(producer, last, range(PARTITIONS))  # all hops have begun
            return await _through(producer, last, range(count))
    finally:
        await asyncio.gather(last.stop(), producer.stop())


async def _through(producer: AIOKafkaProducer, last: AIOKafkaConsumer, numbers: range) -> float:
    loop = asyncio.get_running_loop()
    values = [(b"%d/%d" % (len(numbers), number), orjson.dumps({"text": "x" * _BYTES})) for number in numbers]
    began = loop.time()
    sent = [await producer.send(_topic(0), value, key=key) for key, value in values]
    came = 0
    while came < len(numbers):
        came += sum(map(len, (await last.getmany(timeout_ms=_WAIT_MS)).values()))
    ended = loop.time()
    await asyncio.gather(*sent)
    return len(numbers) / (ended - began)


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:]))
