"""Alarms: rungs of a million open obligations, each recorded durably and its event handed to who publishes it.

Cases arrive at the sample county in its working hours of the last eight working days, under its own limits and ladder.
Those of the last day still owe acceptance and first contact too, so do some of the day before; of the rest the matter
itself is owed, on time or not. Each sender was promised an answer, as ever: that falls with what the department owes
that got the case as it arrived, and one event says both. Every rung up to the beginning has been climbed, so that what
falls in the measured time is what falls on any afternoon: reminders, warnings, breaches and escalations, of obligations
of every age. At the hour's own rate no loop would have much to do: the clock runs as much faster as it takes.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

from bench.desk import county, routing
from bench.reference import group_commit
from bench.stock import fill, versions
from services.routing.case import CASES, Case
from services.routing.handlers import CASE_KIND
from services.routing.obligation import COORDINATOR, Obligation
from shared.aggregate import Loaded, step
from shared.clock import Clock, SimulatedClock
from shared.events import Record
from shared.events.cases import CaseAlarmed
from shared.events.messages import Kind
from shared.events.obligations import ObligationKind
from shared.organisation import Facts
from shared.store import Step
from shared.timers import LOOK_EVERY, TimerLoop

BEGIN = datetime(2026, 9, 23, 6, 0, tzinfo=UTC)
"""A Wednesday's two o'clock in the county."""
_STRIDE_SECONDS = 50
"""Of a million obligations, what falls in so many seconds is some batches: more is due than can be done at once."""
_DAYS = 8
_ARRIVALS = 2_500
"""Instants of each day at which cases arrive: so many that no two rungs of one instant make a crowd."""
_OWED_A_CASE = 2.3
"""Roughly, to show how far the making has come."""
_KINDS: dict[Kind, float] = {"problem": 60, "enquiry": 25, "complaint": 15}


def stock(obligations: int) -> Iterator[Step]:
    """New cases that owe so many things between them, as they stand at the beginning."""
    chance = Random(1)
    departments = [one.id for one in county().organisation.departments]
    arrivals = _arrivals(chance)
    owed = 0
    while owed < obligations:
        arrived, age = chance.choice(arrivals)
        kind = chance.choices(list(_KINDS), list(_KINDS.values()))[0]
        owes: tuple[ObligationKind, ...] = ("resolve",)
        if age == 0 or (age == 1 and chance.random() < 0.2):
            owes = ("accept", "contact", "resolve")
        department = chance.choice(departments)
        open_ones = tuple(
            one if one.kind == "promise" else replace(one, owner=department)
            for one in _aged(kind, arrived, owes)
        )
        owed += len(open_ones)
        case = Case(
            ref=f"{chance.getrandbits(40):010x}",
            kind=kind,
            channel="phone",
            language="zh-Hant",
            message=f"msg_{chance.getrandbits(128):032x}",
            words=f"cnt_{chance.getrandbits(128):032x}",
            arrived=arrived,
            organisation=county().version,
            category="roads",
            promise=open_ones[0].due,
            state="assigned" if len(owes) > 1 else "accepted",
            department=department,
            assigned=arrived,
            obligations=open_ones,
            started=4,
        )
        inputs = frozenset(f"inp_{chance.getrandbits(128):032x}" for _ in range(2))
        loaded = Loaded(case, 3, inputs, arrived)
        yield step(CASE_KIND, f"case_{chance.getrandbits(128):032x}", 0, loaded, versions(3))


def _arrivals(chance: Random) -> list[tuple[datetime, int]]:
    """Instants in working hours of the last days, each with how many working days ago it was."""
    calendar = county().organisation.calendar
    found: list[tuple[datetime, int]] = []
    day, age = calendar.local(BEGIN).replace(hour=0, minute=0, second=0, microsecond=0), 0
    while age < _DAYS:
        if calendar.is_working_day(day.date()):
            some = [day + timedelta(seconds=chance.randrange(86_400)) for _ in range(8 * _ARRIVALS)]
            some = [one for one in some if calendar.timeline.is_open(int(one.timestamp())) and one < BEGIN]
            found += [(one.astimezone(UTC), age) for one in some[:_ARRIVALS]]
            age += 1
        day -= timedelta(days=1)
    return found


@cache
def _aged(kind: Kind, since: datetime, owes: Sequence[ObligationKind]) -> tuple[Obligation, ...]:
    """Obligations that began then, with the rungs climbed that fell by the beginning."""
    desk = county()
    begun = desk.starts(Facts(kind), COORDINATOR, since, 1, "promise")
    begun += desk.starts(Facts(kind), desk.organisation.departments[0].id, since, 2, *owes)
    aged = []
    for one in map(Obligation.started, begun):
        rung, at = one.next_rung, one.next_at
        while rung is not None and at is not None and at <= BEGIN:
            rung, at = desk.rung_after(one, rung)
        aged.append(replace(one, next_rung=rung, next_at=at))
    return tuple(aged)


class HastenedClock:
    """The machine's clock, that runs faster from an instant on."""

    def __init__(self, start: datetime, speed: float) -> None:
        self.speed = speed
        self._start = start
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self.speed)

    async def wait_until(self, instant: datetime) -> None:
        await asyncio.sleep(max(0.0, (instant - self.now()).total_seconds() / self.speed))


