"""M14: time stands still only for a reason, more of it is asked for in time, and the sender learns the new date."""

from __future__ import annotations

from services.routing.commands import (
    Accept,
    Answer,
    Ask,
    Assign,
    Extend,
    GrantExtension,
    RefuseExtension,
    Resume,
    Suspend,
    Urge,
)
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAssigned,
    CaseResumed,
    CaseSuspended,
    CaseUrged,
    ExtensionAsked,
    ExtensionDecided,
)
from shared.organisation import Organisation
from tests.journeys.stories import lives, sample
from tests.journeys.town import Matter, Town

WANG = "wang@citizen.example"
LAMP = "路灯不亮,路面有坑"
OFFICER, HEAD, LEADER = "housing-officer-1", "housing-head", "vice-mayor-1"
MORE = Extend(text="The poles come next week")


def deeming() -> Organisation:
    """The county, where what nobody accepts within the limit counts as accepted."""
    plan = sample("county").model_dump(mode="json", by_alias=True)
    return Organisation.model_validate(plan | {"choices": plan["choices"] | {"deemed_accepted": True}})


async def accepted(town: Town) -> Matter:
    """On Wednesday 30 September at 16:00 it came; on 8 October at 10:00 somebody has it in hand."""
    matter = await town.says(LAMP)
    await town.until("10-08 10:00")
    await town.does(OFFICER, matter, Accept())
    return matter


