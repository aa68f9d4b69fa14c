"""What senders' words show, over made-up histories: who comes again with a matter, and what many bring.

How alike two messages are is drawn here as the facts have it for real texts: the same matter in other words is often
rather unlike, two matters of one kind are sometimes alike. So the figures are those of a judgement, printed with what
is got wrong. Known errors: the same matter in quite other words is missed; another matter of the same kind (the next
lamp in the same street) is taken for the same; a spot that one told in other words, and others after that one, falls in
two, and is seen although somebody had linked the first half.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import pytest

from services.audit.checks.hot_spot import HotSpot
from services.audit.checks.repeated_complaint import RepeatedComplaint
from shared.events import Record, emit
from shared.events.cases import CaseAnswered, CaseClosed, CaseEscalated
from shared.events.facts import MessageRead
from shared.events.linked import CaseLinked
from tests.backtests.lives import BEGINNING, History, Truth, draw_story, draw_town, live
from tests.backtests.passing import Town, in_order
from tests.backtests.scoring import COUNTS, score
from tests.backtests.story import Story

DAY = timedelta(days=1)
SPAN, KNOWN = 200 * DAY, 320 * DAY


def same_matter(rng: Random) -> int:
    """How alike two tellings of one matter are."""
    return round(10_000 * rng.betavariate(9, 2.2))


def same_kind(rng: Random) -> int:
    """How alike two matters of one kind are that are not the same."""
    return round(10_000 * rng.betavariate(3, 7))


def read(story: Story, sender: str | None, like: Story | None = None, likeness: int = 0) -> Record:
    """The fact about a story's first message, some minutes after it."""
    fact = MessageRead(
        about=f"{story.case}/1",
        case=story.case,
        version=1,
        sender=sender,
        like=None if like is None else f"{like.case}/1",
        likeness=likeness,
    )
    record = emit(
        fact,
        source="/made-up",
        subject=f"fact_{story.message}",
        sequence=1,
        time=story.arrived + timedelta(minutes=story.rng.randint(1, 20)),
        causation="made-up",
        key="made-up",
        nonce=bytes(16),
    )
    story.records.append(record)
    return record


class City:
    """Towns, and the numbers of their cases."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.stories: list[Story] = []
        self.truths: list[Truth] = []
        self._towns = [draw_town(self.rng, number) for number in range(40)]

    def one(self, town: Town | None = None, at: datetime | None = None) -> Story:
        """A case, not told yet."""
        story = draw_story(self.rng, town or self.rng.choice(self._towns), len(self.stories), SPAN)
        if at is not None:
            story.now = story.arrived = at
        self.stories.append(story)
        return story

    def history(self) -> History:
        """All that happened."""
        horizon = BEGINNING + KNOWN
        truths = [one for one in self.truths if one.seen <= horizon]
        return History(in_order(self.stories, horizon), horizon, truths, self.stories)


def ended(story: Story) -> list[datetime]:
    """When a case was answered finally, and when it was closed."""
    over = (CaseAnswered, CaseClosed)
    return [
        one.time for one in story.records if isinstance(one.data, over) and getattr(one.data, "final", True)
    ]


def again(seed: int, count: int) -> History:
    """People who come again: with the same matter soon or late, with another, or while it is under way."""
    city = City(seed)
    rng = city.rng
    days = RepeatedComplaint.parameters().days
    while len(city.stories) < count:
        first = city.one()
        live(first)
        sender = f"sender-{first.case}"
        read(first, None if first.anonymous else sender)
        if rng.random() < 0.6:
            continue
        end = max(ended(first))
        gap = rng.choice((rng.uniform(0.1, days - 1), rng.uniform(days + 1, 2 * days)))
        second = city.one(first.town, end + gap * DAY)
        second.tale = "came again"
        if rng.random() < 0.15:
            second.now = second.arrived = first.arrived + (end - first.arrived) * rng.uniform(0.1, 0.8)
        live(second)
        who = sender if rng.random() < 0.7 else f"sender-{second.case}"
        same = rng.random() < 0.6
        fact = read(second, who, first, same_matter(rng) if same else same_kind(rng))
        before = [one for one in ended(first) if one <= fact.time]
        after = bool(before) and fact.time <= max(before) + days * DAY
        if same and who == sender and after and not first.anonymous:
            city.truths.append(Truth(second.case, frozenset([fact.id]), fact.time, "came again"))
    return city.history()


def spots(seed: int, count: int) -> History:
    """Matters that many bring within days; beside them alike ones by kind, slow, one sender's, or seen as one."""
    city = City(seed)
    rng, usual = city.rng, HotSpot.parameters()
    while len(city.stories) < count:
        if rng.random() < 0.9:
            alone = city.one()
            live(alone)
            other = city.stories[rng.randrange(len(city.stories))]
            read(alone, f"sender-{alone.case}", other if other is not alone else None, same_kind(rng))
            continue
        _spot(
            city, rng.choice(("hot", "hot", "few", "slow", "one sender", "linked", "escalated")), usual.cases
        )
    return city.history()


def _spot(city: City, what: str, least: int) -> None:
    rng = city.rng
    size = rng.randint(2, least - 1) if what == "few" else rng.randint(least + 3, 4 * least)
    within = DAY * (size * rng.uniform(5, 8) if what == "slow" else rng.uniform(2, 7))
    began = BEGINNING + (SPAN - 7 * DAY) * rng.random()
    town = rng.choice(city._towns)
    members: list[Story] = []
    facts: list[Record] = []
    when = (
        [number / size for number in range(size)] if what == "slow" else [rng.random() for _ in range(size)]
    )
    for at in sorted(when):
        story = city.one(town, began + at * within)
        story.tale = what
        live(story)
        like = members[rng.randrange(len(members))] if members else None
        sender = "one" if what == "one sender" else f"sender-{story.case}"
        facts.append(read(story, sender, like, same_matter(rng) if like else 0))
        members.append(story)
    if what in {"linked", "escalated"}:
        _seen_as_one(members[0], members[1], what)
    if what == "hot":
        ids = frozenset(one.id for one in facts)
        city.truths.append(Truth(members[0].case, ids, max(one.time for one in facts), what))


def _seen_as_one(first: Story, second: Story, what: str) -> None:
    """Somebody saw it as soon as there were two."""
    for event in _saying(second, what):
        record = emit(
            event,
            source="/made-up",
            subject=first.case,
            sequence=900,
            time=second.arrived + timedelta(minutes=21),
            causation="made-up",
            key="made-up",
            nonce=bytes(16),
        )
        first.records.append(record)


def _saying(second: Story, what: str) -> Iterator[CaseLinked | CaseEscalated]:
    if what == "linked":
        yield CaseLinked(case=second.case, ref="x", relation="part")
    else:
        yield CaseEscalated(case_class="hard", to="group")


@pytest.mark.parametrize("count", COUNTS)
def test_who_comes_again_with_a_matter_is_mostly_seen_and_hardly_anybody_else(count: int) -> None:
    found = score(RepeatedComplaint(), again(41, count))
    print(f"\n{count} cases, {found}")
    assert found.truths > count // 40
    assert found.precision >= 0.9
    assert found.recall >= 0.85


@pytest.mark.parametrize("count", COUNTS)
def test_what_many_bring_is_mostly_seen_and_hardly_anything_else(count: int) -> None:
    found = score(HotSpot(), spots(43, count))
    print(f"\n{count} cases, {found}")
    assert found.truths > count // 400
    assert found.precision >= 0.8
    assert found.recall >= 0.85
