"""What docker-compose.yml starts runs: its commands, in its environment, with its secrets, behind its proxy.

Only hosts, ports and directories are loopback's, and the store has no passwords: its stand-in knows none.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from deploy.loopback.guarded import Guarded, guarded
from deploy.loopback.process import Server, ports
from deploy.loopback.services import ready
from tests.cluster.house import a_sink, until
from tests.composed import HOME, OURS, composed, secrets_template
from tests.installations import in_a_loop
from tests.nginx import proxy
from tests.servers import here

pytestmark = pytest.mark.cluster


class Containers:
    """A directory in the place of each container, on one machine's loopback."""

    def __init__(self, directory: Path, moved: Mapping[str, str]) -> None:
        self.directory = directory
        self.secrets = directory / "secrets"
        self._moved = moved

    def started(self, name: str, *, anew: bool = True) -> tuple[list[str], dict[str, str]]:
        """How a service of the file is started here: its command and its environment."""
        one, container = composed(name), self.directory / name
        mounted = container / "secrets"
        mounted.mkdir(parents=True, exist_ok=not anew)
        for target, source in one.secrets.items():
            (mounted / target).write_text((self.secrets / source).read_text())
        moved = {
            **self._moved,
            "/var/lib/throughline-keys": str(self.directory / "keys"),
            "/var/lib/throughline": str(container / "data"),
            "/run/secrets": str(mounted),
            "/etc/throughline/org.yaml": str(HOME / "deploy" / "org" / "county.yaml"),
            "/opt/throughline/bin": str(Path(sys.executable).parent),
            "0.0.0.0": "127.0.0.1",
        }
        free = {number: str(port) for number, port in ports(container, ("8080", "2525")).items()}
        command = [free.get(word, word) for word in (_replaced(word, moved) for word in one.command)]
        command[0] = str(Path(sys.executable).parent / command[0])
        return command, {key: _replaced(value, moved) for key, value in one.environment.items()}

    def server(self, name: str) -> Server:
        """A service, not yet started."""
        command, environment = self.started(name)
        port = command[command.index("--port") + 1]
        return Server(
            name,
            f"http://127.0.0.1:{port}",
            log=self.directory / name / "log",
            command=command,
            environment=environment,
            answers=ready,
        )


def _replaced(text: str, moved: Mapping[str, str]) -> str:
    for there, put in moved.items():
        text = text.replace(there, put)
    return text


@in_a_loop
async def test_all_services_get_ready_and_a_message_is_acknowledged(tmp_path: Path, mongo_url: str) -> None:
    async with AsyncExitStack() as stack:
        secrets = tmp_path / "kafka" / "secrets"
        drawn = ["sh", str(HOME / "deploy" / "secrets.sh"), str(secrets)]
        await asyncio.to_thread(subprocess.run, drawn, check=True)
        await stack.enter_async_context(here(guarded, tmp_path / "kafka"))
        kafka = Guarded(tmp_path / "kafka")
        sink, port = await stack.enter_async_context(a_sink())
        containers = Containers(
            tmp_path / "containers", {"kafka:9092": kafka.address, "mail:1025": f"127.0.0.1:{port}"}
        )
        containers.directory.mkdir()
        containers.secrets.symlink_to(secrets)
        url = secrets / "mongo_url"
        assert url.read_text().startswith("mongodb://throughline:")
        url.unlink()
        url.write_text(mongo_url)

        command, environment = containers.started("topics")
        made = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        await asyncio.to_thread(kafka.permit)

        servers = {name: containers.server(name) for name in OURS}
        for one in servers.values():
            stack.push_async_callback(one.stop)
        await asyncio.gather(*(one.start() for one in servers.values()))
        doors = {name: one.address.removeprefix("http://") for name, one in servers.items()}
        (tmp_path / "nginx").mkdir()
        address = await stack.enter_async_context(proxy(tmp_path / "nginx", doors))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False))

        command, environment = containers.started("routing", anew=False)
        added = await asyncio.to_thread(
            subprocess.run,
            [command[0], "user", "add", "housing-officer-1"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert added.returncode == 0, added.stderr
        password = added.stdout.partition("with: ")[2].split()[0]
        signed = await client.post("/v1/sign-in", json={"login": "housing-officer-1", "password": password})
        assert signed.status_code == 200, signed.text

        sender = {"email": "wang@citizen.example", "language": "zh-Hant"}
        said = await client.post("/v1/messages", json={"text": "路燈不亮", "sender": sender})
        assert said.status_code == 202, said.text
        tracking = said.json()["tracking"]
        assert said.json()["receipt"]

        async def acknowledged() -> bool:
            return bool(sink.to("wang@citizen.example"))

        await until(acknowledged, what="the acknowledgement is at the mail catcher")
        assert "http://127.0.0.1:8080/track/" in sink.mails[0].get_body(("plain", "html")).get_content()  # type: ignore[union-attr]
        tracked = (await client.get(f"/v1/track/{tracking}")).json()
        assert tracked["ref"] in str(sink.mails[0]["Subject"])
        assert (await client.get("/trail/vkey")).status_code == 200
        assert {path.name for path in (containers.directory / "keys").iterdir()} == secret_keys()
        logs = [path for path in containers.directory.glob("*/data/keys/*") if path.is_file()]
        assert [path.relative_to(containers.directory).as_posix() for path in logs] == [
            "audit/data/keys/log.ed25519"
        ]


def secret_keys() -> set[str]:
    """Those that a Kubernetes cluster is given, where nobody makes them."""
    found = next(one for one in secrets_template() if one["metadata"]["name"] == "throughline-keys")
    return set(found["stringData"])
