"""Mails made and sent by a process of their own: that took nearly half of the services' time under load.

Deliveries go there by a pipe, with the content their mails need; outcomes come back as they are known. Where that
process ends, nobody knows what became of what it had: nothing is recorded, and the attempt's deadline brings it again
under its Message-ID, as after any crash. Where the services end, however they end, the pipe closes and the process
ends at once. It holds a lock until then, so that whoever starts next knows whether nothing is under way any more, and
does not send beside it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress

import orjson
import structlog

from services.notify.channels import UNTOUCHED, Outcome, Taken
from services.notify.channels.relay import CONNECTIONS
from services.notify.delivery import Delivery
from shared.content import ContentGone
from shared.lock import Lock, Locked
from shared.service import House

log = structlog.get_logger()

AGAIN_SECONDS = 1.0
"""Pause before the process is started anew after it ended."""
MOST_READ = 2**16
BATCH = 32
"""Deliveries a lane hands over before it waits for what became of them."""
_PROGRAM = "services.notify.channels.apart_process"


class RelayApart:
    """The process with its senders, as a companion of the service; `lanes` are what the courier hands deliveries to."""

    def __init__(self, house: House) -> None:
        self._lock = Lock(house.directory / "relay.lock")
        self._clock = house.clock
        self._content = house.content
        self._told = orjson.dumps(
            {
                "settings": house.settings.model_dump(mode="json"),
                "organisation": house.organisation.model_dump(mode="json", by_alias=True),
                "public_url": house.public_url,
                "keys": str(house.keys.directory),
            }
        )
        self._waiting: dict[int, asyncio.Future[Outcome]] = {}
        self._number = 0
        self.process: asyncio.subprocess.Process | None = None
        """The one that runs, or ran last."""
        self._running = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self.lanes = [Lane(self) for _ in range(CONNECTIONS)]

    async def start(self) -> None:
        """Start the process; it is started anew where it ends."""
        self._keeping = asyncio.create_task(self._keep())
        if self.alone():
            await self._running.wait()

    def alone(self) -> bool:
        """Whether no such process of an earlier life is left; from then on none can be but ours."""
        if self._lock.descriptor is None:
            with suppress(Locked):
                self._lock.acquire()
        return self._lock.descriptor is not None

    async def stop(self) -> None:
        """End the process. The courier has stopped by now: nothing is under way."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
            await self.process.wait()
        self._lock.release()

    async def idle(self) -> None:
        """Nothing: the courier waits for each outcome."""

    def ready(self) -> str | None:
        return None if self._running.is_set() else "the process that talks to the relay does not run"

    async def hand_over(self, taken: Sequence[Taken]) -> list[asyncio.Future[Outcome]]:
        """Give deliveries to the process; the futures say what became of each."""
        contents = await asyncio.gather(*(self._contents(one.delivery) for one in taken))
        await self._running.wait()
        process = self.process
        assert process is not None
        assert process.stdin is not None
        # What both processes have in common goes on while one of them is stopped; read first, so that a stop here is
        # no longer time to send.
        until = time.monotonic()
        loop, now = asyncio.get_running_loop(), self._clock.now()
        outcomes: list[asyncio.Future[Outcome]] = []
        frames: list[bytes] = []
        for one, given in zip(taken, contents, strict=True):
            outcomes.append(loop.create_future())
            self._number += 1
            self._waiting[self._number] = outcomes[-1]
            deadline = one.delivery.wait_until or one.delivery.queued_at
            frames.append(frame(self._number, one, until + (deadline - now).total_seconds(), given))
        process.stdin.write(b"".join(frames))
        with suppress(ConnectionError):  # it has ended: `_keep` answers what waits
            await process.stdin.drain()
        return outcomes

    async def _contents(self, delivery: Delivery) -> dict[str, bytes]:
        contents = {}
        for ref in filter(None, (delivery.words, delivery.note)):
            with suppress(ContentGone):  # the process finds it missing, and says so
                contents[ref] = await self._content.open(ref)
        return contents

    async def _keep(self) -> None:
        while True:
            try:
                await self._run()
            except OSError as error:
                log.error("relay.process_not_started", error=str(error))  # noqa: TRY400  the message says it all
            await asyncio.sleep(AGAIN_SECONDS)

    async def _run(self) -> None:
        """One life of the process, once none of an earlier life is left."""
        if not self.alone():
            log.warning("relay.earlier_process_left")
            return
        assert self._lock.descriptor is not None
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[self._lock.descriptor],
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._told + b"\n")
        self.process = process
        self._running.set()
        rest = b""
        while said := await process.stdout.read(MOST_READ):
            *lines, rest = (rest + said).split(b"\n")
            for line in lines:
                number, what, reason = orjson.loads(line)
                self._waiting.pop(number).set_result(Outcome(what, reason))
        self._running.clear()
        log.error("relay.process_ended", code=await process.wait(), under_way=len(self._waiting))
        for outcome in self._waiting.values():
            outcome.set_result(UNTOUCHED)
        self._waiting.clear()


class Lane:
    """A carrier whose mails are made and sent by the process."""

    batch = BATCH

    def __init__(self, apart: RelayApart) -> None:
        self._apart = apart

    async def carry(self, taken: Sequence[Taken]) -> AsyncIterator[Outcome]:
        for outcome in await self._apart.hand_over(taken):
            yield await outcome

    async def close(self) -> None:
        """The connections are the process's."""


def frame(number: int, one: Taken, until: float, contents: Mapping[str, bytes]) -> bytes:
    """A delivery on the pipe: a line that says how long its parts are and until when it may be sent, by the machine's
    monotonic clock; then the parts."""
    delivery = one.delivery.model_dump_json(exclude_defaults=True).encode()
    sizes = {ref: len(content) for ref, content in contents.items()}
    head = orjson.dumps([number, one.id, until, len(delivery), sizes])
    return b"".join((head, b"\n", delivery, *contents.values()))
