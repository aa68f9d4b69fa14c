"""Which of a service's instances looks after what only one of them need do, such as an aggregate's timers.

Each shows that it is alive by counting up a number in the store; the others see it change, by their own watch, so that
no two clocks are compared. Who has shown nothing for a while is passed over: what was theirs, others do. That two think
themselves in charge for a moment costs work and nothing else, because whatever they do is a versioned command.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hashlib import blake2b

import structlog

from shared import ids
from shared.store import Unavailable
from shared.store.registers import Registers

log = structlog.get_logger()

BEAT_SECONDS = 1.0
SILENT_SECONDS = 10.0
"""Who has not been heard of for so long is passed over."""
FORGET_SECONDS = 120.0


class Members:
    """The instances of one service, as one of them sees them."""

    def __init__(
        self, registers: Registers, group: str, *, watch: Callable[[], float] = time.monotonic
    ) -> None:
        self.me = ids.random_bytes(8).hex()
        self._registers = registers
        self._group = group
        self._watch = watch
        self._heard: dict[str, tuple[int, float]] = {}
        self._alive: tuple[str, ...] = (self.me,)
        self._task: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """How many share the work."""
        return len(self._alive)

    def mine(self, id: str) -> bool:
        """Whether this instance looks after an aggregate: of those alive, each aggregate has one, whoever is asked."""
        return len(self._alive) == 1 or self.me == max(self._alive, key=lambda one: _weight(one, id))

    async def start(self) -> None:
        """Show up, and know who else is there. Raises Unavailable."""
        await self.beat()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave what was this instance's to the others, at once where the store can be told."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            await self._registers.leave(self._group, self.me)
        except Unavailable as error:
            log.warning("members.not_left", group=self._group, error=str(error))

    async def beat(self) -> None:
        """Show that this instance is alive, and look who else is. Raises Unavailable."""
        counts = await self._registers.beat(self._group, self.me)
        now = self._watch()
        self._heard = {
            member: known
            if (known := self._heard.get(member)) is not None and known[0] == count
            else (count, now)
            for member, count in counts.items()
        }
        silent = {member: now - at for member, (_, at) in self._heard.items() if member != self.me}
        alive = {self.me, *(member for member, since in silent.items() if since < SILENT_SECONDS)}
        if alive != set(self._alive):
            log.info("members.changed", group=self._group, me=self.me, alive=len(alive))
            self._alive = tuple(sorted(alive))
        for member, since in silent.items():
            if since > FORGET_SECONDS:
                await self._registers.leave(self._group, member)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self.beat()
            except Unavailable as error:
                log.warning("members.store_away", group=self._group, error=str(error))


def _weight(member: str, id: str) -> bytes:
    return blake2b(f"{member}/{id}".encode(), digest_size=8).digest()
