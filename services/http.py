"""A process that serves: its socket, its signals, its end. The same for `throughline run` and `throughline serve`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvicorn

from shared.runner import Runner

log = structlog.get_logger()

DRAIN_SECONDS = 25.0
"""How long an end may take once no request is taken any more; what is not finished then is as after a crash."""
_REQUESTS_SECONDS = 5


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


async def serve_until_told(
    runner: Runner, door: socket.socket, once_served: Callable[[], Awaitable[None]]
) -> None:
    """Run until SIGTERM or SIGINT; then take nothing more, finish what is under way, close, in bounded time."""
    await runner.open()
    await runner.start()
    server = uvicorn.Server(
        uvicorn.Config(
            runner.app(),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=_REQUESTS_SECONDS,
        )
    )
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    spare_the_collector()
    serving = asyncio.create_task(server.serve(sockets=[door]))
    await once_served()
    await serving
    stopping = asyncio.create_task(runner.stop())
    await asyncio.wait(
        [stopping], timeout=DRAIN_SECONDS
    )  # to wait for its cancellation could take as long as it likes
    if not stopping.done():
        log.error("runner.not_drained", seconds=DRAIN_SECONDS)
        sys.stderr.flush()
        os._exit(1)  # a thread may be what hangs
    stopping.result()
