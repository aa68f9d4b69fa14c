"""M12: what is late climbs, and what is large, hard or of several departments enters higher up."""

from __future__ import annotations

from services.routing.commands import Accept, Assist, Classify, Escalate
from shared.content.words import Option
from shared.events.cases import CaseAlarmed, CaseClassified, CaseEscalated
from tests.journeys.stories import lives
from tests.journeys.town import Town

LAMP = "路灯不亮,路面有坑"
OFFICER, COORDINATOR, LEADER, MAYOR = (
    "housing-officer-1",
    "coordination-officer-1",
    "vice-mayor-1",
    "mayor",
)
WAYS = (Option(name="Dig"), Option(name="Patch"))
ENTERS = {
    "cross": ("housing/leader", {LEADER}),
    "external": ("housing/leader", {LEADER}),
    "major": ("principal", {MAYOR}),
    "hard": ("group", {MAYOR, LEADER, "vice-mayor-2"}),
}


@lives()
async def test_the_class_chooses_the_rung_it_enters_at_and_the_post_owes_an_answer(town: Town) -> None:
    await town.until("10-08 09:00")
    for case_class, (post, people) in ENTERS.items():
        matter = await town.says(LAMP)
        up = Escalate(case_class=case_class, text="Decide, please", options=WAYS)
        await town.does(OFFICER, matter, Accept(), up)
        escalated = town.last(matter, CaseEscalated)
        assert (escalated.case_class, escalated.to) == (case_class, post)
        assert town.told(escalated) == dict.fromkeys(people, "at once")
        assert town.owes(matter)["opinion"][0] == post
        resolve = "10-28 17:30" if case_class == "major" else "10-14 17:30"
        assert town.owes(matter)["resolve"] == ("housing", resolve)
        assert town.owes(matter)["promise"] == ("coordinator", "10-14 17:30"), "what was promised stays"


@lives()
async def test_what_the_coordinator_takes_for_major_or_urgent_is_told_where_it_goes(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("09-30 18:00")
    assert await town.refuses(OFFICER, matter, Classify(case_class="major")) == "not-your-case"
    await town.does(COORDINATOR, matter, Classify(case_class="major", text="The road sinks"))
    assert town.told(town.last(matter, CaseClassified)) == {MAYOR: "10-08 09:00"}
    await town.does(COORDINATOR, matter, Classify(urgent=True))
    assert town.told(town.last(matter, CaseClassified)) == {
        OFFICER: "at once",
        "housing-officer-2": "at once",
    }
    assert town.owes(matter)["resolve"] == ("housing", "10-01 16:00")


@lives()
async def test_the_first_help_of_another_department_tells_the_leader_in_charge_once(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    await town.does(OFFICER, matter, Accept(), Assist(department="market", text="Whose is the stall?"))
    assert LEADER in town.told(town.history(matter)[-1].data)  # type: ignore[arg-type]
    await town.does(OFFICER, matter, Assist(department="labour", text="Who works there?"))
    assert LEADER not in town.told(town.history(matter)[-1].data)  # type: ignore[arg-type]


@lives()
async def test_what_nobody_does_climbs_from_the_head_to_the_leaders_and_is_told_to_all(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-14 18:00")
    climbed = {
        (rung.action, town.shown(rung.at)): {one.person for one in alarm.notices if number in one.rungs}
        for alarm in town.events(matter, CaseAlarmed)
        for number, rung in enumerate(alarm.rungs)
        if rung.kind == "contact"
    }
    officers = {OFFICER, "housing-officer-2"}
    assert climbed == {
        ("remind", "10-08 11:45"): officers,
        ("warn", "10-08 15:22"): officers | {"housing-deputy"},
        ("breach", "10-08 17:30"): {"housing-head"},
        ("escalate", "10-09 17:30"): {LEADER},
        ("escalate", "10-12 17:30"): {MAYOR},
        ("circulate", "10-14 17:30"): {one.head for one in town.organisation.departments} | {MAYOR},
    }
    assert "催办通知书" in next(one.text for one in town.mails(LEADER) if one.at == "10-09 17:30")
    for department in town.organisation.departments:
        circulars = [one for one in town.mails(department.head) if one.at == "10-14 17:30"]
        assert len(circulars) == 1, "each head hears once what all hear"


@lives()
async def test_after_an_outage_each_is_told_once_and_only_of_the_present_rung(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.outage_until("10-09 18:00")
    (alarm,) = town.events(matter, CaseAlarmed)
    present = [(rung.kind, rung.action) for rung in alarm.rungs if not rung.late]
    assert present == [("accept", "escalate"), ("contact", "escalate")]
    assert [rung.action for rung in alarm.rungs if rung.late] == ["remind", "warn", "breach"] * 2
    assert town.told(alarm) == {LEADER: "10-10 09:00"}, "in the post's hours"
    assert {one.partition("-")[0] for one in town.case(matter).breached} == {"accept", "contact"}
    await town.until("10-10 17:29")
    assert [one.at for one in town.mails(LEADER)] == ["10-10 09:00"]


@lives(start="2026-10-02 23:00")
async def test_what_is_urgent_climbs_at_night(town: Town) -> None:
    matter = await town.says("停水三天了,自来水什么时候恢复?")
    await town.until("10-03 02:00")
    fell = {
        (rung.kind, rung.action, town.shown(rung.at)): {one.person for one in alarm.notices}
        for alarm in town.events(matter, CaseAlarmed)
        for rung in alarm.rungs
    }
    officers = {OFFICER, "housing-officer-2"}
    assert fell == {
        ("accept", "remind", "10-02 23:15"): officers,
        ("accept", "warn", "10-02 23:22"): officers | {"housing-deputy"},
        ("accept", "breach", "10-02 23:30"): {"housing-head"},
        ("contact", "remind", "10-03 00:00"): officers,
        ("contact", "warn", "10-03 00:30"): officers | {"housing-deputy"},
        ("contact", "breach", "10-03 01:00"): {"housing-head"},
    }
    for alarm in town.events(matter, CaseAlarmed):
        assert set(town.told(alarm).values()) == {"at once"}
