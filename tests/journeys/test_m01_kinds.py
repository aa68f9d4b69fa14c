"""M01: one line for everything; limits, secrecy and feedback follow the kind of what is said."""

from __future__ import annotations

from services.routing.commands import Accept, Answer, Assign, Assist, Return
from shared.events.cases import CaseAssigned, CaseQueued, PraisePassedOn, SenderOpened
from tests.journeys.stories import lives
from tests.journeys.town import Town

LAMP = "路灯不亮,路面有坑"
TAP = "停水三天了,自来水什么时候恢复?"
OFFICER, HEAD, LEADER = "housing-officer-1", "housing-head", "vice-mayor-1"
COORDINATOR = "coordination-officer-1"
WANG = "wang@citizen.example"
MARKET_LINE = "market-line@sample-county.example.org"

WHOLE_DAYS = {
    # On Wednesday 2026-09-30 at 16:00; 1 to 7 October are holidays, Saturday 10 October is worked.
    "problem": {"accept": "10-08 11:30", "contact": "10-08 17:30", "resolve": "10-13 17:30"},
    "complaint": {"accept": "10-08 11:30", "contact": "10-08 17:30", "resolve": "10-13 17:30"},
    "enquiry": {"accept": "10-08 09:30", "contact": "10-08 17:30", "resolve": "10-10 17:30"},
    "suggestion": {"accept": "10-08 17:30", "contact": "10-09 17:30", "resolve": "10-27 17:30"},
}


@lives()
async def test_each_kind_has_limits_of_its_own(town: Town) -> None:
    for kind, limits in WHOLE_DAYS.items():
        matter = await town.says(LAMP, kind=kind)
        owed = town.owes(matter)
        assert owed.pop("promise") == ("coordinator", limits["resolve"])
        assert owed == {what: ("housing", due) for what, due in limits.items()}


@lives()
async def test_who_has_no_water_does_not_wait_for_office_hours(town: Town) -> None:
    matter = await town.says(TAP, kind="problem")
    assert town.owes(matter) == {
        "promise": ("coordinator", "10-01 16:00"),
        "accept": ("housing", "09-30 16:30"),
        "contact": ("housing", "09-30 18:00"),
        "resolve": ("housing", "10-01 16:00"),
    }
    assert town.told(town.last(matter, CaseAssigned)) == {OFFICER: "at once", "housing-officer-2": "at once"}
    assert [one.at for one in town.mails(OFFICER)] == ["09-30 16:00"]
    assert "16:00 on Thursday 1 October 2026" in town.letter(WANG, "We promise you").text


@lives()
async def test_a_complaint_about_a_department_or_its_people_does_not_go_to_them(town: Town) -> None:
    about = "路灯不亮,给住房和城乡建設局打了三次电话,没有人理"
    matter = await town.says(about, kind="complaint")
    assert town.last(matter, CaseQueued).reason == "about_department"
    assert town.owes(matter)["dispatch"][0] == "coordinator"
    assert await town.sees(OFFICER, matter) is None
    of_others = await town.says("路灯不亮,物业公司没有人理", kind="complaint")
    assert town.last(of_others, CaseAssigned).department == "housing"


@lives()
async def test_what_is_said_in_confidence_goes_to_a_person_and_names_nobody_to_the_department(
    town: Town,
) -> None:
    matter = await town.says("路灯被局里的人拆下来卖了", kind="report")
    assert town.last(matter, CaseQueued).reason == "confidential"
    assert town.owes(matter)["dispatch"] == ("coordinator", "10-08 11:30")
    assert await town.sees(OFFICER, matter) is None
    await town.does(COORDINATOR, matter, Assign(department="housing"))
    await town.does(OFFICER, matter, Accept(), Assist(department="market", text="Who buys such lamps?"))
    concerned = (OFFICER, HEAD, LEADER, "market-officer-1")
    trusted = (COORDINATOR, "supervision-officer", "mayor")
    for who in (*concerned, *trusted):
        seen = await town.sees(who, matter)
        assert seen is not None
        assert (seen.messages[0].text, seen.messages[0].sender) == ("路灯被局里的人拆下来卖了", None)
        assert seen.sender_closed == (who in trusted), "they must say why, the others may not at all"
    for who in concerned:
        assert await town.opens_sender(who, matter, "inquiry") == "sender-not-shown"
    assert await town.opens_sender("mayor", matter, "inquiry") is None
    for who in trusted:
        seen = await town.sees(who, matter)
        assert seen is not None
        assert (seen.messages[0].sender is not None) == (who == "mayor"), "it is opened to who asked, alone"
    opened = town.last(matter, SenderOpened)
    assert (opened.actor, opened.reason) == ("mayor", "inquiry")
    await town.until("10-12 09:00")
    seen = await town.sees("mayor", matter)
    assert seen is not None
    assert seen.messages[0].sender is None, "a day later the reason must be said again"


@lives()
async def test_who_has_a_report_in_hand_sees_its_sender_without_a_word(town: Town) -> None:
    matter = await town.says("路灯被局里的人拆下来卖了", kind="report")
    seen = await town.sees(COORDINATOR, matter)
    assert seen is not None
    assert seen.messages[0].sender is not None
    assert town.events(matter, SenderOpened) == []


@lives()
async def test_praise_is_passed_on_at_once_and_owes_nothing(town: Town) -> None:
    matter = await town.says("路灯不亮,一个小时就修好了,谢谢!", kind="praise")
    assert town.told(town.last(matter, PraisePassedOn)).keys() == {
        OFFICER,
        "housing-officer-2",
        HEAD,
        LEADER,
    }
    case = town.case(matter)
    assert (case.state, case.outcome, case.obligations) == ("closed", "passed_on", ())
    assert (await town.tracked(matter)).outcome == "passed_on"
    assert "we pass your praise on" in town.letter(WANG, "Thank you").text
    assert len(town.mails(OFFICER)) == len(town.mails(HEAD)) == len(town.mails(LEADER)) == 1


@lives()
async def test_a_departments_own_line_settles_what_is_its_own_and_the_rest_goes_up(town: Town) -> None:
    own = await town.says("路灯不亮,路面有坑", endpoint=MARKET_LINE)
    assert (town.case(own).department, town.last(own, CaseAssigned).by) == ("market", "line")
    assert await town.sees(OFFICER, own) is None
    other = await town.says("The scale at stall 7 is wrong", endpoint=MARKET_LINE.upper())
    await town.does("market-officer-1", other, Accept(), Answer(text="It was changed this morning"))
    assert [entry.what for entry in (await town.tracked(other)).entries] == ["received", "assigned", "answer"]
    await town.does("market-officer-1", own, Return(proposed="housing", text="Lamps are theirs"))
    assert town.owes(own)["dispatch"][0] == "coordinator"
    assert own.ref in {one.ref for one in [town.case(own)] if one.state == "new"}
