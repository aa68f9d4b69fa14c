"""M05: every final answer asks whether it helped; another person looks at a no, and silence is never consent."""

from __future__ import annotations

from services.routing.commands import (
    Accept,
    Answer,
    AnswerDirectly,
    Contest,
    Decline,
    Feedback,
    Reopen,
    Review,
)
from shared.events.cases import CaseClosed, CaseReopened, CaseReviewed, FeedbackGiven
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

WANG = "wang@citizen.example"
LAMP = "路灯不亮,路面有坑"
OFFICER, ONE, OTHER = "housing-officer-1", "coordination-officer-1", "coordination-officer-2"


async def answered(town: Town) -> Matter:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    await town.does(OFFICER, matter, Accept(), Answer(text="The lamp shines again", resolved=True))
    return matter


@lives()
async def test_a_yes_closes_it(town: Town) -> None:
    matter = await answered(town)
    assert (await town.tracked(matter)).asks_feedback
    letter = town.letter(WANG, "The lamp shines again")
    assert "Is the matter solved? Are you satisfied" in letter.text
    assert (
        "by 09:00 on Thursday 15 October 2026, the case is closed. Your silence is recorded as silence"
        in (letter.text)
    )
    assert town.owes(matter) == {"silence": ("coordinator", "10-15 09:00")}
    await town.hears(matter, Feedback(solved=True, satisfied=True, text="Thank you"))
    closed = town.last(matter, CaseClosed)
    assert (closed.outcome, closed.solved) == ("feedback", True)
    seen = await town.tracked(matter)
    assert (seen.state, seen.outcome, seen.asks_feedback) == ("closed", "feedback", False)


@lives()
async def test_a_no_is_looked_at_by_somebody_else_and_taken_up_again(town: Town) -> None:
    matter = await answered(town)
    await town.hears(matter, Feedback(solved=False, text="It is dark again"))
    given = town.last(matter, FeedbackGiven)
    assert town.told(given).keys() == {ONE, OTHER}
    assert town.owes(matter) == {"review": ("coordinator", "10-10 17:30")}
    assert await town.does_not_hear(matter, Feedback(solved=True)) == "in-review"
    again = Review(outcome="reopened", text="It is dark indeed")
    assert await town.refuses(OFFICER, matter, again) == "not-your-case"
    await town.until("10-09 09:00")
    await town.does(ONE, matter, again)
    assert town.last(matter, CaseReopened).reason == "reviewed"
    assert (town.case(matter).state, town.owes(matter)) == (
        "accepted",
        {"resolve": ("housing", "10-15 17:30")},
    )
    assert town.told(town.last(matter, CaseReopened)).keys() == {
        OFFICER,
        "housing-officer-2",
        "housing-head",
    }
    reviewed = town.letter(WANG, "Another person has looked at it")
    assert (reviewed.at, "It is dark indeed" in reviewed.text) == ("10-09 09:00", True)
    await town.does(OFFICER, matter, Answer(text="A new lamp was put up"))
    assert (await town.tracked(matter)).entries[-1].text == "A new lamp was put up"


@lives()
async def test_who_answered_does_not_judge_the_answer(town: Town) -> None:
    matter = await town.says("Something altogether different")
    await town.does(ONE, matter, AnswerDirectly(text="It is allowed"))
    await town.hears(matter, Feedback(solved=False, text="It is not"))
    right = Review(outcome="upheld", text="It is allowed by article 3")
    assert await town.refuses(ONE, matter, right) == "same-person"
    await town.does(OTHER, matter, right)
    assert town.last(matter, CaseReviewed).actor == OTHER
    closed = town.last(matter, CaseClosed)
    assert (closed.outcome, closed.solved) == ("feedback", False)


@lives()
async def test_solved_but_not_satisfied_is_looked_at_too(town: Town) -> None:
    matter = await answered(town)
    await town.hears(matter, Feedback(solved=True, satisfied=False, text="After three weeks!"))
    assert town.owes(matter)["review"] == ("coordinator", "10-10 17:30")
    await town.does(ONE, matter, Review(outcome="followed_up", text="They will be faster; I called"))
    closed = town.last(matter, CaseClosed)
    assert (closed.outcome, closed.solved) == ("feedback", True)


@lives()
async def test_silence_closes_it_and_is_recorded_as_silence(town: Town) -> None:
    matter = await answered(town)
    await town.until("10-15 08:59")
    assert town.case(matter).state == "answered"
    await town.until("10-15 09:01")
    closed = town.last(matter, CaseClosed)
    assert (closed.outcome, closed.solved, closed.actor) == ("silence", None, None)
    assert (await town.tracked(matter)).outcome == "silence"
    await town.hears(matter, Contest(text="I was abroad: it is dark"))
    assert town.case(matter).state == "answered"
    await town.does(ONE, matter, Review(outcome="upheld", text="It shines; I went there"))
    assert town.last(matter, CaseClosed).outcome == "silence"
    assert await town.does_not_hear(matter, Contest(text="No!")) == "contested-already"


@lives()
async def test_what_was_declined_can_be_contested_and_is_taken_on_after_all(town: Town) -> None:
    matter = await town.says("Something altogether different")
    assert await town.refuses(OFFICER, matter, Decline(reason="no_facts", text="What?")) == "case-not-found"
    await town.does(ONE, matter, Decline(reason="no_facts", text="Please say what is wrong"))
    seen = await town.tracked(matter)
    assert (seen.outcome, seen.entries[-1].what, seen.entries[-1].text) == (
        "declined",
        "declined",
        "Please say what is wrong",
    )
    assert "You can contest this" in town.letter(WANG, "Please say what is wrong").text
    await town.hears(matter, Contest(text="The tap at the school is broken"))
    await town.does(OTHER, matter, Review(outcome="reopened", text="It is a matter of ours"))
    assert (town.case(matter).state, town.owes(matter)["dispatch"][0]) == ("new", "coordinator")


@lives()
async def test_a_superior_may_have_it_taken_up_again(town: Town) -> None:
    matter = await answered(town)
    await town.hears(matter, Feedback(solved=True))
    assert await town.refuses(OFFICER, matter, Reopen(text="No")) == "not-your-case"
    await town.does("vice-mayor-1", matter, Reopen(text="I walked there in the dark"))
    assert (town.case(matter).state, town.last(matter, CaseReopened).reason) == ("accepted", "by_hand")
