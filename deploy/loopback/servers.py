"""What each server is started with, and how it is asked whether it is there."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from deploy.loopback.fetch import KAFKA, MONGO, Missing, jars, java
from deploy.loopback.process import Server, ports

_MONGO_WIRE = Path(__file__).with_name("MongoWire.java")
_QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")

_KAFKA_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
"""


@asynccontextmanager
async def kafka(directory: Path) -> AsyncIterator[Server]:
    """One broker of Apache Kafka (KRaft) with its data in `directory`. Raises Missing or NotStarted."""
    path = f"{await asyncio.to_thread(jars, KAFKA)}/*"
    at = ports(directory, ("broker", "controller"))
    properties, data = directory / "server.properties", directory / "data"
    properties.write_text(_KAFKA_PROPERTIES.format(**at, data=data))
    if not (data / "meta.properties").exists():
        await _format(path, properties)
    server = Server(
        "Kafka",
        f"127.0.0.1:{at['broker']}",
        log=directory / "server.log",
        command=(java(), "-Xmx512m", "-cp", path, "kafka.Kafka", str(properties)),
        answers=_kafka_answers,
    )
    async with running(server):
        yield server


async def _format(path: str, properties: Path) -> None:
    made = await asyncio.create_subprocess_exec(
        *(java(), "-Xmx128m", "-cp", path, "kafka.tools.StorageTool", "format", "--standalone"),
        *("--cluster-id", uuid.uuid4().hex, "--config", str(properties)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await made.communicate()
    if made.returncode:
        raise Missing(f"Kafka's storage can't be formatted: {said.decode(errors='replace')[-2000:]}")


async def listens(address: str) -> bool:
    """Asked before a client is: where nobody listens Kafka's logs errors and MongoDB's leaves sockets open."""
    host, port = address.split(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _kafka_answers(address: str) -> bool:
    if not await listens(address):
        return False
    client = AIOKafkaClient(bootstrap_servers=address)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


@asynccontextmanager
async def mongo(directory: Path) -> AsyncIterator[Server]:
    """A server of MongoDB's protocol with its data in `directory`, or the real one of `THROUGHLINE_TEST_MONGO_URL`.

    Raises Missing or NotStarted.
    """
    given = os.environ.get("THROUGHLINE_TEST_MONGO_URL")
    if given:
        server = Server("MongoDB", given, answers=_mongo_pings)
    else:
        path = f"{await asyncio.to_thread(jars, MONGO)}/*"
        port = ports(directory, ("mongo",))["mongo"]
        server = Server(
            "the Mongo-wire server",
            f"mongodb://127.0.0.1:{port}",
            log=directory / "server.log",
            command=(
                java(),
                "-Xmx512m",
                *_QUIET,
                "-cp",
                path,
                str(_MONGO_WIRE),
                str(directory / "data.mv"),
                str(port),
            ),
            answers=_mongo_answers,
        )
    async with running(server):
        yield server


async def _mongo_answers(address: str) -> bool:
    if not await listens(address.removeprefix("mongodb://")):
        return False
    return await _mongo_pings(address)


async def _mongo_pings(address: str) -> bool:
    async with AsyncMongoClient[dict[str, object]](address, serverSelectionTimeoutMS=500) as client:
        try:
            await client.admin.command("ping")
        except PyMongoError:
            return False
        return True


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
