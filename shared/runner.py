"""Running services in a process: what the embedded runner and the cluster's have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self

import structlog
from fastapi import FastAPI

from shared.bus import Bus
from shared.service import House, Service
from shared.timers import TimerLoop
from shared.web.app import build

log = structlog.get_logger()

Front = Callable[[House], Service]


class NotBegun(RuntimeError):
    """What a service stands on is not there, or not as it must be. Says what."""


class Runner(ABC):
    """Services at work in this process. `async with` opens and starts them, and stops them cleanly.

    `open` of a subclass sets what they stand on.
    """

    house: House
    bus: Bus
    services: Sequence[Service]
    timers: TimerLoop

    @abstractmethod
    async def open(self) -> None:
        """Take what is this process's alone, open the store, build the services. Nothing is handed over yet."""

    @abstractmethod
    async def shut(self) -> None:
        """Close what `open` opened, the store last."""

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[House]:
        """Open, with its services at hand and none at work: for a command that changes something beside them."""
        await self.open()
        try:
            yield self.house
        finally:
            await self._close()

    async def start(self) -> None:
        """Begin: what was left over first, then whatever comes."""
        for service in self.services:
            if service.subscriptions:
                self.bus.subscribe(service.name, service.subscriptions)
            if service.tap is not None:
                self.bus.tap(service.name, service.tap)
            if service.inlet is not None:
                self.bus.let_in(service.name, service.inlet)
        for service in self.services:
            if service.prepare is not None:
                await service.prepare()
        await self.start_bus()
        for service in self.services:
            for companion in service.companions:
                await companion.start()
        await self.timers.start()
        log.info("runner.started", services=[one.name for one in self.services])

    async def start_bus(self) -> None:
        """Begin to hand over."""
        await self.bus.start()

    async def stop_bus(self) -> None:
        """Hand over nothing more; finish what is under way."""
        await self.bus.stop()

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, close."""
        await self.timers.stop()
        for service in reversed(self.services):
            for companion in service.companions:
                await companion.stop()
        await self.stop_bus()
        await self._close()
        log.info("runner.stopped")

    async def _close(self) -> None:
        for service in reversed(self.services):
            if service.close is not None:
                await service.close()
        await self.shut()

    async def __aenter__(self) -> Self:
        await self.open()
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def not_ready(self) -> list[str]:
        """Why it is not ready to serve, empty where it is."""
        return [
            f"{service.name}: {reason}"
            for service in self.services
            for companion in service.companions
            if (reason := companion.ready()) is not None
        ]

    def late(self) -> list[str]:
        """What does not get on though it serves."""
        return self.bus.not_ready() + self.services_late()

    def services_late(self) -> list[str]:
        """The same, of the services alone."""
        return [f"{service.name}: {reason}" for service in self.services for reason in service.late()]

    def app(self) -> FastAPI:
        """The HTTP side, to be called once it is open."""
        return build(self.house, self.services, self.not_ready, self.bus, self.late)
