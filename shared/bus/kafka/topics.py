"""The topics: how each is set up, created where it is missing, and checked where it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity

from shared.bus.kafka.security import security
from shared.events import TOPICS
from shared.settings import Settings

log = structlog.get_logger()

DEAD = ".dead"
"""What ends the name of the topic with references to what could not be answered."""
INBOUND = "inbound"
"""The topic to which other programs post: what people say stands on it, until it is taken."""
_DEAD_KEPT = timedelta(days=90)
_POSTED_KEPT = timedelta(hours=24)
_FOREVER = "-1"
_ALREADY_THERE = 36
_LOOK_AGAIN = 0.1
_PATIENCE = 30.0


Away = KafkaError
"""What is raised where the brokers do not answer, or refuse who asks."""


class TopicsDiffer(RuntimeError):
    """Topics are not as they must be. Says which, what is, what should be, and what to do."""


@dataclass(frozen=True)
class Cluster:
    """Where Kafka is, and how this installation's topics are set up in it.

    The number of partitions is fixed when the topics are created: with another a key's next events would go elsewhere.
    """

    servers: str
    prefix: str = ""
    partitions: int = 12
    replication: int = 3
    kept: timedelta | None = None
    """How long events are kept; None keeps them, so that a new group hears everything."""
    security: BaseSecurity | None = field(default=None, repr=False)
    """How its clients come to it; None is in the clear."""

    @classmethod
    def told(cls, settings: Settings) -> Self:
        """As the settings say. Raises NotTold where they do not go together."""
        return cls(
            settings.kafka_servers,
            prefix=settings.topic_prefix,
            partitions=settings.topic_partitions,
            replication=settings.topic_replication,
            security=security(settings),
        )

    @property
    def client(self) -> dict[str, Any]:
        """What every client of aiokafka's is told, whatever it does."""
        return {"bootstrap_servers": self.servers, **parse_security(self.security)}

    def named(self, topic: str) -> str:
        """A topic's name in Kafka."""
        return self.prefix + topic

    def plain(self, name: str) -> str:
        """The topic of a name in Kafka."""
        return name.removeprefix(self.prefix)

    def partitions_of(self, topic: str) -> int:
        """How many partitions a topic has. References to what is dead are few."""
        return 1 if topic.endswith(DEAD) else self.partitions


@dataclass(frozen=True)
class Topic:
    """One topic as it must be."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str] = field(default_factory=dict)
    passing: bool = False
    """Whether it may keep no longer than it says, rather than no shorter."""


def table(cluster: Cluster) -> list[Topic]:
    """Every topic of an installation."""
    durable = {
        "cleanup.policy": "delete",  # compaction would take all but a key's last event
        "min.insync.replicas": str(max(1, cluster.replication - 1)),
        "unclean.leader.election.enable": "false",
        "retention.bytes": _FOREVER,
    }
    kept = {"": cluster.kept, DEAD: _DEAD_KEPT}
    inbound = Topic(
        cluster.named(INBOUND),
        cluster.partitions_of(INBOUND),
        cluster.replication,
        {**durable, "retention.ms": _milliseconds(_POSTED_KEPT)},
        passing=True,
    )
    return [inbound] + [
        Topic(
            cluster.named(name + end),
            cluster.partitions_of(name + end),
            cluster.replication,
            {**durable, "retention.ms": _milliseconds(how_long)},
        )
        for name in TOPICS
        for end, how_long in kept.items()
    ]


def _milliseconds(kept: timedelta | None) -> str:
    return _FOREVER if kept is None else str(kept // timedelta(milliseconds=1))


async def ensure(cluster: Cluster) -> None:
    """Create what is missing, then check everything. Raises TopicsDiffer, or KafkaError where Kafka is away."""
    wanted = table(cluster)
    admin = AIOKafkaAdminClient(**cluster.client)
    try:
        await _reach(admin, cluster)
        there = set(await admin.list_topics())
        if missing := [topic for topic in wanted if topic.name not in there]:
            await _create(admin, missing)
        differences = [
            difference for topic, found in await _found(admin, wanted) for difference in _differ(topic, found)
        ]
    finally:
        await admin.close()
    if differences:
        raise TopicsDiffer(
            "Kafka's topics are not as they must be, and nothing was changed:\n  " + "\n  ".join(differences)
        )


async def _reach(admin: Any, cluster: Cluster) -> None:
    """Connect. That a broker turned somebody away aiokafka only logs: say by what they came."""
    try:
        await admin.start()
    except KafkaConnectionError as error:
        told = cluster.client
        if (how := told.get("security_protocol", "PLAINTEXT")) == "PLAINTEXT":
            raise
        user = told.get("sasl_plain_username")
        came = f"as {user} (THROUGHLINE_KAFKA_USER and its password) " if user else ""
        raise KafkaConnectionError(
            f"{error.args[0]}: nobody is there, or they turn away who comes {came}by {how}"
            + (" under THROUGHLINE_KAFKA_CA" if how.endswith("SSL") else "")
        ) from error


async def taken(cluster: Cluster) -> list[str]:
    """Those of the installation's topics in which there is or was something. Raises KafkaError."""
    async with AIOKafkaConsumer(**cluster.client) as consumer:
        found: list[str] = []
        for topic in table(cluster):
            partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
            ends = await consumer.end_offsets(partitions)
            if any(ends.values()):
                found.append(topic.name)
        return found


