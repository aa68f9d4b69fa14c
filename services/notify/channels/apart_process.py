"""The program that talks to the relay for `apart`: mails come by standard input, outcomes go to standard output."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta

import orjson
import uvloop

from services.notify.channels import Mail
from services.notify.channels.apart import BATCH
from services.notify.channels.relay import CONNECTIONS, RelaySender
from shared.clock import Clock, RealClock
from shared.settings import Settings

LONGEST_LINE = 2**20


async def _read(pipe: asyncio.StreamReader, clock: Clock) -> tuple[int, Mail]:
    """The next mail and its number. Raises IncompleteReadError, ValueError once there is none."""
    number, delivery, attempt, left, sender, recipient, size = orjson.loads(await pipe.readline())
    data = await pipe.readexactly(size)
    return number, Mail(delivery, attempt, clock.now() + timedelta(seconds=left), sender, recipient, data)


async def _serve() -> None:
    """Send what comes by standard input until it ends; say on standard output what became of each."""
    pipe = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(pipe), sys.stdin)
    hostname, given = orjson.loads(await pipe.readline())
    settings, clock = Settings.model_validate_json(given), RealClock()
    waiting: asyncio.Queue[tuple[int, Mail]] = asyncio.Queue(CONNECTIONS * BATCH)

    async def work() -> None:
        sender = RelaySender(settings, clock, hostname)
        while True:
            number, mail = await waiting.get()
            async for outcome in sender.send([mail]):
                os.write(sys.stdout.fileno(), orjson.dumps([number, outcome.what, outcome.reason]) + b"\n")

    workers = [asyncio.create_task(work()) for _ in range(CONNECTIONS)]
    while not pipe.at_eof():
        try:
            await waiting.put(await _read(pipe, clock))
        except (asyncio.IncompleteReadError, ValueError):
            break
    for worker in workers:
        worker.cancel()


def main() -> None:
    """What the process does. It ends with its parent, by the pipe alone: not with a terminal's Ctrl-C, after which the
    parent still finishes what is under way."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    uvloop.run(_serve())
    os._exit(0)


if __name__ == "__main__":
    main()
