"""The servers that the cluster is tested on: they come up, and what they acknowledged is there after kill -9."""

from __future__ import annotations

import asyncio
import functools
import itertools
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import ConnectionFailure

from deploy.loopback import Missing, NotStarted, fetch, kafka, mongo
from deploy.loopback.process import Server as Process
from tests.installations import in_a_loop
from tests.servers import here

pytestmark = pytest.mark.cluster


async def send(address: str, values: Sequence[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True) as producer:
        await asyncio.gather(*[await producer.send("lamps", value) for value in values])


async def read(address: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="none") as consumer:
        partition = TopicPartition("lamps", 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        return [(await consumer.getone()).value for _ in range(count)]


@in_a_loop
async def test_kafka_keeps_what_it_acknowledged_over_kill_and_restart(tmp_path: Path) -> None:
    async with here(kafka, tmp_path) as server:
        admin = AIOKafkaAdminClient(bootstrap_servers=server.address)
        await admin.start()
        await admin.create_topics([NewTopic("lamps", num_partitions=1, replication_factor=1)])
        await admin.close()
        before = [b"before %d" % number for number in range(200)]
        await send(server.address, before)
        address, pid = server.address, server.pid
        await server.kill()
        await server.start()
        assert (server.address, server.pid != pid) == (address, True)
        await send(address, [b"after"])
        await server.stop()
        await server.start()
        assert await read(address, 201) == [*before, b"after"]


def write_until_it_dies(address: str, writer: int, written: list[str], enough: Callable[[], object]) -> None:
    """What was acknowledged stands in `written`."""
    with MongoClient[dict[str, Any]](address, w="majority", journal=True) as client:
        for number in itertools.count():
            id = f"{writer}-{number}"
            try:
                client.lamps.things.insert_one({"_id": id, "body": bytes(1000)})
            except ConnectionFailure:
                return
            written.append(id)
            if len(written) >= 500:
                enough()


@in_a_loop
async def test_the_store_keeps_what_it_acknowledged_over_kill_and_restart(tmp_path: Path) -> None:
    async with here(mongo, tmp_path) as server:
        if not server.ours:
            pytest.skip("a MongoDB that was there already is not ours to kill")
        written: list[str] = []
        enough = asyncio.Event()
        told = functools.partial(asyncio.get_running_loop().call_soon_threadsafe, enough.set)
        writing = asyncio.gather(
            *(asyncio.to_thread(write_until_it_dies, server.address, n, written, told) for n in range(6))
        )
        await enough.wait()
        await server.kill()
        await writing
        await server.start()
        async with AsyncMongoClient[dict[str, Any]](server.address) as client:
            there = {one["_id"] async for one in client.lamps.things.find({})}
        assert set(written) - there == set()
        assert len(there - set(written)) <= 6  # written, and not yet acknowledged


@in_a_loop
async def test_the_store_answers_under_its_address(tmp_path: Path) -> None:
    async with here(mongo, tmp_path) as server:
        database = f"test_{secrets.token_hex(4)}"
        async with AsyncMongoClient[dict[str, Any]](server.address) as client:
            await client[database].things.insert_one({"_id": "lamp", "lit": False})
            assert await client[database].things.find_one({"_id": "lamp"}) == {"_id": "lamp", "lit": False}
            await client.drop_database(database)


@in_a_loop
async def test_a_server_that_ends_says_what_its_log_says(tmp_path: Path) -> None:
    async def never(_: str) -> bool:
        return False

    command = ("sh", "-c", "echo no room on this disk; exit 3")
    server = Process("a server", "nowhere", log=tmp_path / "log", command=command, answers=never)
    with pytest.raises(NotStarted, match=r"a server ended with 3(.|\n)*no room on this disk"):
        await server.start()


def test_without_java_or_maven_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("THROUGHLINE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(Missing, match="install a JDK"):
        fetch.java()
    with pytest.raises(Missing, match=r"install Maven \(mvn\)"):
        fetch.jars(fetch.MONGO)