async def _create(admin: Any, missing: Sequence[Topic]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(one.name, one.partitions, one.replication, topic_configs=dict(one.settings))
            for one in missing
        ]
    )
    refused = [
        f"{name}: {said or f'error {code}'}"
        for name, code, said in answer.topic_errors
        if code not in {0, _ALREADY_THERE}  # another instance was as fast
    ]
    if refused:
        raise TopicsDiffer(
            "Kafka does not let these topics be created:\n  "
            + "\n  ".join(refused)
            + "\nWhere a service may not, `throughline topics create` does it, signed in as somebody who may."
        )
    log.info("bus.topics_created", topics=[one.name for one in missing])


async def _found(admin: Any, wanted: Sequence[Topic]) -> list[tuple[Topic, dict[str, str]]]:
    """Each topic's settings as they are, once every partition of it has a leader."""
    names = [topic.name for topic in wanted]
    async with asyncio.timeout(_PATIENCE):
        while True:
            described = {one["topic"]: one for one in await admin.describe_topics(names)}
            if all(_led(described.get(name)) for name in names):
                break
            await asyncio.sleep(_LOOK_AGAIN)
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    settings: dict[str, dict[str, str]] = {}
    for answer in answers:
        for code, said, _, name, entries in answer.resources:
            if code:
                raise KafkaError(f"the settings of topic {name} can't be read: {said or f'error {code}'}")
            settings[name] = {entry[0]: entry[1] for entry in entries}
    return [
        (
            topic,
            {
                **settings[topic.name],
                "partitions": str(len(described[topic.name]["partitions"])),
                "replication": str(min(len(one["replicas"]) for one in described[topic.name]["partitions"])),
            },
        )
        for topic in wanted
    ]


def _led(described: Mapping[str, Any] | None) -> bool:
    if described is None or described["error_code"] or not described["partitions"]:
        return False
    return all(one["leader"] >= 0 for one in described["partitions"])


_REMEDY = {
    "partitions": "set THROUGHLINE_TOPIC_PARTITIONS to what is: a topic's partitions never change once it has events",
    "replication": "reassign its partitions, or set THROUGHLINE_TOPIC_REPLICATION to what is",
}


def _differ(topic: Topic, found: Mapping[str, str]) -> list[str]:
    should = {
        "partitions": str(topic.partitions),
        "replication": str(topic.replication),
        **topic.settings,
    }
    return [
        f"topic {topic.name}: {what} is {found.get(what, 'not set')}, should be {wanted}; "
        + _REMEDY.get(what, f"`kafka-configs --alter --topic {topic.name} --add-config {what}={wanted}`")
        for what, wanted in should.items()
        if not _does(what, found.get(what), wanted, passing=topic.passing)
    ]


def _does(what: str, found: str | None, wanted: str, *, passing: bool) -> bool:
    if passing and what == "retention.ms":
        return found is not None and 0 < int(found) <= int(wanted)
    if found is None or what != "retention.ms" or _FOREVER in {found, wanted}:
        return found == wanted or (what == "retention.ms" and found == _FOREVER)
    return int(found) >= int(wanted)
