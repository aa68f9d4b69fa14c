"""A cluster in a simulated world: two instances of every service, one audit, on models of Kafka and MongoDB."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from services import audit, intake, notify, routing
from services.audit import trail
from services.embedded import COLLECTIONS
from services.intake.smtp import SmtpDoor
from shared import cluster, members, pulse
from shared.bus import publisher
from shared.bus.kafka import group
from shared.cluster import Instance
from shared.content.sweeping import Sweeping
from shared.events import Record
from shared.members import Members
from shared.pulse import MOST_OFF
from shared.runner import Front
from shared.service import House, Service
from shared.store.instants import instant
from tests.simulation import house
from tests.simulation.drift import MOST_WRONG, Drift
from tests.simulation.embedded import without
from tests.simulation.invariants import Durable
from tests.simulation.kafka import Broker
from tests.simulation.loop import Process
from tests.simulation.machine import Doors, Machine, within
from tests.simulation.models import beneath
from tests.simulation.mongo import Server
from tests.simulation.post import ModelSender
from tests.simulation.rivals import Rivals
from tests.simulation.world import World

PARTITIONS = 3
USED = [
    one
    for one in COLLECTIONS
    if one.name in {"messages", "cases", "deliveries", "digests", "organisation", "trail"}
]
"""The collections that anything is written to here."""
_FRONTS: dict[str, Front] = {
    "intake": intake.service,
    "routing": routing.service,
    "notify": notify.service,
    "audit": audit.service,
}
_COLLECTIONS = {
    "intake": intake.COLLECTIONS,
    "routing": routing.COLLECTIONS,
    "notify": notify.COLLECTIONS,
    "audit": audit.COLLECTIONS,
}
_INSTANCES = {"intake": 2, "routing": 2, "notify": 2, "audit": 1}


class ModelInstance(Instance):
    """One instance of a service: the real one, but for its mail's way out and in."""

    def __init__(self, world: ClusterWorld, service: str, name: str, process: Process, doors: Doors) -> None:
        self._world = world
        self._process = process
        self._doors = doors
        self._service = service
        self._name = name
        settings = world.settings.model_copy(update={"data": world.directory / name})
        super().__init__(settings, self._built, _COLLECTIONS[service], USED, clock=world.drift.of(name))

    def _built(self, house_: House) -> Service:
        world = self._world
        with house.sender(ModelSender(world.post, world.drift.of(self._name), world.faults)):
            built = _FRONTS[self._service](house_)
        self._doors.open(house_, built)
        return world.poison.into(without(built, SmtpDoor, Sweeping))

    async def begin(self) -> None:
        self._process.at_death(self._unlock)
        await self.open()
        await self.start()

    async def end(self) -> None:
        await self.stop()

    def _unlock(self) -> None:
        if hasattr(self, "_lock"):
            self._lock.release()


class ClusterWorld(World):
    """All of it."""

    quiet = 24.0  # longer than what is left behind waits for a sweep
    kinds = (
        *("crash", "stop", "slow", "poison", "full", "refuse", "lost"),
        *("away", "failover", "cut", "rebalance", "rival", "clock"),
    )

    def build(self) -> list[Machine]:
        self.settings = self.settings.model_copy(
            update={
                "topic_partitions": PARTITIONS,
                "kafka_servers": "kafka:9092",
                "mongo_url": "mongodb://mongo",
            }
        )
        self.mongo = Server(self.faults, self.clock)
        self.kafka = Broker(self.faults, PARTITIONS)
        self.rivals = Rivals(
            self.directory, self.mongo, self.faults, self.seed, lambda name: self._machine("audit", name)
        )
        self.drift = Drift(self.clock, self.faults, self.seed, calm=self.calm)
        if self.drift.differ:
            self.quiet += 2 * MOST_OFF.total_seconds()
        return [
            self._machine(service, f"{service}-{number}")
            for service, count in _INSTANCES.items()
            for number in range(1, count + 1)
        ]

    def _machine(self, service: str, name: str) -> Machine:
        def make(process: Process, doors: Doors) -> ModelInstance:
            return ModelInstance(self, service, name, process, doors)

        return Machine(self.loop, self.faults, name, make)

    @contextmanager
    def patched(self) -> Iterator[None]:
        watch = SimpleNamespace(monotonic=self.loop.time)
        seeded = random.Random(self.random.randrange(1 << 32))
        with beneath(self.mongo, self.kafka), ExitStack() as stack:
            for where, name, what in (
                (publisher, "random", seeded),
                (cluster, "load", lambda _: self.organisation),
                (cluster, "Members", partial(Members, watch=self.loop.time)),
                (pulse, "time", watch),
                # Nothing is late by that: what is asked again and again is asked less often, to save steps.
                (members, "BEAT_SECONDS", 4.0),
                (pulse, "ASK_SECONDS", 30.0),
                (group, "LOOK_EVERY", 20.0),
                (trail, "PUBLISH_EVERY", 2.0),
                (publisher, "SWEEP_EVERY", 8.0),
            ):
                stack.enter_context(patch.object(where, name, what))
            yield

    @property
    def log(self) -> Path:
        return self.directory / self.rivals.stays / "audit" / "log"

    def cases(self) -> list[tuple[str, str]]:
        return [(id, one["f"]["ref"]) for id, one in self.mongo.documents("doc_cases").items()]

    def changes(self) -> object:
        return self.mongo.changes, self.kafka.appended, len(self.post.attempts)

    def next_due(self, *, cases: bool) -> datetime | None:
        names = ("messages", "deliveries", "digests", *(("cases",) if cases else ()))
        found = [
            one["due"]
            for name in names
            for one in self.mongo.documents(f"doc_{name}").values()
            if "due" in one
        ]
        return instant(min(found)) if found else None

    async def begin_faults(self) -> None:
        self.drift.begin(self.machines)
        await self.rivals.begin(self.machines)

    def end_faults(self) -> None:
        self.rivals.end(self.machines)
        self.mongo.there()
        self.kafka.there()

    def kept(self) -> Durable:
        documents = {
            one.name: {
                id: (kept["version"], kept["body"])
                for id, kept in self.mongo.documents(f"doc_{one.name}").items()
            }
            for one in COLLECTIONS
        }
        events: defaultdict[str, dict[int, Record]] = defaultdict(dict)
        for one in COLLECTIONS:
            for id, kept in self.mongo.documents(f"doc_{one.name}").items():
                for event in kept.get("unpublished", ()):
                    events[id][event["sequence"]] = Record.read(event["topic"], event["value"])
        for kept in self.mongo.documents("events").values():
            events[kept["subject"]][kept["sequence"]] = Record.read(kept["topic"], kept["value"])
        return Durable(
            documents,
            {id: [some[number] for number in sorted(some)] for id, some in events.items()},
            {key: kept["value"] for key, kept in self.mongo.documents("claims").items()},
            [
                Record.read(one.topic, one.value)
                for where, log in self.kafka.logs.items()
                if not where.topic.endswith(".dead")
                for one in log
            ],
        )

    async def replay(self) -> None:
        await self.drift.end(self.machines)
        if self.drift.differ:  # what was saved by a clock that was ahead is old enough for the sweep
            self.jump(self.clock.now() + timedelta(seconds=2 * MOST_WRONG))
        held = {(one["group"], one["key"]): None for one in self.mongo.documents("held").values()}
        for name, key in held:
            machine = next(one for one in self.machines if one.name.startswith(name))
            assert machine.process is not None
            self.faults.say(f"replays {name} {key}")
            await within(machine.process, machine.unit.bus.replay(name, key), 120)
