"""Single cases to ask checks about: in a plain house that works around the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from services.audit.checks.check import AsOf, CaseCheck, CaseHistory, Doubt, Noted
from services.audit.checks.running import Gathered
from tests.backtests.hours import AROUND_THE_CLOCK
from tests.backtests.passing import COORDINATOR, Town, in_order
from tests.backtests.story import Story

MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine o'clock where the house is."""
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_HOUR, _DAY = 3600, 86_400
LIMITS = {
    "dispatch": 4 * _HOUR,
    "accept": _DAY,
    "contact": 2 * _DAY,
    "resolve": 10 * _DAY,
    "promise": 15 * _DAY,
    "reply": 5 * _DAY,
    "pause": 5 * _DAY,
    "silence": 7 * _DAY,
    "callback": _DAY,
    "assist": 3 * _DAY,
    "extension": 5 * _DAY,
    "decide": 4 * _HOUR,
    "signoff": 4 * _HOUR,
    "review": 2 * _DAY,
}
PLAIN = Town(
    0,
    AROUND_THE_CLOCK,
    LIMITS,
    ("housing", "roads", "water"),
    {
        office: (f"{office}-officer-1", f"{office}-officer-2")
        for office in ("housing", "roads", "water", COORDINATOR)
    },
    alarmed=0.0,
)


def arrived(**how: Any) -> Story:
    """A case that housing has had since the morning."""
    story = Story(PLAIN, Random(1), 1, MORNING, **how)
    story.arrive(department="housing")
    return story


def accepted(**how: Any) -> Story:
    """The same, accepted after an hour."""
    story = arrived(**how)
    story.wait_until(MORNING + HOUR)
    story.accept()
    return story


def history(story: Story, as_of: datetime | None = None) -> CaseHistory:
    """Its entries, as known at an instant: when the last of them was made, where none is named."""
    until = as_of or story.now
    gathered = Gathered()
    for index, record in enumerate(in_order([story], until)):
        gathered.add(Noted(index, record))
    (found,) = gathered.histories(AsOf(gathered.size, until))
    return found


def doubts(
    check: CaseCheck[Any], story: Story, as_of: datetime | None = None, **parameters: Any
) -> list[Doubt]:
    """What a check sees in it. Whatever it will see by time alone it must ask for."""
    known = history(story, as_of)
    tuned = check.parameters(**parameters)
    again = check.again(known, tuned)
    assert again is None or again > known.as_of.at
    return list(check.examine(known, tuned))


def figures(doubt: Doubt) -> dict[str, int]:
    """A doubt's numbers."""
    return {one.name: one.value for one in doubt.figures}
