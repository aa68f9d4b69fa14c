"""M24: a defect on the building site is followed until somebody else has seen that it is solved."""

from __future__ import annotations

from services.routing.commands import Accept, Answer, Extend, Feedback, GrantExtension, Inspect, Resolve
from shared.content.words import Sender
from shared.events.cases import (
    CaseAnswered,
    CaseClosed,
    CaseInspected,
    CaseReopened,
    CaseSolved,
    ExtensionDecided,
)
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

DEFECT = "三层楼板混凝土有蜂窝麻面,局部露筋"
OFFICER, INSPECTOR, CHIEF, TRACKER = (
    "structure-officer-1",
    "supervision-engineer",
    "supervision-chief",
    "issue-tracker-1",
)
MONDAY = "2026-10-12 09:00"
EVIDENCE = "Chiselled, cleaned, C40 mortar; cube 17 of 14 October: 46 MPa"


async def repaired(town: Town) -> Matter:
    matter = await town.says(
        DEFECT, sender=Sender(email="owner@site.example", kind="enterprise", language="en")
    )
    assert town.owes(matter) == {
        "promise": ("coordinator", "10-19 09:00"),
        "accept": ("structure", "10-12 15:00"),
        "contact": ("structure", "10-13 18:00"),
        "resolve": ("structure", "10-19 09:00"),
    }
    await town.does(OFFICER, matter, Accept(), Resolve(text=EVIDENCE))
    await town.until("10-14 10:00")
    await town.does(OFFICER, matter, Answer(text="It is repaired; see cube 17", resolved=True))
    return matter


@lives(organisation="construction", start=MONDAY)
async def test_what_is_called_solved_is_looked_at_and_the_solution_stays_with_the_case(town: Town) -> None:
    matter = await repaired(town)
    assert town.owes(matter)["inspect"] == ("supervisors", "10-16 18:00")
    await town.hears(matter, Feedback(solved=True))
    assert town.case(matter).state == "answered", "the sender's yes alone closes nothing that must be seen"
    assert await town.refuses(OFFICER, matter, Inspect(passed=True)) == "not-your-case"
    await town.does(INSPECTOR, matter, Inspect(passed=True, text="Tapped all of it"))
    assert town.last(matter, CaseInspected).passed
    closed = town.last(matter, CaseClosed)
    assert (closed.outcome, closed.solved) == ("feedback", True)
    for who in (OFFICER, TRACKER):
        seen = await town.sees(who, matter)
        assert seen is not None
        texts = {entry.type: entry.text for entry in seen.timeline if entry.text}
        assert texts[CaseSolved.TYPE] == EVIDENCE
        assert texts[CaseAnswered.TYPE] == "It is repaired; see cube 17"
        assert texts[CaseInspected.TYPE] == "Tapped all of it"


@lives(organisation="construction", start=MONDAY)
async def test_what_does_not_pass_is_done_again(town: Town) -> None:
    matter = await repaired(town)
    await town.until("10-15 10:00")
    await town.does(CHIEF, matter, Inspect(passed=False, text="Hollow at axis C4"))
    assert town.last(matter, CaseReopened).reason == "not_passed"
    assert (town.case(matter).state, town.case(matter).solved) == ("accepted", False)
    assert town.owes(matter) == {"resolve": ("structure", "10-22 10:00")}
    assert (await town.tracked(matter)).state == "accepted"
    await town.does(OFFICER, matter, Answer(text="Axis C4 too", resolved=True))
    assert "inspect" in town.owes(matter)
    await town.does(INSPECTOR, matter, Inspect(passed=True))
    await town.until("10-23 10:01")
    assert town.last(matter, CaseClosed).outcome == "silence"


@lives(organisation="construction", start=MONDAY)
async def test_nobody_closes_by_silence_what_was_not_looked_at_in_time(town: Town) -> None:
    matter = await repaired(town)
    await town.until("10-16 18:01")
    assert any(one.startswith("inspect") for one in town.case(matter).breached)


@lives(organisation="construction", start=MONDAY)
async def test_safety_is_faster_and_supervision_grants_more_time(town: Town) -> None:
    matter = await town.says("三层临边防护缺失,脚手架连墙件被拆")
    assert town.case(matter).category == "site-safety"
    assert {kind: due for kind, (_, due) in town.owes(matter).items()} == {
        "promise": "10-13 09:00",
        "accept": "10-12 10:00",
        "contact": "10-12 13:00",
        "resolve": "10-13 09:00",
    }
    await town.does("site-officer-1", matter, Accept(), Extend(text="The crane comes tomorrow"))
    assert await town.refuses("executive-manager", matter, GrantExtension()) == "not-your-case"
    await town.does(INSPECTOR, matter, GrantExtension())
    assert town.shown(town.last(matter, ExtensionDecided).due) == "10-14 09:00"
