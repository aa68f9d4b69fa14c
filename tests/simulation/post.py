"""Where mails go: the model of a relay, which keeps what was handed to it and by whom, and when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.parser import BytesHeaderParser

from services.notify.channels import SENT, Mail, Outcome
from shared.clock import APART
from tests.simulation.clock import MachineClock
from tests.simulation.faults import Faults
from tests.simulation.loop import PROCESS, Process


@dataclass
class Attempt:
    """One socket that was opened for a delivery. Its instants are true ones."""

    delivery: str
    number: int
    opened: datetime
    deadline: datetime
    process: Process | None
    message_id: str
    sound: bool
    """Whether its machine's clock was as near to the others as it must be."""
    free: datetime
    """From when on others may open one, though their clocks are as far apart as they may be."""
    ended: datetime | None = None
    """When its process said what became of it; None where it never did."""


@dataclass(frozen=True)
class Posted:
    """A mail that the relay took."""

    delivery: str
    to: str
    at: datetime
    data: bytes


@dataclass
class Post:
    """What the relay saw of one installation."""

    attempts: list[Attempt] = field(default_factory=list)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    """Delivery and Message-ID, each time that a mail was taken."""
    mails: list[Posted] = field(default_factory=list)


class ModelSender:
    """A process's way to the relay."""

    batch = 4

    def __init__(self, post: Post, clock: MachineClock, faults: Faults) -> None:
        self._post = post
        self._clock = clock
        self._faults = faults

    async def send(self, mails: Sequence[Mail]) -> AsyncIterator[Outcome]:
        for mail in mails:
            await self._faults.point("before a send")
            yield await self._hand_over(mail)

    def forget(self, deliveries: Sequence[str]) -> None:
        """A relay keeps no mails for us."""

    async def _hand_over(self, mail: Mail) -> Outcome:
        if (
            self._clock.now() + APART > mail.deadline
        ):  # as `RelaySender` does, whose mails take longer besides
            return Outcome("untouched")
        id = str(BytesHeaderParser().parsebytes(mail.data)["Message-ID"])
        clock = self._clock
        deadline = mail.deadline - clock.off
        attempt = Attempt(
            mail.delivery,
            mail.attempt,
            clock.true.now(),
            deadline,
            PROCESS.get(),
            id,
            clock.sound,
            free=deadline - APART if clock.off else deadline,
        )
        self._post.attempts.append(attempt)
        self._faults.say(f"opened a socket for {mail.delivery} attempt {mail.attempt}")
        await self._faults.takes("send", 0.002, 0.05)
        if self._faults.happens("refuse", "send", factor=4):
            outcome = self._faults.random.choice(
                (Outcome("deferred", "busy"), Outcome("failed", "no-such-box"))
            )
        else:
            self._post.arrived.append((mail.delivery, id))
            self._post.mails.append(Posted(mail.delivery, mail.recipient, clock.true.now(), mail.data))
            self._faults.say(f"took {mail.delivery}")
            lost = self._faults.happens("lost", "send", factor=4)
            outcome = Outcome("deferred", "timeout") if lost else SENT
        await self._faults.point("after a send")
        attempt.ended = self._clock.true.now()
        return outcome

    async def close(self) -> None:
        await asyncio.sleep(0)
