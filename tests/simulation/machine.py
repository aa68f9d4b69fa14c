"""What runs services in a simulated world: a machine starts a process, and another one when that has died."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from aiokafka.errors import KafkaError

from services.audit.log import StateError
from services.audit.supervision.desk import Supervision
from services.audit.supervision.hearing import Hearing
from services.intake.handlers import Settling
from services.intake.quarantine import Quarantine
from services.intake.receiving import Door
from services.routing.erasing import Erasing
from services.routing.handlers import Handlers
from services.routing.office import Office
from shared.bus import Handle
from shared.events import Record
from shared.runner import NotBegun
from shared.service import House, Service
from shared.store import StoreError
from tests.simulation.baton import Crash
from tests.simulation.faults import Faults
from tests.simulation.loop import Loop, Process

T = TypeVar("T")


class Gone(Exception):
    """Nobody answered: the process died, or stands still. Nobody knows what became of what was asked."""


class Poisoned(RuntimeError):
    """An event that can't be answered for a while."""


@dataclass
class Doors:
    """What clients reach of one process: what stands behind its HTTP routes."""

    process: Process
    door: Door | None = None
    quarantine: Quarantine | None = None
    office: Office | None = None
    erasing: Erasing | None = None
    supervision: Supervision | None = None

    def open(self, house: House, service: Service) -> None:
        """What a service has behind its routes, on the aggregates that its handlers use."""
        handlers = [getattr(one.handle, "__self__", None) for one in service.subscriptions]
        for one in handlers:
            if isinstance(one, Settling) and self.door is None:
                self.door = Door(house, one._messages)
                self.quarantine = Quarantine(house, one._messages)
            if isinstance(one, Handlers) and self.office is None:
                self.office = Office(house, one._desk, one._cases)
            if isinstance(one, Erasing):
                self.erasing = one
            if isinstance(one, Hearing) and self.supervision is None:
                self.supervision = one.supervision


@dataclass
class Poison:
    """Which events a group can't answer until the faults are over."""

    faults: Faults
    events: dict[tuple[str, str], bool] = field(default_factory=dict)

    def into(self, service: Service) -> Service:
        """The service, which can't answer some events."""
        given = [replace(one, handle=self._handle(service.name, one.handle)) for one in service.subscriptions]
        return replace(service, subscriptions=given)

    def _handle(self, group: str, handle: Handle) -> Handle:
        async def poisoned(record: Record) -> None:
            await self.faults.point("before an answer")
            if self.faults.happens("slow", "answer", factor=6):
                await asyncio.sleep(self.faults.random.choice((0.3, 2.0)))
                await self.faults.point("while an answer waits", factor=10)  # much is open then
            known = (group, record.id)
            if known not in self.events:
                self.events[known] = self.faults.happens("poison", "handler")
            if self.events[known] and not self.faults.over:
                raise Poisoned(record.id)
            await handle(record)
            await self.faults.point("after an answer")

        return poisoned


class Unit(Protocol):
    """What a machine runs: an installation, or one instance of a service."""

    async def begin(self) -> None:
        """Open and start; return once it runs."""
        ...

    async def end(self) -> None:
        """Stop cleanly."""
        ...


class Machine:
    """Keeps one unit running, one process after the other."""

    def __init__(self, loop: Loop, faults: Faults, name: str, make: Callable[[Process, Doors], Unit]) -> None:
        self.name = name
        self.process: Process | None = None
        self.doors: Doors | None = None
        self.unit: Any = None
        self.starts = 0
        self.retired = False
        self._loop = loop
        self._faults = faults
        self._make = make

    @property
    def up(self) -> bool:
        """Whether its process runs, and is not stopped."""
        process = self.process
        return (
            self.doors is not None
            and process is not None
            and process.alive
            and process.stopped_until <= self._loop.time()
        )

    async def run(self) -> None:
        while not self.retired:
            self.starts += 1
            process = self.process = Process(self._loop, f"{self.name}.{self.starts}")
            doors = Doors(process)
            self.unit = self._make(process, doors)
            self._faults.say(f"{process.name} starts")
            try:
                await within(process, self.unit.begin(), None)
            except Gone:
                self._faults.say(f"{process.name} died while it started")
            except (StoreError, sqlite3.Error, KafkaError, NotBegun, StateError) as error:
                self._faults.say(f"{process.name} does not start: {error!r}")
                process.kill()
            else:
                self.doors = doors
                await asyncio.wait([process.died])
            self.doors = None
            self._faults.say(f"{process.name} is dead")
            await asyncio.sleep(self._faults.random.choice((0.2, 2.0, 15.0)))
        await self._loop.create_future()

    async def restart(self) -> None:
        """Stop it cleanly, as for an upgrade; another one starts."""
        process, doors = self.process, self.doors
        if process is None or doors is None:
            return
        self.doors = None
        try:
            await within(process, self.unit.end(), 300)
        except Gone:
            self._faults.say(f"{process.name} died while it stopped")
        finally:
            process.kill()

    def retire(self) -> None:
        """It dies, and no other one starts."""
        self.retired = True
        if self.process is not None:
            self.process.kill()

    def wake(self) -> None:
        """It stands still no longer."""
        if self.process is not None and self.process.stopped_until > self._loop.time():
            self.process.stopped_until = self._loop.time()
            self.process._wake()


async def within(process: Process, work: Coroutine[Any, Any, T], seconds: float | None) -> T:
    """Have a process do something, and wait for it. Raises Gone where no answer comes."""
    if not process.alive:
        work.close()
        raise Gone(process.name)
    task = process.run(work)
    ends: list[asyncio.Future[Any]] = [task, process.died]
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if not task.done() or isinstance(task.exception(), Crash):
        raise Gone(process.name)
    return task.result()


Ask = Callable[[Doors], Awaitable[T]]


def among(machines: Sequence[Machine], has: Callable[[Doors], object]) -> list[Doors]:
    """The doors that are there of some kind; a client does not know whether anybody stands behind."""
    return [one.doors for one in machines if one.doors is not None and has(one.doors) is not None]
