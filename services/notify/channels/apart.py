"""The relay's senders in a process of their own: talking SMTP took a quarter of the services' time under load.

Mails go there by a pipe, outcomes come back as they are known. Where that process ends, nobody knows what became of
what it had: nothing is recorded, and the attempt's deadline brings it again under its Message-ID, as after any crash.
Where the services end, however they end, the pipe closes and the process ends at once. It holds a lock until then, so
that whoever starts next knows whether nothing is under way any more, and does not send beside it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import orjson
import structlog

from services.notify.channels import UNTOUCHED, Mail, Outcome
from services.notify.channels.relay import CONNECTIONS
from shared.clock import Clock
from shared.lock import Lock, Locked
from shared.settings import Settings

log = structlog.get_logger()

AGAIN_SECONDS = 1.0
"""Pause before the process is started anew after it ended."""
BATCH = 32
"""Mails a lane hands over before it waits for what became of them."""
_GIVEN = {"relay", "relay_user", "relay_password", "relay_tls"}
_PROGRAM = "services.notify.channels.apart_process"


class RelayApart:
    """The process with its senders, as a companion of the service; `lanes` are what the courier hands mails to."""

    def __init__(self, settings: Settings, clock: Clock, hostname: str, lock: Path) -> None:
        self._lock = Lock(lock)
        self._settings = settings
        self._clock = clock
        self._hostname = hostname
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

    async def hand_over(self, mail: Mail) -> asyncio.Future[Outcome]:
        """Give a mail to the process; the future says what became of it."""
        await self._running.wait()
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        process = self.process
        assert process is not None
        assert process.stdin is not None
        self._number += 1
        self._waiting[self._number] = outcome
        process.stdin.write(_frame(self._number, mail, mail.deadline - self._clock.now()))
        with suppress(ConnectionError):  # it has ended: `_keep` answers what waits
            await process.stdin.drain()
        return outcome

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
        given = self._settings.model_dump_json(include=_GIVEN)
        process.stdin.write(orjson.dumps([self._hostname, given]) + b"\n")
        self.process = process
        self._running.set()
        while line := await process.stdout.readline():
            number, what, reason = orjson.loads(line)
            self._waiting.pop(number).set_result(Outcome(what, reason))
        self._running.clear()
        log.error("relay.process_ended", code=await process.wait(), under_way=len(self._waiting))
        for outcome in self._waiting.values():
            outcome.set_result(UNTOUCHED)
        self._waiting.clear()


class Lane:
    """A sender whose mails go to the process."""

    batch = BATCH

    def __init__(self, apart: RelayApart) -> None:
        self._apart = apart

    async def send(self, mails: Sequence[Mail]) -> AsyncIterator[Outcome]:
        for outcome in [await self._apart.hand_over(mail) for mail in mails]:
            yield await outcome

    async def close(self) -> None:
        """The connections are the process's."""


def _frame(number: int, mail: Mail, left: timedelta) -> bytes:
    head = [
        number,
        mail.delivery,
        mail.attempt,
        left.total_seconds(),
        mail.sender,
        mail.recipient,
        len(mail.data),
    ]
    return orjson.dumps(head) + b"\n" + mail.data
