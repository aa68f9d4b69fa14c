"""`make cluster`: Kafka, the store, the four services and one port before them, on loopback, until told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from deploy.loopback import Missing, NotStarted, kafka, mongo
from deploy.loopback.fetch import cache
from deploy.loopback.front import Front
from deploy.loopback.services import Services, Told, services
from services.opened import opened
from services.routing import COLLECTIONS
from services.routing.people import ensure_sample_users
from services.welcome import Places, greet
from shared.settings import Settings

PORT = 8080


async def main() -> None:
    """Start everything on the data of the cache folder, say where it is, and wait for Ctrl-C or SIGTERM."""
    told_to_stop = asyncio.Event()
    for how in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(how, told_to_stop.set)
    data = cache() / "data"
    door = _door()
    public_url = f"http://127.0.0.1:{door.getsockname()[1]}"
    async with kafka(data / "kafka") as broker, mongo(data / "mongo") as store:
        _say(f"{broker.name}: {broker.address}", f"{store.name}: {store.address}", "Starting the services …")
        told = Told(data / "services", broker.address, store.address, public_url)
        async with services(told) as running, _front(running, door):
            await _welcome(told, running)
            await told_to_stop.wait()
            _say("Stopping: each service finishes what it has under way.")


def _door() -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", PORT))
    except OSError:  # somebody has it: any other will do
        return socket.create_server(("127.0.0.1", 0))


@asynccontextmanager
async def _front(running: Services, door: socket.socket) -> AsyncIterator[None]:
    front = Front(running.urls)
    server = uvicorn.Server(uvicorn.Config(front, log_config=None, access_log=False, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        await front.close()


async def _welcome(told: Told, running: Services) -> None:
    """Where to look and what to try; the sample users at the first start."""
    settings = Settings(
        data=told.directory,
        keys=told.directory / "keys",
        public_url=told.public_url,
        mongo_url=told.mongo,
        kafka_servers=told.kafka,
    )
    (intake, *_), (notify, *_), (audit, *_) = (running.of[name] for name in ("intake", "notify", "audit"))
    async with opened(settings, COLLECTIONS) as house:
        users = await ensure_sample_users(house)
        places = Places(
            mail=f"127.0.0.1:{intake.smtp_port}",
            outgoing=f"{notify.directory}/outbox  (kept as .eml files, not sent)",
            trail=audit.directory,
            metrics=[f"{one.url}/metrics ({one.server.name})" for one in running.every],
        )
        greet(house, users, places)
    _say("Ctrl-C stops everything; what it holds stays.")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (Missing, NotStarted) as error:
        sys.exit(f"The cluster does not run here. {error}")
