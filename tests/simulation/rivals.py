"""A second audit, started beside the first on a volume of its own: by mistake, or with an old copy."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from services.audit.guard import NAME, Signed
from services.audit.index import FILE, Index
from services.audit.log import LogReader, LogWriter, from_directory
from services.audit.log.merkle import root_at
from tests.simulation.faults import Faults
from tests.simulation.machine import Machine
from tests.simulation.mongo import Server

OFTEN = 0.2
"""In how many seeds there is one, where it is not over before."""
FIRST, SECOND = "audit-1", "audit-2"


class Rivals:
    """The two audits of one trail, of which one may sign."""

    def __init__(
        self, directory: Path, server: Server, faults: Faults, seed: int, make: Callable[[str], Machine]
    ) -> None:
        self.stays = FIRST
        self._directory = directory
        self._server = server
        self._faults = faults
        self._random = Random(f"rivals {seed}")
        """Its own: seeds without a second audit are what they were."""
        self._make = make
        self._second: Machine | None = None
        self._running: asyncio.Task[None] | None = None

    async def begin(self, machines: list[Machine]) -> None:
        """At some time, start a second one."""
        if self._random.random() >= OFTEN:
            return
        await asyncio.sleep(self._random.choice((0.2, 2.0, 10.0, 40.0)) * self._random.uniform(0.5, 1.5))
        first = self._directory / FIRST
        volume = "a copy" if first.is_dir() and self._random.random() < 0.6 else "an empty volume"
        if volume == "a copy":
            shutil.copytree(first, self._directory / SECOND, ignore=shutil.ignore_patterns("lock"))
        self._faults.hits["rival", volume] += 1
        self._faults.say(f"a second audit, on {volume}")
        self._second = self._make(SECOND)
        machines.append(self._second)
        self._running = asyncio.create_task(self._second.run())

    def end(self, machines: list[Machine]) -> None:
        """Somebody sees that there are two, and lets the one stay whose volume has what was signed."""
        if self._second is None:
            return
        both = {one.name: one for one in machines if one.name in (FIRST, SECOND)}
        for one in both.values():
            if one.process is not None:
                one.process.kill()
        self.stays = next(name for name in both if self._has_what_is_signed(self._directory / name / "audit"))
        self._faults.say(f"{self.stays} stays")
        gone = both[FIRST if self.stays == SECOND else SECOND]
        gone.retire()
        machines.remove(gone)

    def _has_what_is_signed(self, volume: Path) -> bool:
        found = next(
            (one for id, one in self._server.primary.get("registers", {}).items() if id.startswith(NAME)),
            None,
        )
        if found is None:
            return True
        signed = Signed.read(found["value"])
        if not (volume / FILE).exists():
            return not signed.size
        index = Index(volume / FILE)
        state = index.state
        index.close()
        LogWriter(volume / "log", state).close()  # makes good what a crash left
        hashes = LogReader(from_directory(volume / "log")).hash_reader(state.size)
        return signed.size <= state.size and root_at(signed.size, hashes).hex() == signed.root
