"""A group that answers nothing though events wait is found out; one that has nothing to do is left in peace."""

from __future__ import annotations

from datetime import timedelta

from shared.bus.standstill import STILL_SECONDS, Stand, Standstill
from shared.clock import SimulatedClock
from tests.installations import WEDNESDAY


class Watched:
    """A group's streams, looked at as time goes by."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(WEDNESDAY)
        self.seconds = 0.0
        self.of = Standstill(self.clock, lambda: self.seconds)

    def later(self, seconds: float, *stands: tuple[str, int, int]) -> str | None:
        self.seconds += seconds
        self.clock.advance_to(WEDNESDAY + timedelta(seconds=self.seconds))
        self.of.saw(Stand(*one) for one in stands)
        return self.of.reason()


def test_what_waits_and_does_not_move_is_said_with_its_stream_and_since_when() -> None:
    watched = Watched()
    assert watched.later(0, ("cases/3", 17, 2)) is None
    assert watched.later(STILL_SECONDS, ("cases/3", 17, 3)) is None
    said = watched.later(1, ("cases/3", 17, 4))
    since = f"{WEDNESDAY:%Y-%m-%dT%H:%M:%SZ}"
    assert said == f"nothing of cases/3 has been answered since {since} (31 s), and 4 of its events wait"
    assert watched.of.seconds() == STILL_SECONDS + 1


def test_the_one_that_has_stood_longest_is_named_and_the_others_counted() -> None:
    watched = Watched()
    watched.later(0, ("cases/0", 5, 1))
    watched.later(10, ("cases/0", 5, 1), ("messages/1", 8, 1))
    said = watched.later(STILL_SECONDS + 1, ("cases/0", 5, 1), ("messages/1", 8, 1), ("messages/2", 0, 1))
    assert said is not None
    assert said.startswith("nothing of cases/0 ")
    assert said.endswith(", and 1 more like it")


def test_one_that_is_slow_but_moves_gets_on() -> None:
    watched = Watched()
    for position in range(10):
        assert watched.later(STILL_SECONDS, ("cases/0", position, 1000)) is None


def test_one_that_has_nothing_to_do_gets_on_and_its_rest_does_not_count_against_it() -> None:
    watched = Watched()
    for _ in range(10):
        assert watched.later(STILL_SECONDS, ("cases/0", 5, 0)) is None
    assert watched.later(STILL_SECONDS, ("cases/0", 5, 1)) is None
    assert watched.of.seconds() == 0


def test_what_another_answers_now_is_no_longer_this_ones_standstill() -> None:
    watched = Watched()
    watched.later(0, ("cases/0", 5, 1))
    assert watched.later(STILL_SECONDS + 1) is None
    assert watched.later(0, ("cases/0", 5, 1)) is None