@lives()
async def test_a_question_stops_the_clock_until_the_reply(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 10:00")
    await town.does(OFFICER, matter, Accept(), Ask(text="Which lamp?", suspends=True))
    suspended = town.last(matter, CaseSuspended)
    assert (suspended.reason, town.shown(suspended.until)) == ("sender", "10-14 17:30")
    assert town.owes(matter) == {"reply": ("sender", "10-14 17:30")}
    assert await town.refuses(OFFICER, matter, MORE) == "suspended"
    asked = town.letter(WANG, "Which lamp?")
    assert "by 17:30 on Wednesday 14 October 2026" in asked.text
    await town.until("10-09 10:00")
    await town.says("The one at number 4", on=matter)
    assert town.last(matter, CaseResumed).reason == "reply"
    # Of the pause six hours of the 8th and one of the 9th were working time: one working day.
    assert town.owes(matter) == {
        "promise": ("coordinator", "10-14 17:30"),
        "resolve": ("housing", "10-14 17:30"),
    }
    seen = await town.tracked(matter)
    assert [entry.text for entry in seen.entries if entry.what == "question"] == ["Which lamp?"]


@lives()
async def test_without_a_reply_it_goes_on_by_itself(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 10:00")
    await town.does(OFFICER, matter, Accept(), Ask(text="Which lamp?", suspends=True))
    await town.until("10-14 17:31")
    resumed = town.last(matter, CaseResumed)
    assert (resumed.reason, resumed.actor) == ("lapsed", None)
    # 41 working hours stood still: 6 on the 8th, and five whole days.
    assert town.owes(matter)["resolve"] == ("housing", "10-21 16:30")
    assert not [one for one in town.case(matter).breached if one.startswith("reply")]


@lives()
async def test_a_superior_lets_the_clock_stand_still_for_a_reason_and_for_so_long(town: Town) -> None:
    matter = await accepted(town)
    storm = Suspend(reason="weather", limit="2wd", text="The typhoon")
    assert await town.refuses(OFFICER, matter, storm) == "not-your-case"
    await town.until("10-08 11:00")
    await town.does(HEAD, matter, storm)
    assert town.owes(matter)["pause"] == ("housing", "10-10 17:30")
    assert await town.refuses(HEAD, matter, storm) == "suspended-already"
    await town.until("10-10 17:31")
    assert town.last(matter, CaseResumed).reason == "lapsed"
    assert town.owes(matter)["resolve"] == ("housing", "10-16 15:30"), "19 working hours"
    await town.until("10-12 09:00")
    again = await town.says(LAMP, sender="li@citizen.example")
    await town.does(OFFICER, again, Accept())
    await town.until("10-12 10:00")
    await town.does(HEAD, again, storm)
    await town.until("10-12 13:30")
    await town.does(OFFICER, again, Resume())
    assert town.last(again, CaseResumed).reason == "by_hand"
    assert town.owes(again)["resolve"] == ("housing", "10-20 11:00"), "two hours more than five days"


@lives()
async def test_what_is_late_stays_late_whoever_would_stop_the_clock(town: Town) -> None:
    matter = await accepted(town)
    await town.until("10-13 17:31")
    assert (
        await town.refuses(HEAD, matter, Suspend(reason="court", limit="2wd", text="Sued")) == "late-already"
    )
    assert await town.refuses(OFFICER, matter, MORE) == "too-late"
    assert any(one.startswith("resolve") for one in town.case(matter).breached)


@lives()
async def test_more_time_is_granted_by_the_leader_in_charge_and_promised_anew(town: Town) -> None:
    matter = await accepted(town)
    await town.until("10-09 10:00")
    await town.does(OFFICER, matter, MORE)
    asked = town.last(matter, ExtensionAsked)
    assert (asked.limit, town.shown(asked.due), town.told(asked)) == (
        "5wd",
        "10-20 17:30",
        {LEADER: "at once"},
    )
    assert town.owes(matter)["extension"] == ("housing/leader", "10-09 15:30")
    assert await town.refuses(OFFICER, matter, MORE) == "asked-already"
    assert await town.refuses(HEAD, matter, GrantExtension()) == "not-your-case"
    assert await town.refuses("vice-mayor-2", matter, GrantExtension()) == "case-not-found"
    await town.does(LEADER, matter, GrantExtension())
    decided = town.last(matter, ExtensionDecided)
    assert (decided.granted, town.shown(decided.promise)) == (True, "10-20 17:30")
    assert town.told(decided).keys() == {OFFICER, "housing-officer-2"}
    assert town.owes(matter)["resolve"] == ("housing", "10-20 17:30")
    assert town.shown((await town.tracked(matter)).promise) == "10-20 17:30"
    assert "17:30 on Tuesday 20 October 2026" in town.letter(WANG, "We need more time").text
    assert "17:30 on Tuesday 20 October 2026" in town.letter("housing-officer-2", "More time granted").text
    assert await town.refuses(OFFICER, matter, MORE) == "extended-too-often"
    await town.until("10-20 17:31")
    fell = [
        (rung.action, town.shown(rung.at))
        for alarm in town.events(matter, CaseAlarmed)
        for rung in alarm.rungs
        if rung.kind == "resolve"
    ]
    # Of 71.5 working hours, half are used up after 35:45 and three quarters after 53:37:30.
    assert fell == [("remind", "10-13 16:45"), ("warn", "10-16 13:37"), ("breach", "10-20 17:30")]


@lives()
async def test_more_time_is_refused_or_nobody_decides_and_that_climbs(town: Town) -> None:
    matter = await accepted(town)
    await town.does(OFFICER, matter, MORE)
    await town.until("10-08 15:31")
    breach = next(
        alarm
        for alarm in town.events(matter, CaseAlarmed)
        if ("extension", "breach") in {(rung.kind, rung.action) for rung in alarm.rungs}
    )
    assert town.shown(breach.at) == "10-08 15:30"
    await town.does(LEADER, matter, RefuseExtension(text="It has been dark for a month"))
    decided = town.last(matter, ExtensionDecided)
    assert (decided.granted, decided.due) == (False, None)
    assert town.owes(matter)["resolve"] == ("housing", "10-13 17:30")
    assert (await town.tracked(matter)).promise == town.at("10-13 17:30")
    assert len(town.mails(WANG)) == 1, "a refusal is nothing to the sender: what was promised stands"


@lives()
async def test_what_is_urgent_is_given_no_more_time(town: Town) -> None:
    matter = await town.says("停水三天了,自来水什么时候恢复?")
    await town.does(OFFICER, matter, Accept())
    assert await town.refuses(OFFICER, matter, MORE) == "extended-too-often"


@lives(organisation=deeming())
async def test_where_silence_counts_as_accepting_nobody_is_late_with_it(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 11:29")
    assert town.case(matter).state == "assigned"
    await town.until("10-08 11:31")
    deemed = town.last(matter, CaseAccepted)
    assert (deemed.deemed, deemed.actor, deemed.ends[0].how) == (True, None, "lapsed")
    assert town.case(matter).state == "accepted"
    assert not town.case(matter).breached


@lives()
async def test_reminders_come_with_the_next_days_digest_and_a_breach_by_itself(town: Town) -> None:
    matter = await accepted(town)
    await town.until("10-13 17:31")
    told = {
        (rung.kind, rung.action): set(town.told(alarm).values())
        for alarm in town.events(matter, CaseAlarmed)
        for rung in alarm.rungs
        if rung.kind in {"contact", "resolve"}
    }
    assert told == {
        ("contact", "remind"): {"10-09 09:00, with the digest"},
        ("contact", "warn"): {"10-09 09:00, with the digest"},
        ("contact", "breach"): {"at once"},
        ("contact", "escalate"): {"at once"},
        ("resolve", "remind"): {"10-12 09:00, with the digest"},
        ("resolve", "warn"): {"10-13 09:00, with the digest"},
        ("resolve", "breach"): {"at once"},
    }
    digests = [one for one in town.mails("housing-officer-2") if one.subject.startswith("Your digest")]
    assert [one.at for one in digests] == ["10-09 09:00", "10-12 09:00", "10-13 09:00"]
    assert {one.at for one in town.mails(HEAD)} == {"10-08 17:30", "10-13 17:30"}


@lives()
async def test_a_limit_that_no_longer_fits_the_promise_is_said_when_assigning(town: Town) -> None:
    in_time = await town.says("Something altogether different")
    late = await town.says("Something altogether different", sender="li@citizen.example")
    await town.does("coordination-officer-1", in_time, Assign(department="housing"))
    await town.until("10-09 10:00")
    await town.does("coordination-officer-1", late, Assign(department="housing"))
    assert [town.last(one, CaseAssigned).beyond_promise for one in (in_time, late)] == [False, True]
    assert (town.owes(late)["promise"][1], town.owes(late)["resolve"][1]) == ("10-13 17:30", "10-15 17:30")


@lives()
async def test_who_waits_may_ask_to_hurry_once_a_day_and_a_superior_at_any_time(town: Town) -> None:
    matter = await accepted(town)
    await town.hears(matter, Urge())
    urged = town.last(matter, CaseUrged)
    assert (urged.by, set(town.told(urged))) == ("sender", {OFFICER, "housing-officer-2"})
    assert await town.does_not_hear(matter, Urge()) == "urged-already"
    await town.does(LEADER, matter, Urge(text="The school is there"))
    urged = town.last(matter, CaseUrged)
    assert (urged.by, HEAD in town.told(urged)) == ("leader", True)
    assert await town.refuses(OFFICER, matter, Urge()) == "not-your-case"
    await town.until("10-09 10:01")
    await town.hears(matter, Urge())


@lives()
async def test_a_late_answer_ends_what_was_owed_and_stays_a_breach(town: Town) -> None:
    matter = await accepted(town)
    await town.until("10-14 09:00")
    await town.does(OFFICER, matter, Answer(text="At last"))
    ends = {one.id.partition("-")[0]: one.late for one in town.history(matter)[-1].data.ends}  # type: ignore[attr-defined]
    assert ends == {"promise": True, "contact": True, "resolve": True}
    assert {one.partition("-")[0] for one in town.case(matter).breached} == {"promise", "contact", "resolve"}
