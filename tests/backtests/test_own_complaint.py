"""Nobody judges their own cause: who is named in a complaint keeps away from it; who answered does not review."""

from __future__ import annotations

import pytest

from services.audit.checks.own_complaint import OwnComplaint
from shared.events import Record
from tests.backtests.lives import Truth, answer, finish, get_in_touch, truth, work
from tests.backtests.passing import COORDINATOR
from tests.backtests.scoring import COUNTS, backtest
from tests.backtests.story import Story

OWN = (
    "accepts",
    "speaks",
    "answers",
    "signs",
    "solves",
    "suspends",
    "reviews own answer",
    "reviews own draft",
    "named later",
)
OTHERS = (
    "another handles it",
    "returned by the one named",
    "problem, not complaint",
    "praise in passing",
    "named after it was done",
    "another reviews",
    "nobody named",
)


def tell(story: Story) -> list[Truth]:
    """Half of the cases name an officer. In some of them the one named has a hand in it."""
    rng = story.rng
    own = rng.random() < 0.25
    story.tale = rng.choice(OWN if own else OTHERS)
    story.anonymous, story.can_mail = False, True
    story.kind = (
        "problem"
        if story.tale in {"problem, not complaint", "nobody named"}
        else rng.choice(("complaint", "report"))
    )
    if story.tale.startswith("reviews") or story.tale == "another reviews":
        story.kind = rng.choice(("problem", "complaint", "enquiry"))
        return _reviewed(story)
    story.arrive(department=rng.choice(story.town.departments))
    named, *others = rng.sample(story.town.officers[str(story.department)], 2)
    other = others[0]
    opened = next(one for one in story.records if one.type.endswith("case.opened"))
    in_time = rng.random() < 0.8
    told_later = story.tale in {"praise in passing", "named after it was done", "named later", "nobody named"}
    if in_time and not told_later:
        story.read(opened.id, length="usual", persons=(named,))
    elif told_later:
        story.read(
            opened.id, length="usual", persons=(f"{named}-of-another-town",) if rng.random() < 0.5 else ()
        )
    events = _handled(story, named, other) if own else _kept_away(story, named, other)
    if not in_time and not told_later:
        story.read(opened.id, length="usual", persons=(named,))
    if not story.closed:
        finish(story)
    return [truth(story, *events, what=story.tale)] if own else []


def _handled(story: Story, named: str, other: str) -> list[Record]:
    """The others do everything but for one thing."""
    tale, rng = story.tale, story.rng
    events = []
    story.reach("accept", rng.random() * 0.9)
    accepted = story.accept(actor=named if tale == "accepts" else other)
    events += [accepted] if tale == "accepts" else []
    story.reach("contact", rng.uniform(0.1, 0.9))
    if tale == "named later":
        manners = rng.choice((3000, 5000, 8500))
        story.write(fact={"length": "usual", "persons": (named,), "manners": manners})
        story.spend(rng.uniform(60, 3600))
        events.append(story.contact("reached", actor=named))
    else:
        spoke = story.contact("reached", actor=named if tale == "speaks" else other)
        events += [spoke] if tale == "speaks" else []
    if tale == "suspends":
        events.append(story.suspend("weather", actor=named))
        story.reach("pause", 0.5)
        story.resume("lapsed")
    story.reach("resolve", rng.uniform(0.5, 0.95))
    if tale == "solves":
        events.append(story.solve(actor=named))
    if tale == "signs":
        story.draft(actor=other)
        return [story.answer(actor=named, drafted_by=other)]
    answered = story.answer(actor=named if tale == "answers" else other)
    return [*events, answered] if tale == "answers" else events


def _kept_away(story: Story, named: str, other: str) -> list[Record]:
    tale, rng = story.tale, story.rng
    story.reach("accept", rng.random() * 0.9)
    if tale == "returned by the one named":
        story.give_back(actor=named)
        story.reach("dispatch", 0.5)
        story.decide_return(
            upheld=True, to=rng.choice([one for one in story.town.departments if one != story.department])
        )
        story.reach("accept", 0.5)
        story.accept()
        get_in_touch(story)
        work(story)
        answer(story)
        return []
    free = tale in {"problem, not complaint", "praise in passing", "named after it was done", "nobody named"}
    who = named if free else other
    story.accept(actor=who)
    story.reach("contact", rng.uniform(0.1, 0.9))
    if tale == "praise in passing":
        story.write(fact={"length": "short", "persons": (named,), "manners": rng.choice((0, 0, 2900))})
    story.contact("reached", actor=who)
    story.reach("resolve", rng.uniform(0.5, 0.95))
    story.answer(actor=who)
    if tale == "named after it was done":
        story.write(fact={"length": "usual", "persons": (named,), "manners": 8500})
    return []


def _reviewed(story: Story) -> list[Truth]:
    rng = story.rng
    story.arrive()
    story.reach("accept", 0.5)
    story.accept()
    get_in_touch(story)
    story.reach("resolve", rng.uniform(0.3, 0.9))
    one, two = rng.sample(story.town.officers[str(story.department)], 2)
    drafted = story.tale == "reviews own draft" or rng.random() < 0.3
    if drafted:
        story.draft(actor=one)
    answered = story.answer(actor=two if drafted else one, drafted_by=one if drafted else None)
    if story.owes("callback") is not None:
        story.contact("reached", callback=True)
    story.reach("silence", rng.uniform(0.1, 0.9))
    story.feedback(solved=False)
    story.reach("review", rng.uniform(0.1, 0.9))
    if story.tale == "another reviews":
        story.review(rng.choice(("upheld", "followed_up", "reopened")), actor=story.officer(COORDINATOR))
        return []
    reviewer = one if story.tale == "reviews own draft" else rng.choice((one, two)) if drafted else one
    reviewed = story.review("upheld", actor=reviewer)
    return [truth(story, answered, reviewed, what=story.tale)]


@pytest.mark.parametrize("count", COUNTS)
def test_whoever_judges_their_own_cause_is_seen_and_nobody_else(count: int) -> None:
    made = backtest(OwnComplaint(), tell, count)
    assert made.truths > count / 10
    assert made.precision >= 0.95
    assert made.recall >= 0.95
