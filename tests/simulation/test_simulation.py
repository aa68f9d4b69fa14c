"""Whatever crashes or stalls, whenever: the promise of DESIGN.md section 5, over seeds (README.md)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.simulation.__main__ import told
from tests.simulation.broken import BROKEN
from tests.simulation.seeds import WORLDS, Tally, first_caught, many, one, some

FEW = range(30)
MOST_UNTIL_CAUGHT = 200


@pytest.mark.parametrize("mode", WORLDS)
def test_every_promise_is_kept_whatever_crashes_or_stalls(mode: str) -> None:
    tally = some(mode, FEW)
    assert tally.failures == []
    assert {"crash", "stop"} <= tally.kinds.keys()


@pytest.mark.parametrize(
    ("mode", "seed"),
    [
        ("embedded", 10_419)
    ],  # begun anew, an obligation's rung at an instant that was answered before never fell
)
def test_a_seed_that_once_broke_a_promise_keeps_them_all(mode: str, seed: int) -> None:
    assert one(mode, seed).failure is None


@pytest.mark.long
@pytest.mark.parametrize("mode", WORLDS)
def test_every_promise_is_kept_over_a_thousand_seeds_and_every_fault_happens(mode: str) -> None:
    tally = many(mode, range(10_000, 11_000))
    assert tally.failures == []
    assert all(tally.kinds[kind] >= 10 for kind in WORLDS[mode].kinds)


@pytest.mark.parametrize(
    ("seeds", "hits", "code"), [(10_000, 100, 0), (10_000, 99, 2), (9_999, 99, 0), (10_000, 0, 2)]
)
def test_a_kind_of_fault_that_many_seeds_hit_too_rarely_is_told(
    seeds: int, hits: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = WORLDS["cluster"].kinds
    often = Counter({(kind, "somewhere"): 100 for kind in kinds if kind != "cut"})
    rare = Counter({("cut", "publish"): hits - hits // 2, ("cut", "a given up publish"): hits // 2})
    assert told("cluster", Tally(seeds, hits=often + rare), 1.0) == code
    said = f"cluster: cut happened {hits} times, and must 100 times in 10000 seeds"
    assert [line for line in capsys.readouterr().out.splitlines() if "must" in line] == [said] * (code == 2)


@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name, one in BROKEN.items() for mode in one.modes]
)
def test_a_runner_is_caught_that(name: str, mode: str) -> None:
    caught = next(first_caught(name, mode, range(MOST_UNTIL_CAUGHT)), None)
    assert caught is not None
    assert one(mode, caught.seed).failure is None, "it is the runner that is broken, not the seed"


@pytest.mark.parametrize("mode", WORLDS)
def test_a_seed_takes_the_same_steps_each_time_in_every_process(mode: str) -> None:
    here = [_digest(mode, 7), _digest(mode, 7)]
    elsewhere = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from tests.simulation.test_simulation import _digest; print(_digest({mode!r}, 7))",
        ],
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {*here, elsewhere.stdout.strip()} == {here[0]}


def _digest(mode: str, seed: int) -> str:
    outcome = one(mode, seed)
    return f"{outcome.steps} {hash_of(outcome.trace)}"


def hash_of(trace: list[tuple[float, str, str]]) -> str:
    """One word for a whole trace."""
    return hashlib.sha256(repr(trace).encode()).hexdigest()
