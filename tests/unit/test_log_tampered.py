"""Random tamperings of a log are all found, and each is named by the entry or the tile that is wrong; nothing else is.

Not looked for, since no reader of the log could find it: what lies in the free pages of databases, and signatures that
witnesses whom nobody named put under a checkpoint. A partial tile that is gone is no fault once the full one stands, or
where no checkpoint in force needs it.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from services.audit.log import verify_log
from tests.unit.log_samples import VKEY, grow
from tests.unit.tampering import LOCAL, WIDE, Local, Target, Wrong
from tests.unit.tampering_edge import SINGLE, Single

AT_ONCE = 12
"""So many tamperings of different tiles are looked for together."""
SINGLE_OF = 9
"""One in so many tamperings is of the sort that is looked for alone."""
WORKERS = 2


@dataclass(frozen=True)
class Round:
    """Tamperings that are there at the same time, and what a verification is to name."""

    seed: int
    single: bool


def rounds(tamperings: int) -> Iterator[Round]:
    """As many rounds as make up so many tamperings."""
    single = tamperings // SINGLE_OF
    for seed in range(single):
        yield Round(seed, single=True)
    for seed in range(-(-(tamperings - single) // AT_ONCE)):
        yield Round(single + seed, single=False)


def tampered(log: Target, one: Round) -> tuple[list[str], set[Wrong]]:
    """Do it; the kinds of tampering, and what is wrong."""
    chance = random.Random(one.seed)
    done: list[str] = []
    wrong: set[Wrong] = set()
    if one.single:
        single: Single = SINGLE[one.seed % len(SINGLE)]
        return [single.__name__], single(log, chance)
    numbers = iter(chance.sample(log.bundles, 2 * AT_ONCE))
    kinds: list[Local] = [LOCAL[(one.seed * AT_ONCE + at) % len(LOCAL)] for at in range(AT_ONCE)]
    if one.seed % 4 == 0:
        kinds[0] = WIDE[one.seed // 4 % len(WIDE)]
    for kind in kinds:
        done.append(kind.__name__)
        wrong |= kind(log, chance, numbers)
    return done, wrong


def missed(directory: Path, size: int, kept: bytes, share: list[Round]) -> tuple[Counter[str], list[str]]:
    """How often each kind was done, and where verification said something else than what is wrong."""
    log, seen, faults = Target(directory, size), Counter[str](), []
    for one in share:
        done, wrong = tampered(log, one)
        report = verify_log(directory, VKEY, since=kept)
        named = {(problem.path, problem.entry) for problem in report.problems}
        if report.ok or named != wrong:
            faults.append(f"{one} {done}: missed {wrong - named}, accused besides {named - wrong}"[:2000])
        log.restore()
        seen.update(done)
    assert verify_log(directory, VKEY, since=kept).ok
    return seen, faults


def all_found(folder: Path, sizes: list[int], tamperings: int) -> None:
    """Every tampering of a log that grew to these sizes is found and named."""
    batches = [size - before for size, before in zip(sizes, [0, *sizes], strict=False)]
    _, notes = grow(folder / "0", batches)
    every = list(rounds(tamperings))
    for worker in range(1, WORKERS):
        shutil.copytree(folder / "0", folder / str(worker))
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        work = [
            pool.submit(missed, folder / str(worker), sizes[-1], notes[-1], every[worker::WORKERS])
            for worker in range(WORKERS)
        ]
        results = [one.result() for one in work]
    faults = [fault for _, found in results for fault in found]
    assert not faults, "\n".join(faults[:10])
    seen = sum((seen for seen, _ in results), Counter[str]())
    assert seen.total() >= tamperings
    assert set(seen) == {kind.__name__ for kind in (*LOCAL, *WIDE, *SINGLE)}


def test_two_hundred_tamperings_of_ten_thousand_entries_are_each_named(tmp_path: Path) -> None:
    all_found(tmp_path, [9_900, 9_986, 9_990, 10_000], 200)


@pytest.mark.long
def test_two_thousand_tamperings_of_a_hundred_thousand_entries_are_each_named(tmp_path: Path) -> None:
    all_found(tmp_path, [60_000, 99_860, 99_950, 100_000], 2_000)
