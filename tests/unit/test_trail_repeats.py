"""A bus that promises events at least once: the trail has each once, and everything that is not the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.installations import in_a_loop
from tests.unit.test_trail import CASES, entries, verified
from tests.unit.trail_samples import a_trail, take


@in_a_loop
async def test_what_comes_again_in_a_batch_later_or_after_a_restart_is_one_entry(tmp_path: Path) -> None:
    once = [record.value for record in (*CASES[0], *CASES[1])]
    async with a_trail(tmp_path, repeats=True) as trail:
        await take(trail, [*CASES[0], *CASES[0][:2]])
        await take(trail, CASES[0])
        await take(trail, [*CASES[0][1:], *CASES[1]])
        assert entries(trail) == once
    async with a_trail(tmp_path, repeats=True) as trail:
        await take(trail, [*CASES[1], *CASES[0]])
        assert entries(trail) == once
        await take(trail, CASES[2])
        assert entries(trail) == [*once, *(record.value for record in CASES[2])]
    verified(tmp_path)


@in_a_loop
async def test_other_bytes_in_an_events_place_are_an_entry_for_all_to_see(tmp_path: Path) -> None:
    forged = replace(CASES[0][0], value=CASES[0][0].value.replace(b'"web"', b'"api"'))
    assert forged.value != CASES[0][0].value
    async with a_trail(tmp_path, repeats=True) as trail:
        await take(trail, CASES[0])
        await take(trail, [forged])
        assert entries(trail) == [*(record.value for record in CASES[0]), forged.value]
    verified(tmp_path)
