"""The ways out. A sender is handed mails and says of each what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


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


class Sender(Protocol):
    """One way out, used by one worker at a time."""

    batch: int
    """How many mails it takes at once at most."""

    def send(self, mails: Sequence[Mail]) -> AsyncIterator[Outcome]:
        """Hand over; one outcome a mail, in order, each as soon as it is known and before the mail's deadline."""
        ...

    async def close(self) -> None:
        """Let go of what it holds open."""
        ...
