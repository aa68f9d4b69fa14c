"""Machines whose clocks differ: mostly as far as they may, at times one by more than that."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from shared.pulse import MOST_OFF
from tests.simulation.clock import Clock, MachineClock
from tests.simulation.faults import Faults
from tests.simulation.invariants import require
from tests.simulation.machine import Machine, within

OFTEN = 0.5
"""In how many seeds clocks differ."""
WRONG = 0.4
"""In how many of these one is wrong by more than it may."""
MOST_WRONG = 40.0


class Drift:
    """The clocks of a world's machines, by the machines' names."""

    def __init__(self, true: Clock, faults: Faults, seed: int, *, calm: bool = False) -> None:
        self._true = true
        self._faults = faults
        self._random = Random(f"clocks {seed}")
        """Its own: seeds whose clocks agree are what they were."""
        self.differ = self._random.random() < OFTEN and not calm
        self._clocks: dict[str, MachineClock] = {}

    def of(self, name: str) -> MachineClock:
        """A machine's clock, which outlives its processes."""
        if name not in self._clocks:
            most = MOST_OFF.total_seconds()
            off = self._random.uniform(-most, most) if self.differ else 0.0
            self._clocks[name] = MachineClock(self._true, timedelta(seconds=off))
        return self._clocks[name]

    def begin(self, machines: list[Machine]) -> None:
        """At times one is wrong."""
        if not self.differ:
            return
        self._faults.hits["clock", "differs"] += 1
        if self._random.random() < WRONG:
            clock = self.of(self._random.choice(machines).name)
            seconds = self._random.uniform(MOST_OFF.total_seconds() * 1.5, MOST_WRONG)
            clock.off = timedelta(seconds=self._random.choice((-1, 1)) * seconds)
            self._faults.hits["clock", "is wrong"] += 1
        for name, clock in self._clocks.items():
            self._faults.say(f"the clock of {name} is {clock.off.total_seconds():+.3f} s off")

    async def end(self, machines: list[Machine]) -> None:
        """Who has a wrong clock says that it is not ready, and nobody else does; then the clock is set."""
        for machine in machines if self.differ else []:
            assert machine.process is not None
            clock = self.of(machine.name)
            await within(machine.process, machine.unit._pulse.ask(), 60)
            says = any("this machine's clock" in reason for reason in machine.unit.not_ready())
            require(
                says is not clock.sound,
                "a machine whose clock is wrong says that it is not ready, and no other does",
                (machine.name, clock.off),
            )
            if not clock.sound:
                clock.off = timedelta()
