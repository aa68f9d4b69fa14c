"""The program that makes and sends mails for `apart`: deliveries by standard input, outcomes by standard output."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import orjson
import uvloop

from services.notify.channels import Outcome, Taken
from services.notify.channels.apart import BATCH
from services.notify.channels.email import Mails
from services.notify.channels.here import Here
from services.notify.channels.relay import CONNECTIONS, RelaySender
from services.notify.delivery import Delivery
from shared.clock import RealClock
from shared.content import ContentGone
from shared.keys import Keys
from shared.logging import configure
from shared.organisation import Organisation
from shared.settings import Settings
from shared.tokens import Tokens

LONGEST_LINE = 2**24


class Told:
    """What became of deliveries, on standard output: what is known at the same moment in one piece."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def __call__(self, number: int, outcome: Outcome) -> None:
        """Say it soon."""
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write)
        self._lines.append(orjson.dumps([number, outcome.what, outcome.reason]) + b"\n")

    def _write(self) -> None:
        lines, self._lines = b"".join(self._lines), []
        while lines:
            lines = lines[os.write(sys.stdout.fileno(), lines) :]


class Given:
    """The content that came with the deliveries under way."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def keep(self, contents: dict[str, bytes]) -> None:
        """Have it, until it is dropped."""
        self._contents |= contents

    def drop(self, contents: dict[str, bytes]) -> None:
        """Have it no longer."""
        for ref in contents:
            self._contents.pop(ref, None)

    async def open(self, ref: str) -> bytes:
        """The content. Raises ContentGone where it was not there to be given."""
        try:
            return self._contents[ref]
        except KeyError:
            raise ContentGone(f"{ref} was erased before its mail was made") from None


Work = tuple[int, Taken, dict[str, bytes]]


async def _read(pipe: asyncio.StreamReader, clock: RealClock) -> Work:
    """The next delivery, its number and its content. Raises IncompleteReadError, ValueError once there is none."""
    number, id, latest, size, sizes = orjson.loads(await pipe.readline())
    delivery = Delivery.model_validate_json(await pipe.readexactly(size))
    contents = {ref: await pipe.readexactly(size) for ref, size in sizes.items()}
    until = clock.now()
    until += timedelta(seconds=latest - time.monotonic())  # the services' clock need not be this one
    return number, Taken(id, delivery.model_copy(update={"wait_until": until})), contents


async def _serve() -> None:
    """Send what comes by standard input until it ends; say on standard output what became of each."""
    pipe = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(pipe), sys.stdin)
    start = orjson.loads(await pipe.readline())
    settings, clock = Settings.model_validate(start["settings"]), RealClock()
    configure(settings.log_level, as_json=settings.log_json)
    organisation, given = Organisation.model_validate(start["organisation"]), Given()
    mails = Mails(organisation, start["public_url"], Tokens(Keys(Path(start["keys"]))), given)
    told = Told()
    waiting: asyncio.Queue[Work] = asyncio.Queue(CONNECTIONS * BATCH)

    async def work() -> None:
        carrier = Here(mails, RelaySender(settings, clock, mails.domain), clock)
        while True:
            works = [await waiting.get()]
            share = min(waiting.qsize() // CONNECTIONS, carrier.batch - 1)
            works += [waiting.get_nowait() for _ in range(share)]
            for _, _, contents in works:
                given.keep(contents)
            numbers = iter(works)
            async for outcome in carrier.carry([one for _, one, _ in works]):
                number, _, contents = next(numbers)
                given.drop(contents)
                told(number, outcome)

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
