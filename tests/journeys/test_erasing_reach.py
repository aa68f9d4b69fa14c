"""How far an erasure reaches: what is somebody's goes, in all cases that it stands in; what is another's stays."""

from __future__ import annotations

from services.routing.commands import Accept, Answer, Feedback, Merge, Split
from services.routing.erasing import Wanted
from shared.content.words import Sender
from shared.events.cases import CaseErased
from shared.events.organisation import ErasureMade
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

LAMP = "路灯不亮,路面有坑"
OFFICER, COORDINATOR = "housing-officer-1", "coordination-officer-1"
WANG, LI = "wang@citizen.example", "li@citizen.example"


async def closed(town: Town, matter: Matter) -> None:
    if town.case(matter).state == "assigned":
        await town.does(OFFICER, matter, Accept())
    await town.does(OFFICER, matter, Answer(text="It shines again"))
    await town.hears(matter, Feedback(solved=True, text="Thank you all"))


async def words(town: Town, matter: Matter) -> list[str | None]:
    """What a sender is shown of a case."""
    return [entry.text for entry in (await town.tracked(matter)).entries if entry.text or entry.gone]


@lives()
async def test_everything_said_in_somebodys_cases_goes_and_each_case_says_so_once(town: Town) -> None:
    one, two = await town.says(LAMP), await town.says("路灯不亮,路面又有一个坑")
    other = await town.says(LAMP, sender=LI)
    for matter in (one, two, other):
        await closed(town, matter)
    said = await town.erases(Wanted(sender=WANG))
    assert {case.ref for case in said.cases} == {one.ref, two.ref}
    assert await words(town, one) == await words(town, two) == [None, None, None]
    assert await words(town, other) == [LAMP, "It shines again", "Thank you all"]
    seen = await town.sees(OFFICER, one)
    assert seen is not None
    assert (seen.messages[0].gone, seen.explanation and seen.explanation.words) == (True, [])
    assert [len(town.events(matter, CaseErased)) for matter in (one, two, other)] == [1, 1, 0]
    (made,) = town.everywhere(ErasureMade)
    assert (made[1].ground, set(made[1].cases)) == ("asked", {one.id, two.id})
    again = await town.erases(Wanted(sender=WANG))
    assert (again.contents, again.erasures) == (0, [])


@lives()
async def test_somebody_is_found_by_telephone_however_it_is_written(town: Town) -> None:
    sender = Sender(phone="+86 138 0000 1111", language="en")
    matter = await town.says(LAMP, sender=sender)
    assert [kept.ref for kept in (await town.erases(Wanted(sender="138-0000-1111"))).kept] == [matter.ref]
    said = await town.erases(Wanted(sender="138-0000-1111"), ground="court")
    assert [case.ref for case in said.cases] == [matter.ref]
    assert await words(town, matter) == [None]


@lives()
async def test_a_matter_goes_with_its_parts_once_none_of_them_is_open(town: Town) -> None:
    whole = await town.says(LAMP)
    await town.does(OFFICER, whole, Accept(), Split(kind="problem", department="housing", text="The hole"))
    (part,) = (await town.tracked(whole)).parts
    await closed(town, whole)
    kept = (await town.erases(Wanted(case=whole.ref))).kept
    assert [(one.ref, one.reason) for one in kept] == [(part.ref, "open")]
    assert LAMP in await words(town, whole)
    await town.does(OFFICER, part.ref, Accept(), Answer(text="It is filled"))
    await town.hears(whole, Feedback(solved=True), ref=part.ref)
    said = await town.erases(Wanted(case=part.ref))
    assert {one.ref for one in said.cases} <= {whole.ref, part.ref}
    shown = await town.tracked(whole)
    assert {entry.text for entry in (*shown.entries, *shown.parts[0].entries)} == {None}


@lives()
async def test_who_joined_anothers_case_takes_only_their_own_words_and_not_while_it_goes_on(
    town: Town,
) -> None:
    one, two = await town.says(LAMP), await town.says("路灯不亮,路面有坑,还是那一盏", sender=LI)
    await town.does(OFFICER, two, Merge(into=one.ref, text="The same lamp"))
    assert [kept.reason for kept in (await town.erases(Wanted(sender=LI))).kept] == ["open"]
    await closed(town, one)
    said = await town.erases(Wanted(sender=LI))
    assert [case.ref for case in said.cases] == [two.ref]
    assert await words(town, one) == [LAMP, "It shines again", "Thank you all"]
    assert (await words(town, two))[0] is None


@lives()
async def test_one_message_goes_alone(town: Town) -> None:
    matter = await town.says(LAMP)
    more = await town.says("还有一个坑", on=matter)
    assert more.id == matter.id
    await closed(town, matter)
    said = await town.erases(Wanted(message=more.message))
    assert (said.contents, [case.ref for case in said.cases]) == (1, [matter.ref])
    assert await words(town, matter) == [LAMP, None, "It shines again", "Thank you all"]


@lives()
async def test_what_a_stranger_wrote_to_a_case_is_not_its_senders(town: Town) -> None:
    matter = await town.says(LAMP)
    hinted = await town.says("我也看见了那盏灯", sender=LI, hint_ref=matter.ref, conversation=None)
    assert hinted.id == matter.id
    await closed(town, matter)
    await town.erases(Wanted(sender=WANG))
    seen = await town.sees(COORDINATOR, matter)
    assert seen is not None
    assert [(one.gone, one.text) for one in seen.messages] == [(True, None), (False, "我也看见了那盏灯")]
    said = await town.erases(Wanted(sender=LI))
    assert said.contents == 1
