"""However many audits there are, on whatever volumes: one tree is signed under a log's key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from services.audit.guard import Guard, Superseded
from services.audit.log import StateError
from shared.store import Unavailable
from tests.installations import in_a_loop
from tests.registers import RegistersHere
from tests.unit.test_trail import CASES, verified
from tests.unit.trail_samples import a_trail, take

ORIGIN = "county.example/throughline"


class LosesAnswers(RegistersHere):
    """Does what it is told and then, once, does not say so."""

    lose = False

    async def swap(self, name: str, expected: str | None, value: str) -> str:
        said = await super().swap(name, expected, value)
        if self.lose:
            self.lose = False
            raise Unavailable("nobody knows")
        return said


def guard(registers: RegistersHere) -> Guard:
    return Guard(registers, ORIGIN)


@in_a_loop
async def test_what_is_signed_stands_in_the_store_before_and_a_restart_goes_on(tmp_path: Path) -> None:
    registers = RegistersHere()
    for number in range(3):
        async with a_trail(tmp_path, guard(registers)) as trail:
            await trail.begin()
            await take(trail, CASES[number])
            await trail.publish()
            size = trail.published.size
            assert f'"size":{size}' in registers.values[f"trail/{ORIGIN}"]
            assert f'"epoch":{number + 1}' in registers.values[f"trail/{ORIGIN}"]
    assert size == sum(len(case) for case in CASES[:3])
    verified(tmp_path)


@in_a_loop
async def test_an_audit_on_a_new_volume_does_not_begin_and_says_why(tmp_path: Path) -> None:
    registers = RegistersHere()
    async with a_trail(tmp_path / "one", guard(registers)) as trail:
        await trail.begin()
        await take(trail, CASES[0])
        await trail.publish()
        async with a_trail(tmp_path / "other", guard(registers)) as second:
            with pytest.raises(StateError, match=r"has signed \d+ entries .* here are 0: .* volume"):
                await second.begin()
        await take(trail, CASES[1])
        await trail.publish()  # the first is not disturbed
        assert trail.published.size == len(CASES[0]) + len(CASES[1])


@in_a_loop
async def test_an_audit_whose_entries_are_others_does_not_begin(tmp_path: Path) -> None:
    registers = RegistersHere()
    async with a_trail(tmp_path / "one", guard(registers)) as trail:
        await trail.begin()
        await take(trail, CASES[0])
        await trail.publish()
    async with a_trail(tmp_path / "other", guard(RegistersHere())) as other:
        await other.begin()
        await take(other, [*CASES[1], *CASES[0]])
        await other.publish()
    async with a_trail(tmp_path / "other", guard(registers)) as other:
        with pytest.raises(StateError, match="here are others"):
            await other.begin()


@in_a_loop
async def test_of_two_on_copies_of_a_volume_the_later_signs_and_the_earlier_says_why_not(
    tmp_path: Path,
) -> None:
    registers = RegistersHere()
    async with a_trail(tmp_path / "one", guard(registers)) as trail:
        await trail.begin()
        await take(trail, CASES[0])
        await trail.publish()
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    async with (
        a_trail(tmp_path / "one", guard(registers)) as first,
        a_trail(tmp_path / "copy", guard(registers)) as later,
    ):
        await first.begin()
        await later.begin()
        await take(first, CASES[1])
        with pytest.raises(Superseded, match="another audit signs this trail since its epoch 3"):
            await first.publish()
        assert "stop this one" in (first.ready() or "")
        assert (first.superseded, later.superseded) == (True, False)
        assert first.unsigned_seconds() > 0
        await take(later, CASES[2])
        await later.publish()
        with pytest.raises(Superseded):
            await first.publish()
        assert later.published.size == len(CASES[0]) + len(CASES[2])
        assert first.published.size == len(CASES[0])
    async with a_trail(tmp_path / "one", guard(registers)) as first:
        with pytest.raises(StateError, match=r"here are others|older copy"):
            await first.begin()
    verified(tmp_path / "one")
    verified(tmp_path / "copy")


@in_a_loop
async def test_with_the_store_away_nothing_is_signed_and_a_lost_answer_locks_nobody_out(
    tmp_path: Path,
) -> None:
    registers = LosesAnswers()
    async with a_trail(tmp_path, guard(registers)) as trail:
        await trail.begin()
        await take(trail, CASES[0])
        registers.away = True
        with pytest.raises(Unavailable):
            await trail.publish()
        assert trail.published.size == 0
        registers.away = False
        registers.lose = True
        with pytest.raises(Unavailable):
            await trail.publish()
        await take(trail, CASES[1])
        await trail.publish()
        assert trail.published.size == len(CASES[0]) + len(CASES[1])
    verified(tmp_path)
