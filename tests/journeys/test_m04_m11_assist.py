"""M04, M11: another department helps within a time of its own; one leads, and the answer is one."""

from __future__ import annotations

from services.routing.commands import (
    Accept,
    Answer,
    Assist,
    Contribute,
    DeclineAssist,
    ReleaseAssist,
    Return,
)
from shared.events.cases import AssistAsked, AssistGiven, CaseAlarmed
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

LAMP = "路灯不亮,路面有坑"
OFFICER, LEADER = "housing-officer-1", "vice-mayor-1"
MARKET, LABOUR = "market-officer-1", "labour-officer-1"
ASKS = Assist(department="market", text="Whose stall is under the lamp?")


async def asked(town: Town, *more: Assist) -> Matter:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    await town.does(OFFICER, matter, Accept(), ASKS, *more)
    return matter


@lives()
async def test_who_is_asked_has_a_deadline_of_its_own_and_the_lead_stays(town: Town) -> None:
    matter = await asked(town)
    case = town.case(matter)
    assert (case.department, case.state, case.case_class) == ("housing", "accepted", "cross")
    assert town.owes(matter)["assist"] == ("market", "10-10 17:30")
    assert town.owes(matter)["resolve"] == ("housing", "10-13 17:30")
    told = town.told(town.last(matter, AssistAsked))
    assert told == {
        MARKET: "10-09 09:00, with the digest",
        "market-officer-2": "10-09 09:00, with the digest",
        LEADER: "at once",
    }, "those who are asked, and the leader in charge: it is a cross-department case from now on"
    await town.until("10-09 09:01")
    digest = town.letter("market-officer-2", "Your digest")
    assert digest.at == "10-09 09:00"
    assert f"[{matter.ref}]" in digest.text
    assert [one.at for one in town.mails(LEADER)] == ["10-08 09:00"]
    assert await town.offers(MARKET, matter) >= {"contribute", "decline-assist"}
    assert not {"accept", "answer", "return", "release-assist"} & await town.offers(MARKET, matter)
    assert await town.sees(LABOUR, matter) is None
    assert await town.refuses(OFFICER, matter, ASKS) == "asked-already"
    assert await town.refuses(OFFICER, matter, Assist(department="housing", text="?")) == "same-department"


@lives()
async def test_no_final_answer_leaves_while_a_part_is_owed(town: Town) -> None:
    matter = await asked(town)
    await town.does(OFFICER, matter, Answer(text="We look into it", final=False))
    assert await town.refuses(OFFICER, matter, Answer(text="It is repaired")) == "assists-open"
    await town.until("10-09 10:00")
    await town.does(MARKET, matter, Contribute(department="market", text="The fishmonger's"))
    given = town.last(matter, AssistGiven)
    assert (given.outcome, given.ends[0].how, given.ends[0].late) == ("given", "met", False)
    assert town.told(given).keys() == {OFFICER, "housing-officer-2"}
    seen = await town.sees(OFFICER, matter)
    assert seen is not None
    assert seen.timeline[-1].text == "The fishmonger's"
    await town.does(OFFICER, matter, Answer(text="It is repaired"))
    told = [entry.what for entry in (await town.tracked(matter)).entries]
    assert told == ["received", "assigned", "interim_answer", "answer"]


@lives()
async def test_a_department_gives_its_own_part_and_no_other_ones(town: Town) -> None:
    matter = await asked(town, Assist(department="labour", text="Who worked there?"))
    part = Contribute(department="labour", text="Nobody")
    assert await town.refuses(MARKET, matter, part) == "not-your-part"
    assert (
        await town.refuses(MARKET, matter, DeclineAssist(department="labour", text="No")) == "not-your-part"
    )
    await town.does(LABOUR, matter, part)
    assert [one.owner for one in town.case(matter).owed("assist")] == ["market"]


@lives()
async def test_who_leads_may_do_without_and_who_is_asked_may_say_that_they_can_not(town: Town) -> None:
    matter = await asked(town, Assist(department="labour", text="Who worked there?"))
    await town.does(LABOUR, matter, DeclineAssist(department="labour", text="We keep no such lists"))
    declined = town.last(matter, AssistGiven)
    assert (declined.outcome, set(town.told(declined))) == ("declined", {OFFICER, "housing-officer-2"})
    assert await town.refuses(MARKET, matter, ReleaseAssist(department="market")) == "not-your-case"
    await town.does(OFFICER, matter, ReleaseAssist(department="market"))
    released = town.last(matter, AssistGiven)
    assert (released.outcome, released.ends[0].how) == ("released", "cancelled")
    assert town.told(released).keys() == {MARKET, "market-officer-2"}
    assert await town.refuses(MARKET, matter, Contribute(department="market", text="Here")) == "not-your-case"
    await town.does(OFFICER, matter, Answer(text="It is repaired"))


@lives()
async def test_a_part_that_is_late_climbs_to_the_head_of_who_owes_it(town: Town) -> None:
    matter = await asked(town)
    await town.until("10-12 18:00")
    fell = [
        (rung.action, town.shown(rung.at), {one.person for one in alarm.notices if number in one.rungs})
        for alarm in town.events(matter, CaseAlarmed)
        for number, rung in enumerate(alarm.rungs)
        if rung.kind == "assist" and rung.action in {"breach", "escalate"}
    ]
    assert fell == [("breach", "10-10 17:30", {"market-head"}), ("escalate", "10-12 17:30", {"vice-mayor-1"})]


@lives(organisation="hospital", start="2026-10-12 09:00")
async def test_where_duties_overlap_who_received_it_first_leads_and_asks_the_others(town: Town) -> None:
    matter = await town.says("护士站电脑里的医嘱录入后打印不出腕带", kind="enquiry", department="information")
    back = Return(reason="overlapping", proposed="nursing", text="The wristbands are theirs")
    assert await town.refuses("information-officer-1", matter, back) == "first-receiver-leads"
    await town.does(
        "information-officer-1", matter, Accept(), Assist(department="nursing", text="Which wards?")
    )
    await town.does("nursing-officer-1", matter, Contribute(department="nursing", text="Two and three"))
    await town.does("information-officer-1", matter, Answer(text="They print again"))
    assert town.case(matter).department == "information"
