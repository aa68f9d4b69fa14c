"""M29: what comes from the house's own people is internal; what is hard with partners outside reaches the leader."""

from __future__ import annotations

from services.routing.commands import Accept, Assist, Escalate, Return, UpholdReturn
from shared.content.words import Option, Sender
from shared.events.cases import CaseEscalated
from tests.journeys.stories import lives
from tests.journeys.town import Town

OFFICER, LEADER = "information-officer-1", "vice-president-1"
WARD = Sender(email="ward-3@sample-hospital.example.org", kind="staff", language="en")
VENDOR = Sender(email="support@vendor.example", kind="enterprise", language="en")
MONDAY = "2026-10-12 09:00"


@lives(organisation="hospital", start=MONDAY)
async def test_whether_it_comes_from_inside_or_outside_is_known_from_the_start(town: Town) -> None:
    inside = await town.says("电子病历的病历模板有错字", sender=WARD, kind="enquiry")
    outside = await town.says("供应商驻场工程师的维保合同到期了", sender=VENDOR, kind="enquiry")
    assert [town.case(one).scope for one in (inside, outside)] == ["internal", "external"]
    assert [town.case(one).department for one in (inside, outside)] == ["information", "information"]


@lives(organisation="hospital", start=MONDAY)
async def test_difficulties_with_partners_outside_reach_the_leader_in_charge(town: Town) -> None:
    matter = await town.says("供应商驻场工程师的维保合同到期了", sender=VENDOR, kind="enquiry")
    ways = (Option(name="Extend it", cons="Dear"), Option(name="Tender", risks="Six weeks without"))
    up = Escalate(case_class="external", text="They do not come", options=ways)
    await town.does(OFFICER, matter, Accept(), up)
    escalated = town.last(matter, CaseEscalated)
    assert (escalated.to, town.told(escalated)) == ("information/leader", {LEADER: "at once"})
    assert town.owes(matter)["opinion"] == ("information/leader", "10-13 17:30")


@lives(organisation="hospital", start=MONDAY)
async def test_inside_departments_assist_or_the_hospitals_office_decides(town: Town) -> None:
    matter = await town.says(
        "护士站的护理记录里腕带打印不出来", sender=WARD, kind="enquiry", department="nursing"
    )
    await town.does("nursing-officer-1", matter, Accept(), Assist(department="information", text="Please"))
    assert town.case(matter).case_class == "cross"
    other = await town.says(
        "护士站的护理记录里腕带打印不出来", sender=WARD, kind="enquiry", department="nursing"
    )
    back = Return(proposed="information", text="It is the printer")
    await town.does("nursing-officer-1", other, back)
    await town.does("hospital-office-officer-1", other, UpholdReturn(department="information"))
    assert town.case(other).department == "information"


@lives(organisation="hospital", start="2026-10-03 02:00")
async def test_what_stops_care_is_worked_on_in_a_holidays_night_and_its_desk_is_awake(town: Town) -> None:
    stops = await town.says("手术室断网,网络中断", sender=WARD, kind="problem")
    slows = await town.says("护士站打印机卡顿,扫描枪也死机", sender=WARD, kind="problem")
    asks = await town.says("门诊电脑想换一台显示器和打印机", sender=WARD, kind="suggestion")
    due = [{kind: due for kind, (_, due) in town.owes(one).items()} for one in (stops, slows, asks)]
    assert [town.case(one).department for one in (stops, slows, asks)] == ["information-duty"] * 3
    assert due[0] | {"promise": ""} == {
        "promise": "",
        "accept": "10-03 02:10",
        "contact": "10-03 02:15",
        "resolve": "10-03 04:00",
    }
    # The duty desk works every hour of every day; the promise is counted in the hours of the hospital's office.
    assert due[1] == {
        "promise": "10-09 08:30",
        "accept": "10-03 03:00",
        "contact": "10-03 04:00",
        "resolve": "10-03 10:00",
    }
    assert due[2] == {
        "promise": "10-13 17:30",
        "accept": "10-03 06:00",
        "contact": "10-05 00:00",
        "resolve": "10-09 00:00",
    }
