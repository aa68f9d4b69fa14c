"""Cases that have to do with one another are merged, linked and split; none of their senders is forgotten."""

from __future__ import annotations

from services.routing.commands import (
    Accept,
    Answer,
    Assign,
    Close,
    Contest,
    Feedback,
    Link,
    Merge,
    Split,
    Urge,
)
from shared.events.cases import CaseClosed, CaseOpened, CaseUrged
from shared.events.linked import CaseJoined, CaseLinked, CaseMerged, CaseSplit
from tests.journeys.stories import lives
from tests.journeys.town import Town

LAMP = "路灯不亮,路面有坑"
OFFICER, COORDINATOR = "housing-officer-1", "coordination-officer-1"
LI = "li@citizen.example"


@lives()
async def test_what_is_the_same_matter_goes_on_as_one_and_both_senders_see_it(town: Town) -> None:
    one = await town.says(LAMP)
    two = await town.says(LAMP, sender=LI)
    assert await town.refuses(OFFICER, two, Merge(into=two.ref)) == "same-case"
    assert await town.refuses(OFFICER, two, Merge(into="AAAA-AAAA-A")) == "case-not-found"
    await town.does(OFFICER, two, Merge(into=one.ref, text="The same lamp"))
    assert (town.last(two, CaseMerged).into, town.last(two, CaseClosed).outcome) == (one.id, "merged")
    assert town.last(one, CaseJoined).case == two.id
    await town.does(OFFICER, one, Accept(), Answer(text="It shines again"))
    assert (await town.tracked(one)).entries[-1].text == "It shines again"
    seen = await town.tracked(two)
    assert seen.goes_on is not None
    assert seen.goes_on.entries[-1].text == "It shines again"
    assert one.ref in town.letter(LI, "goes on together with").text
    for sender, ref in (("wang@citizen.example", one.ref), (LI, two.ref)):
        assert ref in town.letter(sender, "It shines again").subject, "each under the ref they know"
    assert await town.refuses(OFFICER, one, Merge(into=two.ref)) in {
        "other-closed",
        "merge-not-while-answered",
    }
    more = await town.says("It is dark again", sender=LI, on=two)
    assert more.id == one.id, "what the second sender writes now joins the case that goes on"


@lives()
async def test_cases_that_are_linked_both_say_so(town: Town) -> None:
    one = await town.says(LAMP)
    two = await town.says(LAMP, sender=LI)
    elsewhere = await town.says("小区门口的垃圾桶没有人清运", sender=LI)
    assert await town.refuses(OFFICER, one, Link(to=elsewhere.ref)) == "case-not-found"
    assert await town.refuses(OFFICER, one, Link(to=one.ref)) == "same-case"
    await town.does(OFFICER, one, Link(to=two.ref))
    assert [town.last(of, CaseLinked).case for of in (one, two)] == [two.id, one.id]
    assert [town.last(of, CaseLinked).answers for of in (one, two)] == [False, True]


@lives()
async def test_a_part_goes_its_own_way_for_the_same_sender(town: Town) -> None:
    whole = await town.says(LAMP + ",还有人在路灯下占道经营")
    await town.does(OFFICER, whole, Accept(), Split(department="city-management", text="The stalls there"))
    split = town.last(whole, CaseSplit)
    opened = town.last(split.part, CaseOpened)
    assert (opened.parent, opened.message, opened.acknowledge) == (whole.id, whole.message, False)
    assert town.owes(split.part) == {
        "promise": ("coordinator", "10-13 17:30"),
        "accept": ("city-management", "10-08 11:30"),
        "contact": ("city-management", "10-08 17:30"),
        "resolve": ("city-management", "10-13 17:30"),
    }
    part = opened.ref
    await town.does("city-management-officer-1", part, Accept(), Answer(text="They are gone"))
    assert town.case(whole).state == "accepted", "the whole goes on by itself"
    await town.hears(whole, Feedback(solved=True), ref=part)
    assert town.last(split.part, CaseClosed).outcome == "feedback"
    await town.hears(whole, Urge())
    assert town.last(whole, CaseUrged).by == "sender"


@lives()
async def test_a_part_for_nobody_yet_waits_for_the_coordinator(town: Town) -> None:
    whole = await town.says(LAMP)
    await town.does(OFFICER, whole, Accept(), Split(text="And something else", kind="enquiry"))
    part = town.last(whole, CaseSplit).part
    assert town.case(part).state == "new"
    assert town.owes(part)["dispatch"] == ("coordinator", "09-30 16:30")
    await town.does(COORDINATOR, town.case(part).ref, Assign(department="labour"))
    assert town.case(part).department == "labour"


@lives()
async def test_what_its_sender_withdraws_is_closed_as_that_and_can_be_contested(town: Town) -> None:
    matter = await town.says(LAMP)
    assert await town.refuses(OFFICER, matter, Close(text="He rang")) == "not-your-case"
    await town.does(COORDINATOR, matter, Close(text="He rang: it shines"))
    assert (await town.tracked(matter)).outcome == "withdrawn"
    assert town.owes(matter) == {}
    await town.hears(matter, Contest(text="I never rang"))
    assert "review" in town.owes(matter)


@lives()
async def test_who_writes_again_after_the_end_is_heard_again(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.does(OFFICER, matter, Accept(), Answer(text="It shines"))
    await town.hears(matter, Feedback(solved=True))
    await town.until("10-09 10:00")
    again = await town.says("It is dark again", on=matter)
    assert again.id == matter.id
    assert (town.case(matter).state, town.owes(matter)["resolve"]) == ("accepted", ("housing", "10-15 17:30"))
    stranger = await town.says("With me too", sender=LI, on=matter)
    assert (await town.tracked(stranger)).state == "under_review", (
        "who else writes on it waits for an officer"
    )
