"""One seed's world: what runs in it, what is done to it, and what must be so at its end."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import traceback
import warnings
from abc import abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import structlog

from services.audit.log import Signer
from shared.events import Record
from shared.generation import trail_origin
from shared.keys import Keys
from shared.organisation import Organisation
from shared.settings import Settings
from tests.simulation import house, invariants
from tests.simulation.audit import FAULTS, SIGNED
from tests.simulation.baton import Crash
from tests.simulation.clock import Clock
from tests.simulation.faults import Faults
from tests.simulation.invariants import Durable
from tests.simulation.loop import Loop, Stuck
from tests.simulation.machine import Machine, Poison
from tests.simulation.post import Post
from tests.simulation.workload import People

WEDNESDAY = datetime(2026, 9, 30, 1, 0, tzinfo=UTC)
"""Nine o'clock in the sample county, on the last working day before a week of holidays."""
MEMORY = Path("/dev/shm")
MOST_LOOKS = 60
_CLOSELY = 20
"""So many of the instants at which something is due are lived through one by one."""
SOON = timedelta(hours=3)


@dataclass
class Outcome:
    """What became of one seed."""

    seed: int
    failure: str | None
    hits: Counter[tuple[str, str]]
    steps: int
    trace: list[tuple[float, str, str]]
    error: BaseException | None = None
    """What failed, where a test wants to see it whole."""


class World:
    """An installation and everything around it. A subclass says what it consists of."""

    quiet = 8.0
    """Seconds without a change after which nothing more is expected."""
    kinds: ClassVar[tuple[str, ...]]
    """The kinds of fault that can happen in it."""

    def __init__(
        self,
        seed: int,
        loop: Loop,
        directory: Path,
        *,
        calm: bool = False,
        organisation: Organisation | None = None,
        start: datetime | None = None,
        story: Callable[[World], Awaitable[None]] | None = None,
    ) -> None:
        self.seed = seed
        self.organisation = organisation or house.organisation()
        self.calm = calm
        self._story = story
        self.random = Random(seed)
        self.loop = loop
        self.faults = Faults(self.random, loop, calm=calm)
        some_time = WEDNESDAY + timedelta(minutes=self.random.randrange(600))
        self.clock = Clock(loop, start or some_time)
        self.directory = directory
        self.settings = Settings(data=directory, min_free=1)
        self.keys = Keys(directory)
        self.post = Post()
        self.poison = Poison(self.faults)
        self.signed: list[bytes] = []
        self.machines: list[Machine] = self.build()
        self.people = People(self.machines, self.faults, self.post, self.cases)

    @abstractmethod
    def build(self) -> list[Machine]:
        """What runs."""

    @contextmanager
    def patched(self) -> Iterator[None]:
        """While this lasts, the house stands on this world's models."""
        yield

    @property
    def log(self) -> Path:
        """Where the trail is."""
        return self.directory / "audit" / "log"

    @abstractmethod
    def cases(self) -> Sequence[tuple[str, str]]:
        """Ids and refs of the cases there are."""

    @abstractmethod
    def changes(self) -> object:
        """Something that is another whenever anything was written or sent."""

    @abstractmethod
    def next_due(self, *, cases: bool) -> datetime | None:
        """When time alone must be looked at again: for all but cases, or for everything."""

    @abstractmethod
    def kept(self) -> Durable:
        """What is durable."""

    def history(self, id: str) -> Sequence[Record]:
        """An aggregate's events."""
        return self.kept().histories.get(id, ())

    @abstractmethod
    async def replay(self) -> None:
        """Bring back what was held back, as an operator would."""

    async def begin_faults(self) -> None:
        """What goes wrong beside the processes; a subclass may have more."""

    def end_faults(self) -> None:
        """Everything that was away is there again."""

    async def live(self) -> None:
        """People live and things go wrong, or what the world was made for; then everything must come right."""
        FAULTS.set(self.faults)
        SIGNED.set(self.signed)
        running = [asyncio.create_task(machine.run()) for machine in self.machines]
        lived = asyncio.ensure_future(self._live() if self._story is None else self._story(self))
        await asyncio.wait([lived, *running], return_when=asyncio.FIRST_COMPLETED)
        for one in running:
            if one.done():
                one.result()
            one.cancel()
        lived.result()

    async def _live(self) -> None:
        seconds = self.random.choice((1.0, 5.0, 20.0, 60.0))
        beside = [
            asyncio.create_task(one)
            for one in (self._time(seconds), self._upgrades(seconds), self.begin_faults())
        ]
        people = asyncio.create_task(self.people.live(seconds))
        await asyncio.sleep(seconds * 1.5 + 5)
        for one in beside:
            one.cancel()
        self.faults.say("nothing goes wrong any more")
        self.faults.over = True
        self.end_faults()
        for machine in self.machines:
            machine.wake()
        await people
        await self.settle(self.quiet)
        await self.replay()
        await self._days()
        await self.settle(self.quiet)
        while self.next_due(cases=False) is not None:  # what a case's last hours have set off
            await self._days()
            await self.settle(self.quiet)

    async def _time(self, seconds: float) -> None:
        """Hours pass at once, in the midst of everything."""
        for _ in range(self.random.randint(0, 4)):
            await asyncio.sleep(self.random.uniform(0, seconds / 2))
            due = self.next_due(cases=True)
            if due is not None and self.random.random() < 0.7:
                self.jump(due + timedelta(seconds=self.random.choice((0, 0, 1, 7200))))
            else:
                self.jump(self.clock.now() + timedelta(minutes=self.random.choice((1, 5, 16, 200))))

    def jump(self, to: datetime) -> None:
        """The hours until then pass at once."""
        self.clock.jump_to(to)
        self.faults.say(f"it is {self.clock.now().isoformat(timespec='seconds')}")

    async def _upgrades(self, seconds: float) -> None:
        """Processes are stopped cleanly, for another version."""
        for machine in self.machines:
            if self.random.random() < 0.3:
                await asyncio.sleep(self.random.uniform(0, seconds / 2))
                await machine.restart()

    async def settle(self, quiet: float) -> None:
        """Return once nothing changes any more."""
        for _ in range(MOST_LOOKS):
            before = self.changes()
            await asyncio.sleep(quiet)
            if self.changes() == before and all(machine.up for machine in self.machines):
                return
        raise Stuck("it never settles")

    async def _days(self) -> None:
        """Live through what was left to time: some days of it for cases, all of it for the rest."""
        end = self.clock.now() + timedelta(days=self.random.choice((0, 0, 1, 4, 12)))
        for look in range(MOST_LOOKS):
            soon = self.next_due(cases=False)
            later = self.next_due(cases=True)
            due = soon or (later if later is not None and later <= end else None)
            if due is None:
                return
            self.jump(
                max(
                    due,
                    self.clock.now()
                    + timedelta(minutes=self.random.choice((0, 0, 300) if look < _CLOSELY else (1500,))),
                )
            )
            await self.settle(4.0)
        raise Stuck("what is left to time never ends")


