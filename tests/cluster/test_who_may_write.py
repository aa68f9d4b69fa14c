"""Each service signs in to a real Kafka and does what it must under the rules handed to operators, and no more."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.loopback.guarded import Guarded, guarded
from shared.bus.kafka import Cluster
from shared.settings import Settings
from tests.cluster.house import PASSWORD, cluster, until
from tests.installations import in_a_loop
from tests.servers import here

pytestmark = pytest.mark.cluster

NOT_THEIRS = {
    "intake": ["cases", "organisation", "deliveries", "findings", "messages.dead"],
    "routing": ["messages", "deliveries", "findings"],
    "notify": ["messages", "cases", "organisation"],
    "audit": ["messages", "cases", "deliveries", "messages.dead"],
}


@asynccontextmanager
async def a_guarded_kafka(directory: Path) -> AsyncIterator[Guarded]:
    """With its topics, and everybody permitted what the rules say."""
    async with here(guarded, directory):
        one = Guarded(directory)
        made = await asyncio.to_thread(throughline, one, "topics", "create")
        assert made.returncode == 0, made.stderr
        await asyncio.to_thread(one.permit)
        yield one


def throughline(
    one: Guarded, *arguments: str, user: str = "admin", **changed: str
) -> subprocess.CompletedProcess[str]:
    """A command of an operator's, signed in; `changed` are further settings."""
    told = {
        "THROUGHLINE_KAFKA_SERVERS": one.address,
        "THROUGHLINE_TOPIC_PARTITIONS": "8",
        "THROUGHLINE_TOPIC_REPLICATION": "1",
        **one.as_user(user),
        **{f"THROUGHLINE_{name.upper()}": value for name, value in changed.items()},
    }
    return subprocess.run(
        [sys.executable, "-m", "services", *arguments], env=told, capture_output=True, text=True, check=False
    )


def client(one: Guarded, user: str, **changed: str) -> dict[str, object]:
    settings = {name.removeprefix("THROUGHLINE_").lower(): value for name, value in one.as_user(user).items()}
    return Cluster.told(Settings(kafka_servers=one.address, **(settings | changed))).client  # type: ignore[arg-type]


async def write(one: Guarded, user: str, topic: str) -> None:
    producer = AIOKafkaProducer(**client(one, user), enable_idempotence=True, acks="all")
    async with producer:
        await producer.send_and_wait(topic, b"{}", key=b"k", partition=0)


async def read(told: dict[str, object], topic: str) -> bytes:
    """The first event of a topic's first partition."""
    consumer = AIOKafkaConsumer(**told, auto_offset_reset="earliest")
    try:
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        found: bytes = (await asyncio.wait_for(consumer.getone(), 20)).value
        return found
    finally:
        await consumer.stop()


async def position(told: dict[str, object], topic: str, *, of: str) -> object:
    """How far a group is."""
    async with AIOKafkaConsumer(**told, group_id=of) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return await consumer.committed(TopicPartition(topic, 0))


async def count(one: Guarded, topic: str) -> int:
    """How many events stand there."""
    async with AIOKafkaConsumer(**client(one, "admin")) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(8)]
        return sum((await consumer.end_offsets(partitions)).values())


@in_a_loop
async def test_a_message_goes_its_whole_way_while_each_service_may_do_only_what_it_must(
    tmp_path: Path, mongo_url: str
) -> None:
    async with a_guarded_kafka(tmp_path / "kafka") as kafka:
        signed_in = {user: kafka.as_user(user) for user in NOT_THEIRS}
        unprefixed = {"THROUGHLINE_TOPIC_PREFIX": ""}
        directory = tmp_path / "services"
        async with cluster(directory, kafka.address, mongo_url, settings=unprefixed, each=signed_in) as there:
            said = await there.write(text="路燈不亮", sender={"email": "wang@citizen.example"})
            assert (await there.case_of(said["message_id"]))[1] == "new"

            async def proved() -> bool:
                return (await there.client.get(f"/v1/proofs/{said['message_id']}")).status_code == 200

            async def delivered() -> bool:
                return bool(there.sink.mails)

            await until(proved, what="it is proved")
            await until(delivered, what="its acknowledgement is delivered")
            before = await count(kafka, "organisation")
            await there.people.create(
                "housing-officer-1", PASSWORD
            )  # by a command: a service finds what it left

            async def published() -> bool:
                return await count(kafka, "organisation") > before

            await until(published, what="the account's event is published, by who may")
        logs = "".join(path.read_text() for path in directory.glob("*/service.log"))
        assert "runner.started" in logs
        assert "Authorization" not in logs

        for user, topics in NOT_THEIRS.items():
            for topic in topics:
                with pytest.raises(TopicAuthorizationFailedError):
                    await write(kafka, user, topic)


