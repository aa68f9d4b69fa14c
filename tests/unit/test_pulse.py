"""Readiness means that the store answers and that the machine's clock is right enough for what others may begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared import pulse
from shared.clock import APART, RealClock
from shared.pulse import MOST_OFF, Pulse
from shared.store import Unavailable
from tests.installations import in_a_loop
from tests.registers import RegistersHere


class Off(RealClock):
    """A machine's clock that is wrong."""

    by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


@in_a_loop
async def test_two_machines_within_the_bound_are_within_what_everybody_allows_for() -> None:
    clock = Off()
    one = Pulse(RegistersHere(), clock)
    for share in (-1, 0, 1):
        clock.by = share * (MOST_OFF - timedelta(seconds=0.5))
        await one.ask()
        assert one.not_ready() == []
    assert 2 * MOST_OFF <= APART


@pytest.mark.parametrize(("share", "word"), [(1.5, "ahead of"), (-1.5, "behind")])
@in_a_loop
async def test_a_clock_further_off_is_said_with_its_direction(share: float, word: str) -> None:
    clock = Off()
    clock.by = share * MOST_OFF
    one = Pulse(RegistersHere(), clock)
    await one.ask()
    (reason,) = one.not_ready()
    assert f"clock is 7.5 s {word} the store's" in reason


@in_a_loop
async def test_a_store_that_does_not_answer_is_a_reason_once_it_is_no_failover(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registers = RegistersHere()
    one = Pulse(registers, RealClock())
    await one.ask()
    registers.away = True
    with pytest.raises(Unavailable):
        await one.ask()
    assert one.not_ready() == []
    monkeypatch.setattr(pulse, "AWAY_SECONDS", -1.0)
    (reason,) = one.not_ready()
    assert reason.startswith("the store has not answered for")