@dataclass
class _Heard:
    """What became durable."""

    clock: Clock
    alarms: int = 0
    late: list[float] = field(default_factory=list)
    """Seconds of the clock from each rung's instant until its event was handed on."""
    events: list[tuple[str, int]] = field(default_factory=list)
    """The aggregate and the sequence of each."""

    def hear(self, placed: Sequence[tuple[int, Record]]) -> None:
        now = self.clock.now()
        for _, record in placed:
            if isinstance(event := record.data, CaseAlarmed):
                self.alarms += len(event.rungs)
                self.late += [(now - rung.at).total_seconds() for rung in event.rungs]
                self.events.append((record.subject, record.sequence))


def timers(obligations: int, alarms: int, seconds: float) -> dict[str, object]:
    """The bench `timers`: as many alarms as there can be, then half as many a second for some seconds."""
    with tempfile.TemporaryDirectory() as directory:
        making = multiprocessing.get_context("spawn").Process(target=_make, args=(directory, obligations))
        making.start()  # of its own, so that what it takes is not counted
        making.join()
        if making.exitcode:
            raise RuntimeError(f"the cases were not made: exit {making.exitcode}")
        return asyncio.run(_measured(Path(directory), obligations, alarms, seconds)) | {
            "obligations": obligations
        }


def _make(directory: str, obligations: int) -> None:
    fill(Path(directory), CASES, stock(obligations), round(obligations / _OWED_A_CASE))


async def _measured(directory: Path, obligations: int, alarms: int, seconds: float) -> dict[str, object]:
    peak, end, heard = await _peak(directory, obligations, alarms)
    natural = heard.alarms / (end - BEGIN).total_seconds()
    steady = await _steady(directory, end, peak / 2 / natural, seconds)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    reference, stated = group_commit(directory, CASES, heard.events)
    late = sorted(steady.late)
    return {
        "bench": "timers",
        "value": round(peak),
        "p99_lateness_s": round(late[len(late) * 99 // 100], 3),
        "max_lateness_s": round(late[-1], 3),
        "rss_mib": round(rss),
        "reference": round(reference),
        "reference_is": stated,
        "ratio": round(peak / reference, 3),
        "steady": f"{len(late) / seconds:.0f} alarms/s, the clock {peak / 2 / natural:.0f} times as fast as any other",
        "alarms": heard.alarms,
        "documents": len(heard.events),
    }


async def _peak(directory: Path, obligations: int, alarms: int) -> tuple[float, datetime, _Heard]:
    """Alarms/s with always more due than can be done, and the instant that was come to."""
    clock = SimulatedClock(BEGIN)
    heard = _Heard(clock)
    taken = 0.0
    stride = timedelta(seconds=_STRIDE_SECONDS * 1_000_000 / obligations)
    async with routing(directory, clock) as here:
        here.store.on_commit(heard.hear)
        loop = TimerLoop([here.timer], here.store, clock)
        while heard.alarms < alarms:
            clock.advance_to(clock.now() + stride)
            began = time.perf_counter()
            await loop.fire_due()
            taken += time.perf_counter() - began
    return heard.alarms / taken, clock.now(), heard


async def _steady(directory: Path, start: datetime, speed: float, seconds: float) -> _Heard:
    """The loop by itself, at that many times the usual rate. Lateness is in seconds of the machine's clock."""
    clock = HastenedClock(start, speed)
    heard = _Heard(clock)
    async with routing(directory, clock) as here:
        here.store.on_commit(heard.hear)
        loop = TimerLoop([here.timer], here.store, clock, look_every=LOOK_EVERY * speed)
        await loop.start()
        await asyncio.sleep(seconds)
        await loop.stop()
    heard.late = [one / speed for one in heard.late]
    return heard
