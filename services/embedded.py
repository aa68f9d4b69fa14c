"""All four services in one process: what `throughline run` and the tests start."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket

import typer
import uvicorn

from services import audit, intake, notify, routing
from services.welcome import welcome
from shared.clock import Clock
from shared.runner import Embedded
from shared.settings import Settings

FRONTS = (intake.service, routing.service, notify.service, audit.service)
COLLECTIONS = (*intake.COLLECTIONS, *routing.COLLECTIONS, *notify.COLLECTIONS, *audit.COLLECTIONS)


def embedded(settings: Settings, *, clock: Clock | None = None) -> Embedded:
    """An installation of all four, not yet open."""
    return Embedded(settings, FRONTS, COLLECTIONS, clock=clock)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises OSError that names the address."""
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise OSError(
            error.errno, f"{host}:{port} can't be listened on: {error.strerror}; choose another with --port"
        ) from error


def spare_the_collector() -> None:
    """What is loaded by now stays; what is made for a message dies with it. Looking through it all again and again for
    cycles took half of the throughput under load."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(400_000, 20, 100)


async def serve(settings: Settings) -> int:
    """Run until told to stop; answers the exit code."""
    try:
        door = listening(settings.host, settings.port)
    except OSError as error:
        typer.echo(f"throughline: {error.strerror}", err=True)
        return 1
    settings = settings.model_copy(update={"port": door.getsockname()[1]})
    async with embedded(settings) as installation:
        server = uvicorn.Server(
            uvicorn.Config(
                installation.app(),
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=5,
            )
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
        spare_the_collector()
        serving = asyncio.create_task(server.serve(sockets=[door]))
        await welcome(installation)
        await serving
    return 0
