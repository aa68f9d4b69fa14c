"""M03: what goes upwards carries a prepared choice; it must be answered, and the answer reaches who asked."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.routing.commands import Accept, Advise, Answer, Consult, Escalate
from shared.content.words import Option
from shared.events.cases import CaseAlarmed, CaseEscalated, OpinionAsked, OpinionGiven
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

LAMP = "路灯不亮,路面有坑"
OFFICER, MAYOR = "housing-officer-1", "mayor"
DIG = Option(name="Dig the street up", pros="For good", cons="Three weeks closed", risks="The market's trade")
PATCH = Option(name="Patch it", pros="Tomorrow", cons="Again next winter", risks="An accident until then")


def test_without_options_or_a_preferred_one_nothing_goes_up() -> None:
    one = {"text": "What shall we do?", "options": [DIG.model_dump()]}
    for command in (
        {"case_class": "hard", "text": "What shall we do?"},
        {"case_class": "hard"} | one,
        {"case_class": "hard"} | one | {"options": [DIG, PATCH], "preferred": 3},
        {"case_class": "hard"} | one | {"options": [DIG, PATCH], "text": " "},
    ):
        with pytest.raises(ValidationError):
            Escalate.model_validate(command)
    with pytest.raises(ValidationError):
        Consult.model_validate(one | {"to": "market"})


async def escalated(town: Town) -> Matter:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    up = Escalate(case_class="hard", text="Both are dear", options=(DIG, PATCH), preferred=2)
    await town.does(OFFICER, matter, Accept(), up)
    return matter


@lives()
async def test_the_leaders_choice_reaches_the_officer(town: Town) -> None:
    matter = await escalated(town)
    assert town.told(town.last(matter, CaseEscalated)).keys() == {MAYOR, "vice-mayor-1", "vice-mayor-2"}
    assert town.owes(matter)["opinion"] == ("group", "10-09 17:30")
    assert "advise" in await town.offers(MAYOR, matter)
    assert "advise" not in await town.offers(OFFICER, matter)
    assert await town.refuses(OFFICER, matter, Advise(choice=1, text="I'd say")) == "not-your-case"
    await town.does(MAYOR, matter, Advise(choice=1, text="Once and for good"))
    given = town.last(matter, OpinionGiven)
    assert (given.choice, given.actor) == (1, MAYOR)
    assert {OFFICER, "housing-officer-2"} <= town.told(given).keys()
    assert "opinion" not in town.owes(matter)
    asked = town.letter(MAYOR, matter.ref, "Both are dear")
    assert all(word in asked.text for word in (DIG.name, DIG.pros, DIG.risks, PATCH.name, PATCH.cons))
    heard = town.letter("housing-officer-2", "Opinion given")
    assert "Chosen: option 1, Dig the street up" in heard.text
    seen = await town.sees(OFFICER, matter)
    assert seen is not None
    went_up, answered = seen.timeline[-2:]
    assert went_up.text == "Both are dear"
    assert (answered.text, answered.data["choice"]) == ("Once and for good", 1)
    assert await town.refuses(MAYOR, matter, Advise(text="Or not")) in {"not-asked", "not-your-case"}


@lives()
async def test_a_question_that_goes_up_must_be_answered_and_climbs_where_it_is_not(town: Town) -> None:
    matter = await escalated(town)
    await town.until("10-12 18:00")
    fell = [
        (rung.action, town.shown(rung.at))
        for alarm in town.events(matter, CaseAlarmed)
        for rung in alarm.rungs
        if rung.kind == "opinion"
    ]
    # From 8 October 09:00 to the end of the 9th: 14 working hours.
    assert fell == [
        ("remind", "10-08 17:30"),
        ("warn", "10-09 14:00"),
        ("breach", "10-09 17:30"),
        ("escalate", "10-10 17:30"),
    ]
    assert any(one.startswith("opinion") for one in town.case(matter).breached)


@lives()
async def test_a_department_is_consulted_and_may_show_another_way(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    asks = Consult(to="market", text="May the market move?", options=(DIG, PATCH))
    await town.does(OFFICER, matter, Accept())
    assert await town.sees("market-officer-1", matter) is None
    await town.does(OFFICER, matter, asks)
    assert town.told(town.last(matter, OpinionAsked)).keys() == {"market-officer-1", "market-officer-2"}
    assert await town.refuses(OFFICER, matter, asks) == "asked-already"
    again = Consult(to="housing", text="And we?", options=(DIG, PATCH))
    assert await town.refuses(OFFICER, matter, again) == "same-department"
    assert await town.refuses(OFFICER, matter, Consult(to="no-such", text="?", options=(DIG, PATCH))) == (
        "no-such-department"
    )
    await town.does("market-officer-1", matter, Advise(text="Dig at night: we open at seven"))
    assert town.last(matter, OpinionGiven).choice is None
    await town.does(OFFICER, matter, Answer(text="We dig at night", resolved=True))
    assert (await town.tracked(matter)).entries[-1].text == "We dig at night"
