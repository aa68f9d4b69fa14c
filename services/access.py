"""Who may do what with the installation's topics: made from what each service says at its front door.

Only a topic's owner writes it. References to what could not be answered (`.dead`) are written by whoever answers a
topic's events. That all topics are as they must be, each service looks for itself; none creates or changes one. Who
lets in what is posted to `inbound` reads and empties it; who may post there is the installation's own to say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.embedded import embedded
from shared.bus.kafka import DEAD, INBOUND, Cluster, table
from shared.events import TOPICS
from shared.service import Service
from shared.settings import Settings

_HEAD = """#!/bin/sh
# Who may do what with Kafka's topics; made by `throughline topics acl` from what the services say, and safe to repeat.
# KAFKA_ACLS is the command with the way to the brokers, signed in as one who may change this, such as
#   "kafka-acls.sh --bootstrap-server kafka:9092 --command-config admin.properties"
set -euf
: "${KAFKA_ACLS:?say how kafka-acls.sh is called, as this script explains}"
"""


@dataclass(frozen=True)
class Grant:
    """Some users may do something with some topics or groups."""

    users: tuple[str, ...]
    operations: tuple[str, ...]
    kind: Literal["topic", "group"]
    names: tuple[str, ...]

    def arguments(self) -> str:
        """As `kafka-acls.sh` is told."""
        told = [f"--allow-principal User:{user}" for user in self.users]
        told += [f"--operation {operation}" for operation in self.operations]
        told += [f"--{self.kind} {name}" for name in self.names]
        return " ".join(("--add", *told))


def grants(services: Sequence[Service], cluster: Cluster) -> list[Grant]:
    """All that the services need; each signs in under its name."""
    every = tuple(topic.name for topic in table(cluster))
    found = [
        Grant(
            tuple(one.name for one in services),
            ("Describe", "DescribeConfigs"),
            "topic",
            every,
        )
    ]
    for one in services:
        answered = sorted({topic for each in one.subscriptions for topic in each.topics})
        written = [*one.publishes, *(topic + DEAD for topic in answered)]
        read = TOPICS if one.tap is not None else answered
        found.append(Grant((one.name,), ("Write",), "topic", _named(cluster, written)))
        found.append(Grant((one.name,), ("Read",), "topic", _named(cluster, read)))
        groups = [one.name] if answered else []
        if one.inlet is not None:
            found.append(Grant((one.name,), ("Read", "Delete"), "topic", (cluster.named(INBOUND),)))
            groups.append(f"{one.name}.{INBOUND}")
        if groups:
            found.append(Grant((one.name,), ("Read",), "group", _named(cluster, groups)))
    return found


def _named(cluster: Cluster, topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(cluster.named(topic) for topic in topics)


def script(services: Sequence[Service], cluster: Cluster) -> str:
    """The same for an operator to read and to run."""
    return _HEAD + "".join(f"$KAFKA_ACLS {one.arguments()}\n" for one in grants(services, cluster))


async def front_doors() -> Sequence[Service]:
    """The services as they would be run, on an empty store that is gone again; none is started."""
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        installation = embedded(Settings(data=data, keys=data / "keys", relay=""))
        await installation.open()
        try:
            return installation.services
        finally:
            for service in installation.services:
                if service.close is not None:
                    await service.close()
            await installation.shut()
