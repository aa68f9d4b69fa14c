"""Many seeds, over the machine's cores, and what they hit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice

from tests.simulation.broken import BROKEN
from tests.simulation.cluster import ClusterWorld
from tests.simulation.embedded import EmbeddedWorld
from tests.simulation.world import Outcome, World, run

WORLDS: dict[str, type[World]] = {"embedded": EmbeddedWorld, "cluster": ClusterWorld}
MANY = 10_000
OFTEN = 100
"""So many seeds must hit each kind of fault so often."""
_AT_ONCE = 10


@dataclass
class Tally:
    """What some seeds came to."""

    seeds: int = 0
    steps: int = 0
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.steps += outcome.steps
        self.hits.update(outcome.hits)
        if outcome.failure is not None:
            self.failures.append((outcome.seed, outcome.failure))

    def join(self, other: Tally) -> None:
        self.seeds += other.seeds
        self.steps += other.steps
        self.hits.update(other.hits)
        self.failures = sorted(self.failures + other.failures)

    @property
    def kinds(self) -> Counter[str]:
        """Hits by kind of fault."""
        found: Counter[str] = Counter()
        for (kind, _), times in self.hits.items():
            found[kind] += times
        return found

    def rare(self, kinds: Sequence[str]) -> list[str]:
        """Those that so many seeds have hit too rarely to say that they do no harm."""
        return [] if self.seeds < MANY else [kind for kind in kinds if self.kinds[kind] < OFTEN]


def one(mode: str, seed: int, *, broken: str | None = None, log: bool = False) -> Outcome:
    """One seed, perhaps with a runner that is broken on purpose."""
    with ExitStack() as stack:
        if broken is not None:
            stack.enter_context(BROKEN[broken].broken())
        return run(WORLDS[mode], seed, log=log)


def some(mode: str, seeds: Sequence[int]) -> Tally:
    """Several seeds, one after the other, in this process."""
    tally = Tally()
    for seed in seeds:
        tally.add(one(mode, seed))
    return tally


def many(mode: str, seeds: Sequence[int], *, heard: Callable[[Tally], None] = lambda _: None) -> Tally:
    """Many seeds, over all cores; `heard` is told how far they are. No new ones are begun after a failure."""
    tally = Tally()
    rest = iter(seeds)
    chunks = iter(lambda: list(islice(rest, _AT_ONCE)), [])
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        under_way = [pool.submit(some, mode, chunk) for chunk in islice(chunks, 2 * workers)]
        while under_way:
            tally.join(under_way.pop(0).result())
            heard(tally)
            if not tally.failures and (chunk := next(chunks, None)):
                under_way.append(pool.submit(some, mode, chunk))
    return tally


def first_caught(broken: str, mode: str, seeds: Sequence[int]) -> Iterator[Outcome]:
    """The seeds at which a broken runner is caught."""
    for seed in seeds:
        outcome = one(mode, seed, broken=broken)
        if outcome.failure is not None:
            yield outcome
