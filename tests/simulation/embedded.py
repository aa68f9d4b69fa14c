"""An embedded installation in a simulated world: the real runner on a model of its store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from services.embedded import COLLECTIONS, FRONTS
from services.intake.smtp import SmtpDoor
from shared.bus.embedded import EmbeddedBus
from shared.content.embedded import EmbeddedContent
from shared.content.sweeping import Sweeping
from shared.embedded import Embedded
from shared.events import Record
from shared.lock import Lock
from shared.service import House, Service
from shared.timers import TimerLoop
from tests.simulation import house, rows
from tests.simulation.clock import MachineClock
from tests.simulation.invariants import Durable
from tests.simulation.loop import Process
from tests.simulation.machine import Doors, Machine, Poison, within
from tests.simulation.post import ModelSender
from tests.simulation.sqlite import Disk, ModelSqlite
from tests.simulation.world import World


def without(service: Service, *kinds: type) -> Service:
    """A service without some of what runs beside it."""
    return replace(service, companions=[one for one in service.companions if not isinstance(one, kinds)])


class ModelInstallation(Embedded):
    """All four services in one process."""

    def __init__(
        self, world: EmbeddedWorld, disk: Disk, poison: Poison, process: Process, doors: Doors
    ) -> None:
        super().__init__(world.settings, FRONTS, COLLECTIONS, clock=world.clock)
        self._world = world
        self._disk = disk
        self._poison = poison
        self._process = process
        self._doors = doors

    async def open(self) -> None:
        world, directory = self._world, self.settings.data
        self._lock = Lock(directory / "lock")
        self._lock.acquire()
        self._process.at_death(self._lock.release)
        self.store = cast(Any, world.store_of(self._disk))
        self.house = House(
            settings=self.settings,
            clock=self.clock,
            store=self.store,
            content=EmbeddedContent(self.store, directory / "content"),
            keys=world.keys,
            organisation=world.organisation,
            directory=directory,
            alone=True,
        )
        self.bus = EmbeddedBus(self.store, self.clock)
        with house.sender(ModelSender(world.post, MachineClock(world.clock), world.faults)):
            built = [front(self.house) for front in self._fronts]
        for service in built:
            self._doors.open(self.house, service)
        self.services = [self._poison.into(without(service, SmtpDoor, Sweeping)) for service in built]
        self.timers = TimerLoop(
            [timer for service in self.services for timer in service.timers], self.store, self.clock
        )

    async def begin(self) -> None:
        await self.open()
        await self.start()

    async def end(self) -> None:
        await self.stop()


class EmbeddedWorld(World):
    """One embedded installation: one process at a time, on one disk."""

    kinds = ("crash", "stop", "slow", "poison", "full", "refuse", "lost")

    def build(self) -> list[Machine]:
        self.disk = Disk()
        self.loop.threads_ask = False  # the trail asks for leave to sign only where there may be two

        def make(process: Process, doors: Doors) -> ModelInstallation:
            return ModelInstallation(self, self.disk, self.poison, process, doors)

        return [Machine(self.loop, self.faults, "installation", make)]

    def store_of(self, disk: Disk) -> ModelSqlite:
        """The store of a process."""
        return ModelSqlite(disk, self.faults)

    def cases(self) -> list[tuple[str, str]]:
        return [(id, str(row.fields["ref"])) for id, row in self.disk.documents["cases"].items()]

    def changes(self) -> object:
        return self.disk.changes, len(self.post.attempts)

    def next_due(self, *, cases: bool) -> datetime | None:
        names = ("messages", "deliveries", "digests", *(("cases",) if cases else ()))
        found = [rows.next_due(self.disk.documents[name].values()) for name in names]
        return min((at for at in found if at is not None), default=None)

    def kept(self) -> Durable:
        return Durable(
            {
                name: {id: (row.version, row.body) for id, row in some.items()}
                for name, some in self.disk.documents.items()
            },
            self.disk.of_subject,
            self.disk.claims,
            self.disk.events,
        )

    def history(self, id: str) -> Sequence[Record]:
        return self.disk.of_subject.get(id, ())

    async def replay(self) -> None:
        for machine in self.machines:
            assert machine.process is not None
            bus: EmbeddedBus = machine.unit.bus
            for held in await within(machine.process, bus.held_keys(), 60):
                self.faults.say(f"replays {held.group} {held.key}")
                await within(machine.process, bus.replay(held.group, held.key), 60)
