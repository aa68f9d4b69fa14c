"""The cluster's runner: one service in this process, on Kafka and MongoDB, beside other instances of it elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from fastapi import FastAPI

from shared.bus.kafka import Cluster, KafkaBus, TopicsDiffer
from shared.clock import Clock, RealClock
from shared.content.cluster import ClusterContent
from shared.keys import Keys
from shared.lock import Lock
from shared.members import Members
from shared.moved import refuse_half_moved
from shared.organisation import load
from shared.pulse import Pulse
from shared.rights.known import Known
from shared.runner import Front, NotBegun, Runner
from shared.service import House
from shared.settings import Settings
from shared.store import Collection, StoreError
from shared.store.mongo import MongoStore
from shared.timers import TimerLoop
from shared.web.app import build
from shared.web.nav import served_together

log = structlog.get_logger()

_AWAY_SECONDS = 1.0
_DIFFER_SECONDS = 30.0


class Instance(Runner):
    """One instance of a service. Its directory is its own: the audit's volume, or what is written to no store."""

    bus: KafkaBus

    def __init__(
        self,
        settings: Settings,
        front: Front,
        collections: Sequence[Collection],
        others: Sequence[Collection],
        *,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or RealClock()
        self._front = front
        self._others = others
        self._collections = collections
        self._stopping = False
        self._bus_away = "it has not begun yet"
        self._beginning: asyncio.Task[None] | None = None

    async def open(self) -> None:
        directory = self.settings.data
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(directory / "lock")
        self._lock.acquire()
        organisation = load(self.settings.org)
        topics = Cluster.told(self.settings)
        self.store = MongoStore(
            self.settings.mongo_url,
            self.settings.mongo_database,
            self._collections,
            others=[one for one in self._others if one not in self._collections],
            driver=self.settings.mongo_driver,
        )
        await self.store.open()
        try:
            await refuse_half_moved(self.store.registers, self.settings.mongo_database)
        except StoreError:
            await self.store.close()
            raise
        self.bus = KafkaBus(topics, self.store, self.clock)
        self.house = House(
            settings=self.settings,
            clock=self.clock,
            store=self.store,
            content=ClusterContent(self.store),
            keys=Keys(self.settings.keys_directory),
            organisation=organisation,
            directory=directory,
            registers=self.store.registers,
            again=self.bus.again,
        )
        self.services = [self._front(self.house)]
        self._members = Members(self.store.registers, self.services[0].name)
        self._pulse = Pulse(self.store.registers, self.clock)
        self.timers = TimerLoop(self.services[0].timers, self.store, self.clock, self._members)

    async def start(self) -> None:
        await self._members.start()
        await self._pulse.start()
        await super().start()

    async def start_bus(self) -> None:
        """Begin; where the service is of use without, once Kafka is there."""
        if self.services[0].needs_bus:
            try:
                await self._begin_bus()
            except Exception as error:
                raise NotBegun(f"events do not travel: {self._bus_away}") from error
        else:
            self._beginning = asyncio.create_task(self._begin_bus_some_time())

    async def _begin_bus(self) -> None:
        try:
            await self.bus.start()
        except Exception as error:
            self._bus_away = f"{type(error).__name__}: {error}"
            raise
        self._bus_away = ""

    async def _begin_bus_some_time(self) -> None:
        while self._bus_away:
            try:
                await self._begin_bus()
            except TopicsDiffer as error:
                log.error("runner.topics_differ", error=str(error))  # noqa: TRY400  the message says it all
                await asyncio.sleep(_DIFFER_SECONDS)
            except Exception as error:
                log.warning("runner.bus_away", error=str(error))
                await asyncio.sleep(_AWAY_SECONDS)

    async def stop_bus(self) -> None:
        if self._beginning is not None:
            self._beginning.cancel()
            await asyncio.wait([self._beginning])
        if not self._bus_away:
            await self.bus.stop()

    async def stop(self) -> None:
        self._stopping = True
        await super().stop()

    async def shut(self) -> None:
        await self._pulse.stop()
        await self._members.stop()
        await self.store.close()
        self._lock.release()

    def not_ready(self) -> list[str]:
        reasons = ["it is being stopped"] if self._stopping else []
        reasons += self._pulse.not_ready() + super().not_ready()
        return reasons + (self._bus_not_ready() if self.services[0].needs_bus else [])

    def late(self) -> list[str]:
        return self.services_late() + ([] if self.services[0].needs_bus else self._bus_not_ready())

    def _bus_not_ready(self) -> list[str]:
        return [f"events do not travel: {self._bus_away}"] if self._bus_away else self.bus.not_ready()

    def app(self) -> FastAPI:
        app = build(self.house, self.services, self.not_ready, self.bus, self.late)
        if self.services[0].wire is None:
            Known.of(self.house).wire(app)
        served_together(app)
        return app
