"""M10: a department that is not responsible says so in time; the coordinator decides, and the time is booked."""

from __future__ import annotations

from services.routing.commands import Accept, Contact, RefuseReturn, Return, Transfer, UpholdReturn
from shared.events.cases import CaseAssigned, CaseReturned, ReturnDecided
from tests.journeys.stories import lives
from tests.journeys.town import Town

LAMP = "路灯不亮,路面有坑"
OFFICER, COORDINATOR = "housing-officer-1", "coordination-officer-1"
BACK = Return(proposed="city-management", text="The square is theirs")
MONDAY = "2026-10-12 09:00"


@lives(start=MONDAY)
async def test_a_return_that_is_upheld_goes_to_another_department_and_its_time_to_who_assigned(
    town: Town,
) -> None:
    matter = await town.says(LAMP)
    await town.until("10-12 10:00")
    await town.does(OFFICER, matter, BACK)
    returned = town.last(matter, CaseReturned)
    assert (returned.proposed, returned.reason) == ("city-management", "not_responsible")
    assert town.owes(matter) == {
        "promise": ("coordinator", "10-19 17:30"),
        "dispatch": ("coordinator", "10-12 12:00"),
    }
    await town.until("10-12 11:00")
    same = UpholdReturn(department="housing")
    assert await town.refuses(COORDINATOR, matter, same) == "same-department"
    assert await town.refuses(OFFICER, matter, RefuseReturn(text="?")) == "case-not-found"
    await town.does(COORDINATOR, matter, UpholdReturn(department="city-management"))
    (booked,) = town.last(matter, ReturnDecided).booked
    assert (booked.holder, town.shown(booked.begin), town.shown(booked.end)) == (
        "coordinator",
        "10-12 09:00",
        "10-12 10:00",
    )
    assert town.owes(matter) == {
        "promise": ("coordinator", "10-19 17:30"),
        "accept": ("city-management", "10-12 16:30"),
        "contact": ("city-management", "10-13 17:30"),
        "resolve": ("city-management", "10-19 17:30"),
    }
    seen = await town.tracked(matter)
    assert [(entry.what, entry.department) for entry in seen.entries[1:]] == [
        ("assigned", "Housing and Urban-Rural Development Bureau"),
        ("handed_over", "City Management and Enforcement Bureau"),
    ]
    told = town.letter("wang@citizen.example", "handed over")
    assert (told.at, "City Management and Enforcement Bureau" in told.text) == ("10-12 11:00", True)
    assert await town.sees(OFFICER, matter) is None
    assert await town.sees("housing-head", matter) is not None, "its hour is on their account"


@lives(start=MONDAY)
async def test_a_return_that_is_refused_costs_who_returned_it(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-12 10:00")
    await town.does(OFFICER, matter, Accept(), BACK)
    await town.until("10-12 11:00")
    await town.does(COORDINATOR, matter, RefuseReturn(text="The lamps are yours since May"))
    decided = town.last(matter, ReturnDecided)
    (booked,) = decided.booked
    assert (decided.upheld, booked.holder) == (False, "housing")
    assert (town.shown(booked.begin), town.shown(booked.end)) == ("10-12 10:00", "10-12 11:00")
    assert town.owes(matter) == {
        "promise": ("coordinator", "10-19 17:30"),
        "accept": ("housing", "10-12 16:30"),
        "contact": ("housing", "10-13 17:30"),
        "resolve": ("housing", "10-19 17:30"),
    }, "contact and answer are owed from the first assignment on"


@lives(start=MONDAY)
async def test_it_is_returned_within_four_hours_or_a_day_where_somebody_went_to_look(town: Town) -> None:
    looked = await town.says(LAMP)
    late = await town.says(LAMP, sender="li@citizen.example")
    await town.until("10-12 11:00")
    await town.does(OFFICER, looked, Contact(outcome="reached", site_visit=True, text="We were there"))
    await town.until("10-12 14:31")
    assert await town.refuses(OFFICER, late, BACK) == "too-late-to-return"
    await town.until("10-13 17:29")
    await town.does(OFFICER, looked, BACK)
    assert town.last(looked, CaseReturned).site_visit
    assert await town.refuses(OFFICER, late, BACK) == "too-late-to-return"


@lives(start=MONDAY)
async def test_after_the_second_return_the_coordinators_word_stands(town: Town) -> None:
    matter = await town.says(LAMP)
    for _ in range(2):
        await town.does(OFFICER, matter, BACK)
        await town.does(COORDINATOR, matter, RefuseReturn(text="It is yours"))
    assert town.case(matter).returns == 2
    assert "return" not in await town.offers(OFFICER, matter)
    assert await town.refuses(OFFICER, matter, BACK) == "returned-too-often"
    await town.does(OFFICER, matter, Accept())


@lives("embedded", "cluster", organisation="company", start=MONDAY)
async def test_where_departments_settle_it_among_themselves_they_hand_it_on_but_not_back(town: Town) -> None:
    matter = await town.says("报销单交了两个月,报销款还没到")
    assert town.case(matter).department == "finance"
    await town.does("finance-officer-1", matter, Transfer(department="personnel", text="It is his pay"))
    assigned = town.last(matter, CaseAssigned)
    assert (assigned.by, town.case(matter).department) == ("transfer", "personnel")
    back = Transfer(department="finance", text="It is not")
    assert await town.refuses("personnel-officer-1", matter, back) == "had-it-before"
    await town.does("personnel-officer-1", matter, Return(proposed="finance", text="It is not pay"))
    await town.does("general-office-officer-1", matter, UpholdReturn(department="administration"))
    (booked,) = town.last(matter, ReturnDecided).booked
    assert booked.holder == "finance", "who handed it on answers for that"


@lives(start=MONDAY)
async def test_elsewhere_only_the_coordinator_hands_a_case_on(town: Town) -> None:
    matter = await town.says(LAMP)
    to = Transfer(department="city-management", text="Theirs")
    assert await town.refuses(OFFICER, matter, to) == "no-transfers"
