"""The four services as processes on loopback, as many instances of each as are asked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.loopback.process import Server, ports
from services.ways import SERVICES

PARTITIONS = 8


@dataclass
class Told:
    """What all of a cluster's services are told alike."""

    directory: Path
    """Where each instance has a folder of its own, and all have `keys`."""
    kafka: str
    mongo: str
    public_url: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings by the names of their environment."""
    each: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What one service alone is told, by its name."""

    @property
    def environment(self) -> dict[str, str]:
        """As a process is told."""
        return {
            "THROUGHLINE_KAFKA_SERVERS": self.kafka,
            "THROUGHLINE_MONGO_URL": self.mongo,
            "THROUGHLINE_PUBLIC_URL": self.public_url,
            "THROUGHLINE_KEYS": str(self.directory / "keys"),
            "THROUGHLINE_TOPIC_PARTITIONS": str(PARTITIONS),
            "THROUGHLINE_TOPIC_REPLICATION": "1",
            **self.settings,
        }


@dataclass
class Instance:
    """One instance: its process, and where its doors are."""

    server: Server
    directory: Path
    url: str
    smtp_port: int


@dataclass
class Services:
    """All instances, by service."""

    of: dict[str, list[Instance]]

    @property
    def every(self) -> list[Instance]:
        return [one for instances in self.of.values() for one in instances]

    @property
    def urls(self) -> dict[str, list[str]]:
        """Where each service's instances are."""
        return {name: [one.url for one in instances] for name, instances in self.of.items()}


def an_instance(told: Told, name: str, number: int = 1) -> Instance:
    """An instance, not yet started; the same again for the same number."""
    directory = told.directory / f"{name}-{number}"
    free = ports(directory, ("http", "smtp"))
    url = f"http://127.0.0.1:{free['http']}"
    command = [sys.executable, "-m", "services", "serve", name, "--data", str(directory)]
    command += ["--port", str(free["http"]), "--smtp-port", str(free["smtp"])]
    server = Server(
        f"{name} {number}",
        url,
        log=directory / "service.log",
        command=command,
        environment=told.environment | dict(told.each.get(name, {})),
        answers=ready,
    )
    return Instance(server, directory, url, free["smtp"] if name == "intake" else 0)


async def ready(url: str) -> bool:
    """Whether an instance gets on."""
    return await why_not(url) == ""


async def why_not(url: str) -> str:
    """What an instance says of why it is not ready; empty where it is."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            answer = await client.get(f"{url}/readyz")
    except httpx.HTTPError as error:
        return f"it does not answer: {type(error).__name__}"
    return "" if answer.status_code == 200 else "; ".join(answer.json()["reasons"])


@asynccontextmanager
async def services(told: Told, instances: Mapping[str, int] | None = None) -> AsyncIterator[Services]:
    """All of them, ready; ended when it is left. Raises NotStarted."""
    wanted = dict.fromkeys(SERVICES, 1) | dict(instances or {})
    running = Services(
        {name: [an_instance(told, name, number + 1) for number in range(wanted[name])] for name in SERVICES}
    )
    try:
        # The first one makes the keys and the topics that all share.
        first, *others = running.every
        await first.server.start()
        await asyncio.gather(*(one.server.start() for one in others))
        yield running
    finally:
        await asyncio.gather(*(one.server.stop() for one in running.every))
