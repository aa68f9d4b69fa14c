"""Buck-passing, false closure, unreachable senders, one's own cause: what each must see, and what is only like it."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from services.audit.checks.buck_passing import BuckPassing
from services.audit.checks.bursts import Bursts
from services.audit.checks.check import Noted, placed
from services.audit.checks.false_closure import FalseClosure
from services.audit.checks.own_complaint import OwnComplaint
from services.audit.checks.running import as_they_are, run
from services.audit.checks.unreachable_sender import UnreachableSender
from tests.backtests.passing import in_order
from tests.backtests.story import Story
from tests.unit.checked_cases import DAY, HOUR, MORNING, PLAIN, accepted, arrived, doubts, figures, history

MINUTE = timedelta(minutes=1)


def returned(after: timedelta, *, upheld: bool, site_visit: bool = False) -> Story:
    story = arrived()
    story.wait_until(MORNING + after)
    story.give_back(site_visit=site_visit)
    story.wait_until(MORNING + after + HOUR)
    story.decide_return(upheld=upheld, to="roads")
    return story


def test_a_return_that_comes_late_and_is_refused_is_buck_passing() -> None:
    (seen,) = doubts(BuckPassing(), returned(2 * DAY, upheld=False))
    assert seen.department == "housing"
    assert figures(seen) == {"handed_on_late": 2000}


@pytest.mark.parametrize("upheld", [True, False])
def test_an_honest_mistake_is_said_at_once(*, upheld: bool) -> None:
    assert doubts(BuckPassing(), returned(2 * HOUR, upheld=upheld)) == []


def test_whoever_went_to_look_may_return_late_if_they_are_right() -> None:
    assert doubts(BuckPassing(), returned(5 * DAY, upheld=True, site_visit=True)) == []
    assert len(doubts(BuckPassing(), returned(5 * DAY, upheld=True))) == 1


def test_a_second_refused_return_is_too_many() -> None:
    story = returned(HOUR, upheld=False)
    story.wait_until(MORNING + 3 * HOUR)
    story.give_back()
    story.wait_until(MORNING + 4 * HOUR)
    story.decide_return(upheld=False)
    (seen,) = doubts(BuckPassing(), story)
    assert figures(seen) == {"refused": 2}


def test_back_and_forth_is_the_firsts_doing_and_a_coordinators_correction_is_nobodys() -> None:
    passed, corrected = arrived(), arrived()
    for story, by in ((passed, "transfer"), (corrected, "coordinator")):
        for one, department in enumerate(("roads", "housing")):
            story.wait_until(MORNING + (one + 1) * HOUR)
            story.assign(department, by=by)
    (seen,) = doubts(BuckPassing(), passed)
    assert (seen.department, figures(seen)) == ("housing", {"came_back": 1})
    assert doubts(BuckPassing(), corrected) == []


def test_what_happens_after_an_answer_is_another_matter() -> None:
    story = arrived()
    story.transfer("roads")
    story.accept()
    story.answer()
    story.wait_until(MORNING + DAY)
    story.reopen("by_hand")
    story.assign("housing", by="coordinator")
    assert doubts(BuckPassing(), story) == []


def test_round_and_round_asks_who_handed_it_on_last() -> None:
    story = arrived()
    for one, department in enumerate(("roads", "water", "housing")):
        story.wait_until(MORNING + (one + 1) * HOUR)
        story.transfer(department)
    found = {one.department: figures(one) for one in doubts(BuckPassing(), story)}
    assert found["water"] == {"handed_on": 3}


def called_solved(*, spoken: bool = True) -> Story:
    story = accepted()
    if spoken:
        story.wait_until(MORNING + DAY)
        story.contact()
    story.wait_until(MORNING + 5 * DAY)
    story.answer(resolved=True)
    story.wait_until(MORNING + 6 * DAY)
    return story


def test_called_solved_and_the_sender_says_no() -> None:
    story = called_solved()
    assert doubts(FalseClosure(), story) == []
    story.feedback(solved=False)
    (seen,) = doubts(FalseClosure(), story)
    assert (seen.department, figures(seen)) == ("housing", {"not_solved": 1})


def test_a_no_to_an_answer_that_claimed_nothing_is_no_false_closure() -> None:
    story = accepted()
    story.contact()
    story.answer()
    story.feedback(solved=False)
    assert doubts(FalseClosure(), story) == []


def test_whoever_writes_again_is_not_satisfied_unless_it_is_thanks() -> None:
    more, thanks = called_solved(), called_solved()
    more.write(reopens=True, fact={"length": "usual"})
    thanks.write(reopens=True, fact={"length": "phrase"})
    assert [figures(one) for one in doubts(FalseClosure(), more)] == [{"wrote_again": 1}]
    assert doubts(FalseClosure(), thanks) == []


def test_a_message_that_no_fact_tells_of_yet_is_waited_for() -> None:
    story = called_solved()
    story.write(reopens=True)
    assert doubts(FalseClosure(), story) == []
    at = FalseClosure().again(history(story), FalseClosure.parameters())
    assert at == story.now + DAY
    assert len(doubts(FalseClosure(), story, at)) == 1


def test_called_solved_with_nothing_that_shows_it() -> None:
    assert [figures(one) for one in doubts(FalseClosure(), called_solved(spoken=False))] == [
        {"nothing_shown": 1}
    ]
    enquiry = accepted(kind="enquiry")
    enquiry.answer(resolved=True)
    assert doubts(FalseClosure(), enquiry) == []


@pytest.mark.parametrize(("days", "seen"), [(2, 1), (7, 0)])
def test_silence_means_nothing_before_it_has_lasted(days: int, seen: int) -> None:
    story = accepted()
    story.contact()
    story.answer()
    story.wait_until(story.now + days * DAY)
    story.close("silence")
    assert len(doubts(FalseClosure(), story)) == seen


def tried(*after: timedelta) -> Story:
    story = accepted()
    for one in after:
        story.wait_until(MORNING + HOUR + one)
        story.contact("not_reached")
    return story


def test_three_tries_within_minutes_are_one_unless_somebody_is_reached_then() -> None:
    story = tried(0 * MINUTE, 4 * MINUTE, 9 * MINUTE)
    assert doubts(UnreachableSender(), story) == []
    at = UnreachableSender().again(history(story), UnreachableSender.parameters())
    assert at == MORNING + HOUR + 20 * MINUTE
    (seen,) = doubts(UnreachableSender(), story, at)
    assert figures(seen) == {"tries": 3, "within": 540}
    story.wait_until(MORNING + HOUR + 15 * MINUTE)
    story.contact("reached")
    assert doubts(UnreachableSender(), story, at) == []


def test_three_tries_on_three_days_are_three() -> None:
    assert doubts(UnreachableSender(), tried(0 * DAY, DAY, 2 * DAY), MORNING + 9 * DAY) == []


def test_who_is_called_at_night_only_was_not_called() -> None:
    only = tried(13 * HOUR, 14 * HOUR)
    (seen,) = doubts(UnreachableSender(), only, MORNING + 3 * DAY)
    assert figures(seen)["at_night"] == 2
    assert doubts(UnreachableSender(), tried(HOUR, 13 * HOUR, 14 * HOUR), MORNING + 3 * DAY) == []


def test_a_sender_who_has_just_written_can_be_reached() -> None:
    story = tried(0 * HOUR)
    story.wait_until(MORNING + 3 * HOUR)
    story.write()
    story.wait_until(MORNING + 5 * HOUR)
    story.contact("not_reached")
    (seen,) = doubts(UnreachableSender(), story)
    assert figures(seen) == {"tries": 2, "wrote": 1}


def test_the_minutes_of_an_anonymous_case_say_nothing() -> None:
    story = accepted(anonymous=True, can_mail=False)
    for _ in range(3):
        story.contact("not_reached")
    assert doubts(UnreachableSender(), story, MORNING + 3 * DAY) == []


def complaint(*, about: str, kind: str = "complaint") -> Story:
    story = arrived(kind=kind)
    opened = next(one for one in story.records if one.type.endswith("case.opened"))
    story.read(opened.id, length="usual", persons=(about,))
    return story


def test_an_officer_who_answers_a_complaint_about_themselves_is_named() -> None:
    story = complaint(about="housing-officer-1")
    story.accept(actor="housing-officer-2")
    answered = story.answer(actor="housing-officer-1")
    (seen,) = doubts(OwnComplaint(), story)
    assert (seen.person, seen.department) == ("housing-officer-1", "housing")
    assert answered.id in {placed(one).event for one in seen.evidence}


@pytest.mark.parametrize(
    ("about", "kind"), [("housing-officer-2", "complaint"), ("housing-officer-1", "problem")]
)
def test_another_may_and_who_is_named_in_a_problem_may(about: str, kind: str) -> None:
    story = complaint(about=about, kind=kind)
    story.accept(actor="housing-officer-1")
    story.answer(actor="housing-officer-1")
    assert doubts(OwnComplaint(), story) == []


def test_to_return_it_is_what_whoever_is_named_should_do() -> None:
    story = complaint(about="housing-officer-1")
    story.give_back(actor="housing-officer-1")
    assert doubts(OwnComplaint(), story) == []


def test_a_name_in_a_later_message_counts_where_that_complains() -> None:
    polite, cross = accepted(kind="complaint"), accepted(kind="complaint")
    polite.write(fact={"length": "usual", "persons": ("housing-officer-1",), "manners": 0})
    cross.write(fact={"length": "usual", "persons": ("housing-officer-1",), "manners": 8500})
    for story in (polite, cross):
        story.answer(actor="housing-officer-1")
    assert doubts(OwnComplaint(), polite) == []
    assert len(doubts(OwnComplaint(), cross)) == 1


@pytest.mark.parametrize(
    ("reviewer", "seen"), [("housing-officer-1", 1), ("housing-head", 1), ("coordinator-officer-1", 0)]
)
def test_neither_who_drafted_nor_who_signed_reviews(reviewer: str, seen: int) -> None:
    story = accepted()
    story.draft(actor="housing-officer-1")
    story.answer(actor="housing-head", drafted_by="housing-officer-1")
    story.feedback(solved=False)
    story.review("upheld", actor=reviewer)
    assert len(doubts(OwnComplaint(), story)) == seen


def talked(*after: timedelta, actor: str = "housing-officer-1") -> list[Noted]:
    stories = []
    for number, one in enumerate(after):
        story = Story(PLAIN, Random(1), number, MORNING)
        story.arrive(department="housing")
        story.wait_until(MORNING + one)
        story.contact("reached", actor=actor)
        stories.append(story)
    return [Noted(index, record) for index, record in enumerate(in_order(stories, MORNING + DAY))]


def test_five_talks_in_five_minutes_were_not_had() -> None:
    entries = talked(*(one * MINUTE for one in range(1, 6)))
    (seen,) = (doubt for _, doubt in run(entries, as_they_are([Bursts()])))
    assert (seen.person, seen.department) == ("housing-officer-1", "housing")
    assert figures(seen) == {"talks": 5, "within": 240}
    assert len(seen.evidence) == 5


def test_five_talks_in_an_hour_may_have_been_and_four_in_a_minute_are_too_few_to_say() -> None:
    for entries in (talked(*(one * 12 * MINUTE for one in range(1, 6))), talked(*[MINUTE] * 4)):
        assert list(run(entries, as_they_are([Bursts()]))) == []
