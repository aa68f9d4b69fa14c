"""The embedded runner: all services in one process, on one SQLite store, behind one HTTP port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.bus.embedded import EmbeddedBus
from shared.clock import Clock, RealClock, SimulatedClock
from shared.content.embedded import EmbeddedContent
from shared.keys import Keys
from shared.lock import Lock, refuse_moved
from shared.organisation import load
from shared.runner import Front, Runner
from shared.service import House
from shared.settings import Settings
from shared.store import Collection
from shared.store.sqlite import SqliteStore
from shared.timers import TimerLoop


class Embedded(Runner):
    """An installation in this process."""

    bus: EmbeddedBus

    def __init__(
        self,
        settings: Settings,
        fronts: Sequence[Front],
        collections: Sequence[Collection],
        *,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or RealClock()
        self._fronts = fronts
        self._collections = collections

    async def open(self) -> None:
        directory = self.settings.data
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(directory / "lock")
        self._lock.acquire()
        refuse_moved(directory)
        organisation = load(self.settings.org)
        self.store = SqliteStore(directory, self._collections)
        await self.store.open()
        self.house = House(
            settings=self.settings,
            clock=self.clock,
            store=self.store,
            content=EmbeddedContent(self.store, directory / "content"),
            keys=Keys(self.settings.keys_directory),
            organisation=organisation,
            directory=directory,
            alone=True,
        )
        self.bus = EmbeddedBus(self.store, self.clock)
        self.services = [front(self.house) for front in self._fronts]
        self.timers = TimerLoop(
            [timer for service in self.services for timer in service.timers], self.store, self.clock
        )

    async def shut(self) -> None:
        await self.store.close()
        self._lock.release()

    async def idle(self) -> None:
        """Return once everything that is there has been answered, in every room."""
        while True:
            before = self.bus.position
            await self.timers.fire_due()
            await self.bus.idle()
            for service in self.services:
                for companion in service.companions:
                    await companion.idle()
            await self.bus.idle()
            if self.bus.position == before:
                return

    async def live_until(self, end: datetime) -> None:
        """Under a simulated clock: go from one due instant to the next until `end`, finishing what each sets off."""
        clock = self.clock
        assert isinstance(clock, SimulatedClock)
        while True:
            await self.idle()
            due = await self.timers.next_due()
            if due is None or due > end:
                break
            clock.advance_to(max(due, clock.now()))
        clock.advance_to(end)
        await self.idle()
