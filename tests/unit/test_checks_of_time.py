"""Late, about to be late, the clock, form's sake: an instance that each must see, and one like it that it must not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.audit.checks.about_to_be_late import AboutToBeLate
from services.audit.checks.check import Noted
from services.audit.checks.clock_abuse import ClockAbuse
from services.audit.checks.form import Form
from services.audit.checks.late import Late
from shared.events.cases import CaseRescheduled, CaseUrged
from shared.events.obligations import Ended, Started
from shared.events.supervised import CaseOrdered
from tests.backtests.story import Story
from tests.unit.checked_cases import DAY, HOUR, MORNING, accepted, arrived, doubts, figures, history

SECOND = timedelta(seconds=1)


def answered_at(story: Story, after: timedelta) -> Story:
    story.wait_until(MORNING + after)
    story.answer()
    return story


def test_what_is_done_a_second_after_its_end_is_late() -> None:
    story = accepted()
    story.contact()
    (late,) = doubts(Late(), answered_at(story, 10 * DAY + SECOND))
    assert late.department == "housing"
    assert late.since == MORNING + 10 * DAY
    assert figures(late) == {"over": 1, "open": 0}
    assert [one.record.type.rpartition(".")[2] for one in late.evidence if isinstance(one, Noted)] == [
        "assigned",
        "answered",
    ]


def test_what_is_done_on_the_dot_is_not_late() -> None:
    story = accepted()
    story.contact()
    assert doubts(Late(), answered_at(story, 10 * DAY)) == []


def test_what_is_open_is_late_as_soon_as_time_has_passed_and_the_check_asks_for_that_instant() -> None:
    story = arrived()
    assert doubts(Late(), story, MORNING + DAY) == []
    at = Late().again(history(story, MORNING + DAY), Late.parameters())
    assert at is not None
    assert MORNING + DAY < at < MORNING + DAY + SECOND
    (late,) = doubts(Late(), story, at)
    assert late.key.startswith(f"{story.case}/accept/housing/")
    assert figures(late)["open"] == 1


def test_lateness_needs_no_alarm_and_is_the_same_finding_whenever_it_is_seen() -> None:
    story = arrived()
    (open_,) = doubts(Late(), story, MORNING + DAY + HOUR)
    story.wait_until(MORNING + DAY + 2 * HOUR)
    story.accept()
    (done,) = doubts(Late(), story)
    assert (open_.key, open_.since) == (done.key, done.since)


def test_a_pause_in_time_moves_the_end_and_nobody_is_late() -> None:
    story = accepted()
    story.contact()
    story.wait_until(MORNING + 9 * DAY)
    story.suspend("weather")
    story.wait_until(MORNING + 12 * DAY)
    story.resume("by_hand")
    assert doubts(Late(), answered_at(story, 13 * DAY)) == []


def test_late_in_spite_of_a_pause_is_late_once() -> None:
    story = accepted()
    story.contact()
    story.wait_until(MORNING + 9 * DAY)
    story.suspend("weather")
    story.wait_until(MORNING + 10 * DAY)
    story.resume("by_hand")
    found = doubts(Late(), answered_at(story, 11 * DAY + HOUR))
    assert [one.key.split("/")[1] for one in found] == ["resolve"]


def test_the_senders_reply_is_never_late_and_closing_ends_what_is_owed() -> None:
    story = accepted()
    story.ask(suspends=True)
    assert [one for one in doubts(Late(), story, MORNING + 9 * DAY) if "reply" in one.key] == []
    story.wait_until(MORNING + DAY)
    story.close("withdrawn")
    assert doubts(Late(), story, MORNING + 99 * DAY) == []


def test_for_a_broken_promise_is_asked_who_held_the_case() -> None:
    story = accepted()
    story.contact()
    story.wait_until(MORNING + DAY)
    story.transfer("roads")
    found = {one.key.split("/")[1]: one for one in doubts(Late(), answered_at(story, 16 * DAY))}
    assert found["promise"].department == "roads"
    assert found["resolve"].department == "roads"


def test_an_ended_one_that_never_began_counts_for_nothing() -> None:
    story = accepted()
    story.say(CaseRescheduled(calendar="x", ends=[Ended(id="resolve-99", how="moved")]))
    assert doubts(Late(), story) == []


def test_a_case_that_lies_still_is_seen_before_it_is_late_and_nobody_is_asked_to_explain() -> None:
    story = accepted()
    story.contact()
    before = MORNING + timedelta(days=7.5) - SECOND
    assert doubts(AboutToBeLate(), story, before) == []
    at = AboutToBeLate().again(history(story, before), AboutToBeLate.parameters())
    assert at == MORNING + timedelta(days=7.5)
    (seen,) = doubts(AboutToBeLate(), story, at)
    assert seen.department is None
    assert figures(seen)["left"] == 2.5 * 86_400


def test_an_urging_is_no_work_but_an_interim_answer_is() -> None:
    urged, told = accepted(), accepted()
    for story in (urged, told):
        story.wait_until(MORNING + 6 * DAY)
    urged.say(CaseUrged(actor="leader", by="leader"))
    told.answer(final=False)
    assert len(doubts(AboutToBeLate(), urged, MORNING + 8 * DAY)) == 1
    assert doubts(AboutToBeLate(), told, MORNING + 8 * DAY) == []


def test_a_pause_at_the_last_moment_that_saves_the_limit_is_doubted() -> None:
    story = accepted()
    story.wait_until(MORNING + 10 * DAY - HOUR)
    story.suspend("third_party")
    story.wait_until(MORNING + 11 * DAY)
    assert doubts(ClockAbuse(), story) == []
    story.resume("by_hand")
    (seen,) = doubts(ClockAbuse(), story)
    assert figures(seen) == {"left": 3600}
    assert seen.department == "housing"


def test_a_late_question_that_the_sender_answers_is_not_doubted() -> None:
    story = accepted()
    story.wait_until(MORNING + 10 * DAY - HOUR)
    story.ask(suspends=True)
    story.wait_until(MORNING + 11 * DAY)
    story.write()
    assert doubts(ClockAbuse(), answered_at(story, 11 * DAY + HOUR / 2)) == []


def test_a_question_without_whose_answer_the_answer_came_was_not_needed() -> None:
    def asked(after: timedelta) -> Story:
        story = accepted()
        story.wait_until(MORNING + DAY)
        story.ask(suspends=True)
        story.wait_until(MORNING + 6 * DAY)
        story.resume("lapsed")
        return answered_at(story, 6 * DAY + after)

    (seen,) = doubts(ClockAbuse(), asked(HOUR / 2))
    assert figures(seen) == {"after": 1800}
    assert doubts(ClockAbuse(), asked(5 * HOUR)) == []


@pytest.mark.parametrize(("times", "seen"), [(2, 0), (3, 1), (4, 1)])
def test_pausing_again_and_again_is_doubted_once(times: int, seen: int) -> None:
    story = accepted()
    for one in range(times):
        story.wait_until(MORNING + (one + 1) * DAY)
        story.suspend("parts")
        story.wait_until(MORNING + (one + 1) * DAY + HOUR)
        story.resume("by_hand")
    assert len(doubts(ClockAbuse(), story)) == seen


@pytest.mark.parametrize(("left", "seen"), [(2 * HOUR, 0), (HOUR, 1)])
def test_more_time_is_asked_for_before_the_last_hour(left: timedelta, seen: int) -> None:
    story = accepted()
    story.wait_until(MORNING + 10 * DAY - left)
    story.extend()
    assert len(doubts(ClockAbuse(), story)) == seen


def test_withdrawn_after_a_talk_and_without_a_word_of_the_sender_is_past_the_trail() -> None:
    story, written = accepted(), accepted()
    for one in (story, written):
        one.wait_until(MORNING + DAY)
        one.contact()
    written.write()
    for one in (story, written):
        one.close("withdrawn", actor="coordinator-officer-1")
    assert len(doubts(ClockAbuse(), story)) == 1
    assert doubts(ClockAbuse(), written) == []


def test_a_matter_called_solved_of_which_the_sender_does_not_hear_in_time_is_past_the_trail() -> None:
    story = accepted()
    story.wait_until(MORNING + DAY)
    story.solve()
    assert doubts(ClockAbuse(), story, MORNING + 9 * DAY) == []
    assert len(doubts(ClockAbuse(), story, MORNING + 11 * DAY)) == 1
    assert doubts(ClockAbuse(), answered_at(story, 9 * DAY)) == []


def test_accepting_at_the_limit_and_a_talk_without_a_word_are_form() -> None:
    story = arrived()
    story.wait_until(MORNING + DAY - 60 * SECOND)
    story.accept()
    story.wait_until(MORNING + DAY + HOUR)
    story.contact(words=False)
    (seen,) = doubts(Form(), story)
    assert figures(seen) == {"accepted_at_limit": 1, "no_words": 1}
    assert seen.department == "housing"


def test_one_sign_alone_is_none() -> None:
    story = arrived()
    story.wait_until(MORNING + DAY - 60 * SECOND)
    story.accept()
    story.wait_until(MORNING + DAY + HOUR)
    story.contact()
    assert doubts(Form(), story) == []


def test_the_minutes_of_an_anonymous_case_are_no_sign() -> None:
    story = arrived(anonymous=True, can_mail=False)
    story.wait_until(MORNING + DAY - 60 * SECOND)
    story.accept()
    story.wait_until(MORNING + 2 * DAY - 60 * SECOND)
    story.answer(final=False)
    assert doubts(Form(), story) == []


def test_a_late_explanation_wants_no_other_and_a_late_rectification_does() -> None:
    for kind, seen in (("explain", 0), ("rectify", 1)):
        story = accepted()
        story.contact()
        story.answer()
        story.feedback(solved=True)
        since = story.now
        owed = Started(
            id=f"{kind}-40",
            kind=kind,
            owner="housing",
            since=since,
            due=since + DAY,
            limit="1d",
            about="order_1",
        )
        story.say(
            CaseOrdered(order="order_1", department="housing", limit="1d", words=story.words(), starts=[owed])
        )
        assert len(doubts(Late(), story, since + 2 * DAY)) == seen
