"""`python -m tests.simulation [MODE] --seeds 1000..1999`, or `--seed 1234` to replay one, step by step."""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.broken import BROKEN
from tests.simulation.seeds import MANY, OFTEN, WORLDS, Tally, many, one


def main() -> int:
    """Run; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("mode", nargs="?", choices=[*WORLDS, "both"], default="both")
    parser.add_argument("--seeds", default="0..199", help="FIRST..LAST")
    parser.add_argument("--seed", type=int, help="replay this one, with its trace")
    parser.add_argument("--broken", choices=sorted(BROKEN), help="with a runner that is broken on purpose")
    given = parser.parse_args()
    modes = list(WORLDS) if given.mode == "both" else [given.mode]
    if given.seed is not None:
        return max(_replay(mode, given.seed, given.broken) for mode in modes)
    first, _, last = given.seeds.partition("..")
    return max(_many(mode, range(int(first), int(last or first) + 1)) for mode in modes)


def _replay(mode: str, seed: int, broken: str | None) -> int:
    outcome = one(mode, seed, broken=broken, log=True)
    for at, process, what in outcome.trace:
        print(f"{at:10.3f}  {process:<16} {what}")
    print(f"{mode} seed {seed}: {outcome.steps} steps, {outcome.failure or 'every promise kept'}")
    return int(outcome.failure is not None)


def _many(mode: str, seeds: range) -> int:
    began = time.monotonic()

    def heard(tally: Tally) -> None:
        if sys.stderr.isatty():
            rate = tally.seeds / (time.monotonic() - began)
            print(f"\r{mode}: {tally.seeds}/{len(seeds)} seeds, {rate:.0f}/s ", end="", file=sys.stderr)

    tally = many(mode, seeds, heard=heard)
    return told(mode, tally, time.monotonic() - began)


def told(mode: str, tally: Tally, seconds: float) -> int:
    """Say what many seeds came to; answers the exit code."""
    print(
        f"{mode}: {tally.seeds} seeds in {seconds:.0f} s, {tally.seeds / seconds:.1f}/s, {tally.steps} steps"
    )
    for kind, times in sorted(tally.kinds.items()):
        places = ", ".join(f"{where} {n}" for (of, where), n in sorted(tally.hits.items()) if of == kind)
        print(f"  {kind:<10} {times:>7}  {places}")
    if not tally.failures:
        rare = tally.rare(WORLDS[mode].kinds)
        for kind in rare:
            print(
                f"{mode}: {kind} happened {tally.kinds[kind]} times, and must {OFTEN} times in {MANY} seeds"
            )
        return 2 if rare else 0
    seed, failure = tally.failures[0]
    print(f"{mode} seed {seed}: {failure}\n  replay: make simulate MODE={mode} SEED={seed}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
