"""The ways out. A carrier is handed deliveries and says what became of each; a sender does so with finished mails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from services.notify.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, ready to be handed over, and the instant after which somebody else may."""

    delivery: str
    attempt: int
    deadline: datetime
    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail. `untouched`: its time was up before anything was opened."""

    what: Literal["sent", "deferred", "failed", "untouched"]
    reason: str = ""


SENT = Outcome("sent")
UNTOUCHED = Outcome("untouched")


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery under way: its attempt and deadline are durable."""

    id: str
    delivery: Delivery


class Carrier(Protocol):
    """One way out, used by one worker at a time."""

    batch: int
    """How many deliveries it takes at once at most."""

    def carry(self, taken: Sequence[Taken]) -> AsyncIterator[Outcome]:
        """Make the mails and hand them over; one outcome each, in order, each as soon as it is known and before the
        attempt's deadline."""
        ...

    async def close(self) -> None:
        """Let go of what it holds open."""
        ...


class Sender(Protocol):
    """Where finished mails go."""

    batch: int
    """How many mails it takes at once at most."""

    def send(self, mails: Sequence[Mail]) -> AsyncIterator[Outcome]:
        """Hand over; one outcome a mail, in order, each as soon as it is known and before the mail's deadline."""
        ...

    async def close(self) -> None:
        """Let go of what it holds open."""
        ...
