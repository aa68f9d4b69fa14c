"""The embedded runner: all services in one process, on one SQLite store, behind one HTTP port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from fastapi import FastAPI

from shared.bus.embedded import EmbeddedBus
from shared.clock import Clock, RealClock, SimulatedClock
from shared.content.embedded import EmbeddedContent
from shared.keys import Keys
from shared.lock import Lock
from shared.organisation import load
from shared.service import House, Service
from shared.settings import Settings
from shared.store import Collection
from shared.store.sqlite import SqliteStore
from shared.timers import TimerLoop
from shared.web.app import build

log = structlog.get_logger()

Front = Callable[[House], Service]


class Embedded:
    """An installation in this process. `async with` opens and starts it, and stops it cleanly."""

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
        """Take the data directory, open what stands in it, build the services. Nothing is handed over yet."""
        directory = self.settings.data
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(directory / "lock")
        self._lock.acquire()
        organisation = load(self.settings.org)
        self.store = SqliteStore(directory, self._collections)
        await self.store.open()
        self.house = House(
            settings=self.settings,
            clock=self.clock,
            store=self.store,
            content=EmbeddedContent(self.store, directory / "content"),
            keys=Keys(directory / "keys"),
            organisation=organisation,
            directory=directory,
            alone=True,
        )
        self.bus = EmbeddedBus(self.store, self.clock)
        self.services = [front(self.house) for front in self._fronts]
        self.timers = TimerLoop(
            [timer for service in self.services for timer in service.timers], self.store, self.clock
        )

    async def start(self) -> None:
        """Begin: what was left over first, then whatever comes."""
        for service in self.services:
            if service.subscriptions:
                self.bus.subscribe(service.name, service.subscriptions)
            if service.tap is not None:
                self.bus.tap(service.name, service.tap)
        for service in self.services:
            if service.prepare is not None:
                await service.prepare()
        await self.bus.start()
        for service in self.services:
            for companion in service.companions:
                await companion.start()
        await self.timers.start()
        log.info("runner.started", data=str(self.settings.data), services=[one.name for one in self.services])

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, close."""
        await self.timers.stop()
        for service in reversed(self.services):
            for companion in service.companions:
                await companion.stop()
        await self.bus.stop()
        for service in reversed(self.services):
            if service.close is not None:
                await service.close()
        await self.store.close()
        self._lock.release()
        log.info("runner.stopped")

    async def __aenter__(self) -> Embedded:
        await self.open()
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

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

    def not_ready(self) -> list[str]:
        """Why it is not ready to serve, empty where it is."""
        return [
            f"{service.name}: {reason}"
            for service in self.services
            for companion in service.companions
            if (reason := companion.ready()) is not None
        ]

    def app(self) -> FastAPI:
        """The HTTP side, to be called once the installation is open."""
        return build(self.house, self.services, self.not_ready, self.bus)
