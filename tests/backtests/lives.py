"""Whole innocent lives of cases, in towns drawn wide: what every check's history is made of besides what it looks for.

Nobody here does anything that a supervisor would ask about; but they are people: some act early, some on the last day,
some call twice before they reach somebody, some ask back, some need more time and say so in time. A life is made of
the parts below, so that whoever makes up a wrong one changes one part and keeps the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.events import Record
from tests.backtests.hours import AROUND_THE_CLOCK, Hours, of_the_day
from tests.backtests.passing import COORDINATOR, Town, in_order
from tests.backtests.story import Story

BEGINNING = datetime(2026, 1, 5, 0, 30, tzinfo=UTC)
KINDS = ("problem", "complaint", "enquiry", "suggestion", "report")
_HOUR = 3600
_A_TOWN = 500
"""Cases of one town; a history has as many towns as it needs."""


@dataclass(frozen=True)
class Truth:
    """Something that is so in a case: whoever sees it names one of these events (by their ids) as evidence."""

    case: str
    events: frozenset[str]
    seen: datetime
    """From when on it could be seen at all."""
    what: str = ""


@dataclass
class History:
    """What happened in many cases until an instant, and what is so in them."""

    records: list[Record]
    until: datetime
    truths: list[Truth]
    stories: list[Story] = field(default_factory=list)


def truth(story: Story, *records: Record, what: str = "", seen: datetime | None = None) -> Truth:
    """It is so in this story, from the last of these events on where nothing else is said."""
    return Truth(
        story.case, frozenset(one.id for one in records), seen or max(one.time for one in records), what
    )


def draw_town(rng: Random, number: int) -> Town:
    """A house: a ministry's long limits or a hospital's short ones, with office hours, shifts or no night."""
    shape = rng.random()
    if shape < 0.2:
        hours = AROUND_THE_CLOCK
    elif shape < 0.4:
        hours = Hours(((28_800, 72_000),), days=rng.choice((6, 7)))
    else:
        first = BEGINNING.timestamp() // 86_400
        off = frozenset(int(first + rng.randint(0, 120)) for _ in range(rng.randint(0, 8)))
        hours = Hours(days=5, off=off)
    day = hours.a_day
    resolve = round(day * rng.choice((1, 2, 3, 5, 5, 7, 15)) * rng.uniform(0.8, 1.2))
    dispatch = rng.choice((_HOUR // 2, 2 * _HOUR, 4 * _HOUR))
    accept = min(rng.choice((2 * _HOUR, 4 * _HOUR, day)), resolve // 4)
    limits = {
        "dispatch": dispatch,
        "accept": accept,
        "contact": min(max(rng.choice((4 * _HOUR, day, 2 * day)), accept * 3 // 2), resolve // 2),
        "resolve": resolve,
        "promise": round(resolve * rng.uniform(1.3, 2)) + dispatch,
        "reply": rng.choice((3, 5)) * day,
        "pause": rng.choice((2, 5, 10)) * day,
        "silence": 86_400 * rng.choice((5, 7, 10)),
        "callback": day,
        "assist": max(resolve // 3, _HOUR),
        "extension": resolve,
        "decide": 4 * _HOUR,
        "signoff": 4 * _HOUR,
        "review": 2 * day,
    }
    departments = tuple(f"town{number}-{name}" for name in "abcdefghijkl"[: rng.randint(3, 12)])
    officers = {
        office: tuple(f"{office}-officer-{one}" for one in range(1, rng.randint(3, 6)))
        for office in (*departments, COORDINATOR)
    }
    return Town(
        number,
        hours,
        limits,
        departments,
        officers,
        deemed=rng.random() < 0.2,
        flagged=rng.random() < 0.8,
        alarmed=rng.uniform(0.6, 1),
    )


def draw_story(rng: Random, town: Town, number: int, over: timedelta, **how: Any) -> Story:
    """A case that arrives some time in that span; most by day, some at night."""
    at = BEGINNING + over * rng.random()
    if rng.random() < 0.8:
        at = town.hours.after(at, rng.uniform(0, town.hours.a_day / 2))
    how.setdefault("kind", rng.choices(KINDS, (60, 15, 15, 6, 4))[0])
    how.setdefault("channel", rng.choices(("web", "email", "phone", "counter"), (40, 30, 20, 10))[0])
    how.setdefault("can_mail", how["channel"] in {"web", "email"} or rng.random() < 0.3)
    how.setdefault("anonymous", how["channel"] == "web" and rng.random() < 0.05)
    if how["anonymous"]:
        how["can_mail"] = False
    at = at.replace(microsecond=0)
    return Story(town, rng, number, at, **how)


# The parts of a life


def begin(story: Story) -> None:
    """It arrives, is dispatched in time, and a department accepts it in time."""
    rng = story.rng
    if rng.random() < 0.7:
        story.arrive()
    else:
        story.arrive(queued=rng.choice(("no_rule", "unsure")))
        story.reach("dispatch", _some(rng))
        story.assign(rng.choice(story.town.departments), actor=story.officer(COORDINATOR))
    accept(story)


def accept(story: Story) -> None:
    """The department accepts in time; here and there the limit does it for them, where that counts."""
    if story.town.deemed and story.rng.random() < 0.1:
        story.reach("accept", 1)
        story.accept(deemed=True)
        return
    story.reach("accept", _some(story.rng, 0.9))
    story.accept()


def get_in_touch(story: Story) -> None:
    """The department speaks to the sender, in office hours; some are not reached at once, and tried later again."""
    rng = story.rng
    if story.anonymous:
        if rng.random() < 0.5:
            story.reach("contact", _some(rng))
            story.answer(final=False)
        else:
            story.reach("contact", _some(rng))
            story.ask()
        return
    roll = rng.random()
    if roll < 0.2 and story.can_mail:
        story.reach("contact", _some(rng))
        story.ask(suspends=False)
        return
    story.reach("contact", _some(rng, 0.4))
    if by_day(story, "contact") and roll < 0.4:
        story.contact("not_reached", words=rng.random() < 0.6)
        story.reach("contact", rng.uniform(0.75, 0.9))
        by_day(story, "contact")
    story.contact("reached" if rng.random() < 0.95 else "refused", site_visit=rng.random() < 0.2)


def work(story: Story) -> None:
    """What happens on the way: a question that holds everything up, parts that must come, help, more time in time."""
    rng = story.rng
    roll = rng.random()
    if roll < 0.12 and (story.can_mail or story.channel != "phone"):
        story.reach("resolve", rng.uniform(0.1, 0.55))
        story.ask(suspends=True)
        story.reach("reply", rng.uniform(0.05, 0.95))
        story.write()
    elif roll < 0.18:
        story.reach("resolve", rng.uniform(0.1, 0.6))
        story.suspend(rng.choice(("third_party", "weather", "parts", "court")))
        story.reach("pause", rng.choice((rng.uniform(0.2, 0.95), 1.0)))
        story.resume("lapsed" if story.now >= story.when("pause", 1) else "by_hand")
    elif roll < 0.26:
        story.reach("resolve", rng.uniform(0.3, 0.75))
        story.extend()
        story.spend(rng.uniform(300, min(3 * _HOUR, story.town.limits["resolve"] / 8)))
        story.decide_extension(granted=rng.random() < 0.8)
    elif roll < 0.34:
        story.reach("resolve", rng.uniform(0.1, 0.4))
        others = [one for one in story.town.departments if one != story.department]
        asked = story.assist(rng.choice(others))
        story.reach("assist", _some(rng, 0.9))
        story.assisted(asked)
    if rng.random() < 0.1:
        story.reach("resolve", rng.uniform(0.3, 0.7))
        story.write(verified=rng.random() < 0.8)


def answer(story: Story, *, resolved: bool | None = None) -> Record:
    """The final answer, in time, by somebody who says no more than is so."""
    rng = story.rng
    story.reach("resolve", min(0.98, _some(rng, 0.98)))
    if resolved is None:
        resolved = story.kind in {"problem", "complaint"} and rng.random() < 0.6
    if resolved and rng.random() < 0.8:
        story.solve()
    if rng.random() < 0.15:
        drafted_by = story.officer()
        story.draft(actor=drafted_by, resolved=resolved)
        return story.answer(resolved=resolved, actor=f"{story.department}-head", drafted_by=drafted_by)
    return story.answer(resolved=resolved)


def finish(story: Story) -> None:
    """The sender says yes, or says nothing until the case is closed for that."""
    rng = story.rng
    if story.owes("callback") is not None:
        story.reach("callback", _some(rng, 0.9))
        by_day(story, "callback")
        story.contact("reached", callback=True)
    if rng.random() < 0.45:
        story.reach("silence", rng.uniform(0.02, 0.9))
        story.feedback(solved=True, satisfied=rng.choice((True, None)))
    else:
        story.reach("silence", 1)
        story.close("silence")


def live(story: Story) -> None:
    """A whole innocent life."""
    begin(story)
    get_in_touch(story)
    work(story)
    answer(story)
    finish(story)


def _some(rng: Random, most: float = 0.95) -> float:
    """How much of their time people use: mostly little, sometimes nearly all."""
    return float(min(most, rng.betavariate(1.3, 2.2)))


def by_day(story: Story, kind: str) -> bool:
    """Wait for an hour at which people are called, nine to half past eight in the evening, where that is in time."""
    second = of_the_day(story.now)
    if 9 * _HOUR <= second <= 20.5 * _HOUR:
        return True
    ahead = (9 * _HOUR - second) % (24 * _HOUR) + story.rng.randint(0, _HOUR)
    then = story.now + timedelta(seconds=ahead)
    debt = story.owes(kind)
    if debt is not None and then >= debt.started.due:
        return False
    story.wait_until(then)
    return True


Telling = Callable[[Story], list[Truth]]
"""Tells one story to its end and says what is so in it."""


def history(
    seed: int,
    count: int,
    tell: Telling,
    *,
    draw: Callable[[Random, Town, int, timedelta], Story] = draw_story,
    over: timedelta = timedelta(days=90),
    until: timedelta = timedelta(days=120),
) -> History:
    """So many cases over a time, as known at an instant; what could be seen only later is not so yet."""
    rng = Random(seed)
    horizon = BEGINNING + until
    stories: list[Story] = []
    truths: list[Truth] = []
    town = draw_town(rng, 0)
    for number in range(count):
        if number % _A_TOWN == 0 or (count < _A_TOWN * 4 and number % (count // 4 or 1) == 0):
            town = draw_town(rng, number)
        story = draw(rng, town, number, over)
        truths += [one for one in tell(story) if one.seen <= horizon]
        stories.append(story)
    return History(in_order(stories, horizon), horizon, truths, stories)
