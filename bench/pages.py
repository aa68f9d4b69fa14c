"""The workbench's list: one page of a million cases, found, counted, read and written as the API's JSON.

The cases are of three years and thirty departments, one of which has a fifth of them; one in ten is open. Each set of
filters is asked with common values and with such as match few or none, from the first page on.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import get_args

from bench.desk import Routing, routing
from bench.stock import fill, versions
from services.routing.case import CASES, Case, State
from services.routing.handlers import CASE_KIND
from services.routing.obligation import Obligation
from services.routing.office import Filter
from services.routing.shapes import CaseList
from shared.aggregate import Loaded, step
from shared.clock import SimulatedClock
from shared.events.messages import Channel, Kind
from shared.rights import Right
from shared.rights.policy import machine
from shared.store import Step, Where

NOW = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
DEPARTMENTS = [f"department-{number:02}" for number in range(30)]
_SIZES = [7.0, *(7 / number for number in range(1, 30))]
_ROUNDS = 20
_PAGES = 3

_STATES: dict[State, float] = {"closed": 90, "accepted": 6.5, "assigned": 2.8, "answered": 0.6, "new": 0.1}
_KINDS: dict[Kind, float] = {"problem": 50, "enquiry": 25, "complaint": 20, "suggestion": 4, "praise": 0.9}
_CHANNELS: dict[Channel, float] = {
    "web": 50,
    "phone": 30,
    "email": 15,
    "counter": 4,
    "sms": 0.9,
    "open311": 0.1,
}
assert set(_CHANNELS) <= set(get_args(Channel))

Asked = Filter | Sequence[Where]


def filter_sets() -> dict[str, list[Asked]]:
    """The listed sets, each with common and with rare values."""
    largest, other, smallest = DEPARTMENTS[0], DEPARTMENTS[1], DEPARTMENTS[-1]
    some = (largest, other, smallest)
    return {
        "none": [Filter()],
        "department": [Filter(department=one) for one in some],
        "department+state": [
            Filter(department=one, state=state) for one in (largest, smallest) for state in get_args(State)
        ],
        "department+kind": [
            Filter(department=one, kind=kind)
            for one in (largest, smallest)
            for kind in ("problem", "praise", "report")
        ],
        "overdue": [Filter(overdue=True)],
        "due_before": [Filter(due_before=NOW + timedelta(days=days)) for days in (-100, 1, 5)],
        "department+overdue": [Filter(department=one, overdue=True) for one in some],
        "channel": [Filter(channel=one) for one in ("web", "open311", "cloudevents")],
        "helping": [[Where("helping", "has", one)] for one in some],
    }


def stock(count: int) -> Iterator[Step]:
    """New cases, each in a state as it could have come to."""
    chance = Random(1)
    states, kinds, channels = list(_STATES), list(_KINDS), list(_CHANNELS)
    for number in range(count):
        department = chance.choices(DEPARTMENTS, _SIZES)[0]
        state = chance.choices(states, list(_STATES.values()))[0]
        ago = timedelta(seconds=chance.randrange(3 * 365 * 86_400 if state == "closed" else 20 * 86_400))
        case = Case(
            ref=f"{number:010}",
            kind=chance.choices(kinds, list(_KINDS.values()))[0],
            channel=chance.choices(channels, list(_CHANNELS.values()))[0],
            language="zh-Hant",
            message=f"msg_{chance.getrandbits(128):032x}",
            words=f"cnt_{chance.getrandbits(128):032x}",
            arrived=NOW - ago,
            organisation="0" * 64,
            can_mail=True,
            category=f"duty-{chance.randrange(60)}",
            urgent=chance.random() < 0.01,
            state=state,
            department=None if state == "new" else department,
            assigned=NOW - ago,
            promise=NOW - ago + timedelta(days=7),
        )
        if state == "closed":
            case = case.model_copy(update={"closed": NOW - ago, "outcome": "feedback"})
        else:
            case = case.model_copy(update={"obligations": tuple(_obligations(chance, case)), "started": 5})
        inputs = frozenset(f"inp_{chance.getrandbits(128):032x}" for _ in range(3))
        loaded = Loaded(case, 1, inputs, case.arrived)
        yield step(CASE_KIND, f"case_{chance.getrandbits(128):032x}", 0, loaded, versions(1))


def _obligations(chance: Random, case: Case) -> Iterator[Obligation]:
    owner, since = case.holder, case.arrived
    for number, kind in enumerate(("contact", "resolve")):
        due = since + timedelta(days=1 + 6 * number, seconds=chance.randrange(86_400))
        yield Obligation(f"{kind}-{number}", owner, since, due, "5wd", next_rung=2, next_at=due)
    if chance.random() < 0.02:
        helper = chance.choices(DEPARTMENTS, _SIZES)[0]
        yield Obligation("assist-4", helper, since, due, "2wd", next_rung=2, next_at=due)


def pages(count: int) -> dict[str, object]:
    """The bench `pages`."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        fill(Path(directory), CASES, stock(count), count)
        made = time.perf_counter() - began
        return asyncio.run(_measured(Path(directory), count)) | {"made_in_s": round(made)}


async def _measured(directory: Path, count: int) -> dict[str, object]:
    sets = filter_sets()
    taken: dict[str, list[float]] = {name: [] for name in sets}
    bare: list[float] = []
    async with routing(directory, SimulatedClock(NOW)) as here:
        for _ in range(_ROUNDS):
            for name, variants in sets.items():
                for asked in variants:
                    taken[name] += await _walk(here, asked, bare)
    slowest = {name: round(_p95(seconds) * 1000, 2) for name, seconds in taken.items()}
    worst = max(slowest, key=slowest.__getitem__)
    return {
        "bench": "pages",
        "value": slowest[worst],
        "reference": round(_p95(bare) * 1000, 2),
        "reference_is": "ms of SQLite reading the same documents by their ids: nothing found, counted or decoded",
        "ratio": round(_p95(bare) * 1000 / slowest[worst], 3),
        "unit": "ms, p95 of the slowest set: Office.list with its count, to JSON; HTTP itself not",
        "slowest_set": worst,
        "p95_ms": slowest,
        "cases": count,
        "pages_measured": sum(map(len, taken.values())),
    }


async def _walk(here: Routing, asked: Asked, bare: list[float]) -> list[float]:
    """Seconds of each of the first pages."""
    cursor: str | None = None
    taken: list[float] = []
    for _ in range(_PAGES):
        began = time.perf_counter()
        page = await _page(here, asked, cursor)
        page.model_dump_json()
        taken.append(time.perf_counter() - began)
        began = time.perf_counter()
        await asyncio.gather(*(here.store.load(CASES, case.id) for case in page.cases))
        bare.append(time.perf_counter() - began)
        cursor = page.next
        if cursor is None:
            break
    return taken


async def _page(here: Routing, asked: Asked, cursor: str | None) -> CaseList:
    if isinstance(asked, Filter):
        return await here.office.list(_SEES_ALL, asked, cursor=cursor)
    return await here.office.page(asked, NOW, cursor=cursor)


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[-1]


_SEES_ALL = machine("bench", [Right.CASES_READ])
