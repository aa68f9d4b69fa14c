"""Stories of a town.

`lives()` makes a test of a story and tells it in both worlds of `tests/simulation`, embedded and cluster. Nothing goes
wrong in them here; and when the story is over, everything that a simulation must keep is looked at as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

import pytest

from shared.organisation import Organisation, load
from shared.settings import SAMPLE_ORGANISATIONS
from tests.journeys.town import CALM, Town
from tests.simulation.seeds import WORLDS
from tests.simulation.world import World, run
from tests.unwatched import unwatched

_SAMPLES = {path.stem: path for path in SAMPLE_ORGANISATIONS}


@cache
def sample(name: str) -> Organisation:
    """A sample organisation, by its file's name."""
    return load(_SAMPLES[name])


def lives(
    *modes: str,
    organisation: str | Organisation = "county",
    start: str = "2026-09-30 16:00",
    watched: bool = False,
) -> Callable[[Callable[[Town], Awaitable[None]]], Callable[..., None]]:
    """Let a story be a test, once in each world: `embedded`, `cluster`, or both where none is named.

    What a check finds sets the house to work, too: only a `watched` story has any.
    """

    def told(story: Callable[[Town], Awaitable[None]]) -> Callable[..., None]:
        @pytest.mark.parametrize("mode", modes or WORLDS)
        def test(mode: str) -> None:
            lived = sample(organisation) if isinstance(organisation, str) else organisation
            tell(mode, story, lived if watched else unwatched(lived), start)

        test.__name__, test.__doc__, test.__module__ = story.__name__, story.__doc__, story.__module__
        return test

    return told


def tell(mode: str, story: Callable[[Town], Awaitable[None]], organisation: Organisation, start: str) -> None:
    """Live through a story in one world. Raises what the story raises, or what the world did not keep."""
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(organisation.hours.zone))

    async def lived(world: World) -> None:
        while not all(machine.up for machine in world.machines):
            await world.settle(1.0)
        town = Town(world)
        world.jump(begin)
        await story(town)
        await town.until_all_is_told()

    made = partial(WORLDS[mode], organisation=organisation, start=begin - timedelta(minutes=10), story=lived)
    outcome = run(made, CALM, calm=True)
    if outcome.error is not None:
        raise outcome.error