def run(make: Callable[..., World], seed: int, *, calm: bool = False, log: bool = False) -> Outcome:
    """Live through one seed."""
    loop = Loop()
    directory = Path(tempfile.mkdtemp(prefix="simulation-", dir=MEMORY if MEMORY.is_dir() else None))
    world: World | None = None

    def hear(_: Any, __: str, said: Any) -> Any:
        if world is not None:
            world.faults.say(str(said))
        raise structlog.DropEvent

    try:
        with (
            warnings.catch_warnings(),
            house.patched(Random(seed ^ 0x5EED), loop, hear if log else None),
        ):
            # What a dead process was about to await, it never does.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            world = make(seed, loop, directory, calm=calm)
            surprises: list[str] = []
            loop.set_exception_handler(_heard(surprises))
            failure: str | None = None
            failed: BaseException | None = None
            try:
                with world.patched():
                    loop.run_until_complete(world.live())
                kept = world.kept()
                signer = Signer(world_origin(world), world.keys.ed25519("log").private_bytes_raw())
                invariants.check(kept, world.people, world.post, world.log, signer.verifier)
                invariants.one_history(world.signed, world.log, signer.verifier)
                invariants.projection(world.log, signer.verifier, house.zone())
                invariants.require(not surprises, "nothing fails unheard", surprises)
            except (AssertionError, Exception) as error:
                failure, failed = f"{type(error).__name__}: {error}", error
                if log and not isinstance(error, AssertionError):
                    failure += "\n" + "".join(traceback.format_exception(error))
            finally:
                for machine in world.machines:
                    if machine.process is not None:
                        machine.process.kill()
                loop.end()
            return Outcome(seed, failure, world.faults.hits, loop.steps, world.faults.trace, failed)
    finally:
        with suppress(OSError):
            shutil.rmtree(directory)


def _heard(surprises: list[str]) -> Callable[[Any, dict[str, Any]], None]:
    def hear(_: Any, said: dict[str, Any]) -> None:
        if not isinstance(said.get("exception"), Crash):
            surprises.append(repr(said.get("exception") or said))

    return hear


def world_origin(world: World) -> str:
    """The name of the installation's trail."""
    return trail_origin(world.settings, world.organisation.id, world.settings.data)
