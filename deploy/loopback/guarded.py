"""A Kafka that knows who comes and lets each do what they may: set up and started by `deploy/kafka`, on loopback."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.loopback.fetch import KAFKA, KAFKA_TOOLS, jars, java
from deploy.loopback.process import NotStarted, Server, ports
from deploy.loopback.servers import listens, running
from services.ways import SERVICES

HERE = Path(__file__).parent.parent / "kafka"
USERS = ("admin", *SERVICES)
_SCRIPTS = {
    "kafka-storage.sh": (KAFKA, "kafka.tools.StorageTool"),
    "kafka-server-start.sh": (KAFKA, "kafka.Kafka"),
    "kafka-acls.sh": (KAFKA_TOOLS, "org.apache.kafka.tools.AclCommand"),
}


class Guarded:
    """Its folder: the scripts that Kafka's image has, a password for each user, where it listens."""

    def __init__(self, directory: Path, *, certificates: Path | None = None) -> None:
        self.directory = directory
        self.home = directory / "kafka"
        self.secrets = directory / "secrets"
        self.certificates = certificates
        """Where it has a key with its certificate (`broker.pem`) and who signed it (`ca.pem`); without, no TLS."""
        self.ports = ports(directory, ("clients", "controller"))
        self.address = f"127.0.0.1:{self.ports['clients']}"
        self.secrets.mkdir(exist_ok=True, mode=0o700)
        for user in USERS:
            path = self.secrets / f"kafka_{user}"
            if not path.exists():
                path.write_text(secrets.token_hex(16))

    def password(self, user: str) -> str:
        """By which somebody signs in."""
        return (self.secrets / f"kafka_{user}").read_text()

    def as_user(self, user: str) -> dict[str, str]:
        """The settings of a process that signs in."""
        return {
            "THROUGHLINE_KAFKA_SECURITY": "SASL_PLAINTEXT",
            "THROUGHLINE_KAFKA_USER": user,
            "THROUGHLINE_KAFKA_PASSWORD": self.password(user),
        }

    @property
    def places(self) -> dict[str, str]:
        """What the scripts of `deploy/kafka` are told."""
        return {"KAFKA_HOME": str(self.home), "SECRETS": str(self.secrets)}

    def lay_out(self) -> Path:
        """Write down the scripts and the broker's properties; answers where these are."""
        (self.home / "bin").mkdir(parents=True, exist_ok=True)
        for name, (artifacts, main) in _SCRIPTS.items():
            script = self.home / "bin" / name
            path = f"{jars(artifacts)}/*"
            script.write_text(f"#!/bin/sh\nexec '{java()}' -Xmx512m -cp '{path}' {main} \"$@\"\n")
            script.chmod(0o755)
        properties = self.directory / "server.properties"
        properties.write_text(self._moved((HERE / "server.properties").read_text()))
        return properties

    def _moved(self, told: str) -> str:
        """The same on loopback."""
        clients, controller = self.ports["clients"], self.ports["controller"]
        for there, here in (
            ("CLIENTS://0.0.0.0:9092", f"CLIENTS://127.0.0.1:{clients}"),
            ("CLIENTS://kafka:9092", f"CLIENTS://{self.address}"),
            ("127.0.0.1:9093", f"127.0.0.1:{controller}"),
            ("/var/lib/kafka/data", str(self.directory / "data")),
        ):
            assert there in told, there
            told = told.replace(there, here)
        if self.certificates is None:
            return told
        return told.replace("CLIENTS:SASL_PLAINTEXT", "CLIENTS:SASL_SSL") + (
            f"ssl.keystore.type=PEM\nssl.keystore.location={self.certificates / 'broker.pem'}\n"
            f"ssl.truststore.type=PEM\nssl.truststore.location={self.certificates / 'ca.pem'}\n"
        )

    def permit(self) -> None:
        """What an operator does once the topics are there: `deploy/kafka/permit.sh`. Raises NotStarted."""
        ran = subprocess.run(
            ["sh", str(HERE / "permit.sh")],
            env={**os.environ, **self.places, "KAFKA": self.address},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise NotStarted(f"nobody was permitted anything: {(ran.stdout + ran.stderr)[-2000:]}")


@asynccontextmanager
async def guarded(directory: Path, *, certificates: Path | None = None) -> AsyncIterator[Server]:
    """One running. Raises Missing or NotStarted."""
    one = Guarded(directory, certificates=certificates)
    properties = await asyncio.to_thread(one.lay_out)
    server = Server(
        "Kafka that knows who comes",
        one.address,
        log=directory / "server.log",
        command=(str(HERE / "start.sh"), str(properties)),
        environment=one.places,
        answers=listens,
    )
    async with running(server):
        yield server
