"""How long to go on trying at a door that is shut or doesn't answer."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Patience:
    """Waits 0.5, 1, 2, 4 … seconds between tries, as often as `tries` allows; one for all who use a door.

    Once the tries are used up on a door that can't be reached, `given_up` says why and nobody waits any more.
    """

    tries: int = 7
    first_wait: float = 0.5
    longest_wait: float = 30.0
    tell: Callable[[str], None] = lambda _message: None
    given_up: str = ""
    _told: set[str] = field(default_factory=set)

    async def wait(self, attempt: int, why: str, asked: float | None = None) -> None:
        """Waits before try number `attempt` + 1, at least as long as the door `asked`, in seconds."""
        seconds = min(self.longest_wait, max(asked or 0.0, self.first_wait * 2 ** (attempt - 1)))
        if why not in self._told:
            self._told.add(why)
            self.tell(f"{why} Trying again, up to {self.tries} times.")
        await sleep(seconds)

    def give_up(self, why: str) -> None:
        """Nothing more will be tried at this door."""
        if not self.given_up:
            self.given_up = why
            self.tell(f"{why} Given up; what was not sent can be sent again: nothing is taken twice.")
