"""A sample can be drawn again by anybody who has the log: `throughline trail sample` (M32)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.audit.log import open_checkpoint
from services.audit.supervision.sample import draw
from services.cli_trail import app
from shared.events.cases import CaseClosed
from shared.events.findings import SampleAnnounced, SampleDrawn
from tests.installations import in_a_loop
from tests.unit.trail_samples import ARRIVAL, DAY, SIGNER, Life, a_trail, take

CLOSED = {f"case_{number}" for number in range(1, 6)}


async def announced_and_drawn(directory: Path, **otherwise: Any) -> tuple[str, ...]:
    """A log of seven cases, five of them closed in time, of which three are drawn; what the draw said otherwise."""
    life = Life()
    for number in range(1, 8):
        life.case(number)
    for case in sorted(CLOSED):
        life.emit(case, CaseClosed(outcome="declined"))
    life.later(2 * DAY).emit("case_6", CaseClosed(outcome="declined"))
    said = SampleAnnounced(
        actor="supervisor", count=3, since=ARRIVAL, until=ARRIVAL + DAY, size=len(life.records)
    )
    async with a_trail(directory) as trail:
        await take(trail, life.emit("smpl_1", said).records)
        await trail.idle()
        checkpoint = trail.checkpoint()
        assert checkpoint is not None
        cases = draw(open_checkpoint(checkpoint, SIGNER.verifier).state.root, "smpl_1", CLOSED, 3)
        drawn = {"checkpoint": checkpoint.decode(), "of": 5, "cases": cases} | otherwise
        life.later(timedelta(hours=1)).emit("smpl_1", SampleDrawn(**drawn))
        await take(trail, life.records[-1:])
        await trail.idle()
    return cases


def redrawn(directory: Path, *more: str) -> tuple[int, str]:
    """The command's exit code, and what it says."""
    arguments = ["sample", str(directory), "--vkey", SIGNER.verifier.vkey, *more]
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stdout


@in_a_loop
async def test_whoever_has_the_log_draws_the_same_cases(tmp_path: Path) -> None:
    cases = await announced_and_drawn(tmp_path)
    code, said = redrawn(tmp_path)
    assert (code, said.splitlines()[0]) == (0, f"THE SAME  smpl_1: 3 of 5 cases: {', '.join(cases)}")
    (shown,) = json.loads(redrawn(tmp_path, "--json")[1])
    assert (shown["cases"], shown["of"], shown["wrong"]) == ([*cases], 5, None)


@pytest.mark.parametrize(
    ("otherwise", "why"),
    [
        ({"cases": ("case_1", "case_2", "case_3")}, "other cases are drawn"),
        ({"of": 6}, "there were 5 cases to draw from, not 6"),
        ({"checkpoint": "none\n"}, "the checkpoint that drew it"),
    ],
)
@in_a_loop
async def test_one_that_was_chosen_and_not_drawn_is_named(
    tmp_path: Path, otherwise: dict[str, Any], why: str
) -> None:
    await announced_and_drawn(tmp_path, **otherwise)
    code, said = redrawn(tmp_path)
    assert code == 1
    assert said.startswith("WRONG     smpl_1: ")
    assert why in said


@in_a_loop
async def test_one_that_is_still_to_be_drawn_is_no_fault(tmp_path: Path) -> None:
    said = SampleAnnounced(actor="supervisor", count=3, since=ARRIVAL, until=ARRIVAL + DAY, size=0)
    async with a_trail(tmp_path) as trail:
        await take(trail, Life().emit("smpl_1", said).records)
        await trail.idle()
    code, told = redrawn(tmp_path)
    assert (code, told.splitlines()[0]) == (0, "WAITING   smpl_1: announced as entry 0, not drawn yet")