@in_a_loop
async def test_who_is_not_known_or_not_permitted_is_refused(tmp_path: Path) -> None:
    async with a_guarded_kafka(tmp_path) as kafka:
        await write(kafka, "intake", "messages")
        assert await count(kafka, "messages") == 1

        unsigned = {"bootstrap_servers": kafka.address, "request_timeout_ms": 2000}
        for stranger in (
            client(kafka, "intake", kafka_password="guessed"),
            client(kafka, "intake", kafka_user="stranger"),
            unsigned,
        ):
            with pytest.raises(KafkaError, match="bootstrap"):
                await read(stranger, "messages")
        assert await read(client(kafka, "routing"), "messages") == b"{}"
        with pytest.raises(TopicAuthorizationFailedError):
            await read(client(kafka, "intake"), "messages")  # it may write it, and has no business reading it
        with pytest.raises(GroupAuthorizationFailedError):
            await position(client(kafka, "notify"), "cases", of="intake")

        admin = AIOKafkaAdminClient(**client(kafka, "routing"))
        await admin.start()
        answer = await admin.create_topics([NewTopic("cases2", 1, 1)])
        await admin.close()
        assert [code for _, code, _ in answer.topic_errors] == [TopicAuthorizationFailedError.errno]
        looked = await asyncio.to_thread(throughline, kafka, "topics", "create", user="audit")
        assert looked.returncode == 0, looked.stderr  # all is there, and it may look


def signed(directory: Path) -> Path:
    """A broker's certificate for loopback, its key, and who signed it."""
    directory.mkdir()
    authority, broker = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name.from_rfc4514_string("CN=authority")
    now = datetime.now(UTC)

    def certificate(key: ec.EllipticCurvePrivateKey, name: x509.Name, ca: bool) -> bytes:
        made = (
            x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
            )
        )
        return made.sign(authority, SHA256()).public_bytes(Encoding.PEM)

    own = broker.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    name = x509.Name.from_rfc4514_string("CN=broker")
    (directory / "broker.pem").write_bytes(own + certificate(broker, name, ca=False))
    (directory / "ca.pem").write_bytes(certificate(authority, issuer, ca=True))
    return directory


@in_a_loop
async def test_by_tls_a_broker_is_known_by_who_signed_it_and_who_is_turned_away_is_told_by_what_they_came(
    tmp_path: Path,
) -> None:
    certificates, strangers = signed(tmp_path / "certificates"), signed(tmp_path / "strangers")
    async with here(partial(guarded, certificates=certificates), tmp_path / "kafka"):
        one = Guarded(tmp_path / "kafka")

        async def create(authority: Path, **changed: str) -> tuple[int, str]:
            told = {"kafka_security": "SASL_SSL", "kafka_ca": str(authority / "ca.pem"), **changed}
            ran = await asyncio.to_thread(throughline, one, "topics", "create", **told)
            return ran.returncode, ran.stdout + ran.stderr

        code, said = await create(certificates)
        assert (code, "messages.dead" in said) == (0, True), said
        code, said = await create(certificates, kafka_password="guessed")
        assert code == 1
        assert "as admin (THROUGHLINE_KAFKA_USER and its password) by SASL_SSL" in said
        code, said = await create(strangers)
        assert code == 1
        assert "THROUGHLINE_KAFKA_CA" in said
