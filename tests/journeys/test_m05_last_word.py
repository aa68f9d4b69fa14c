"""M05, M14: the last word leaves the house by two pairs of eyes where that is agreed, by a call where nobody writes."""

from __future__ import annotations

from services.routing.commands import Accept, Answer, Contact, SendBack, SignOff
from shared.content.words import Sender
from shared.events.cases import AnswerDrafted, AnswerSentBack, CaseAnswered, SenderContacted
from shared.organisation import Organisation
from tests.journeys.stories import lives, sample
from tests.journeys.town import Matter, Town

LAMP = "路灯不亮,路面有坑"
OFFICER, HEAD, WANG = "housing-officer-1", "housing-head", "wang@citizen.example"
CALLER = Sender(phone="13800001111", language="en")


def signing_off() -> Organisation:
    """The county, where the head signs off what answers a complaint."""
    plan = sample("county").model_dump(mode="json", by_alias=True)
    return Organisation.model_validate(plan | {"choices": plan["choices"] | {"sign_off": ["complaint"]}})


@lives(organisation=signing_off(), start="2026-10-12 09:00")
async def test_where_it_is_agreed_the_head_signs_off_what_leaves_the_house(town: Town) -> None:
    matter = await town.says(LAMP, kind="complaint")
    await town.does(OFFICER, matter, Accept(), Answer(text="Not our fault"))
    assert (town.case(matter).state, town.told(town.last(matter, AnswerDrafted))) == (
        "accepted",
        {HEAD: "at once"},
    )
    assert town.owes(matter)["signoff"] == ("housing/head", "10-12 14:30")
    assert not [one for one in town.mails(WANG) if "Not our fault" in one.text]
    assert await town.refuses(OFFICER, matter, SignOff()) == "not-your-case"
    await town.does(HEAD, matter, SendBack(text="Say when it will shine"))
    assert OFFICER in town.told(town.last(matter, AnswerSentBack))
    assert "signoff" not in town.owes(matter)
    await town.does("housing-officer-2", matter, Answer(text="It shines from Friday on"))
    await town.does(HEAD, matter, SignOff())
    answered = town.last(matter, CaseAnswered)
    assert (answered.actor, answered.drafted_by) == (HEAD, "housing-officer-2")
    assert town.letter(WANG, "It shines from Friday on").at == "10-12 09:00"
    other = await town.says(LAMP, kind="problem")
    await town.does(OFFICER, other, Accept(), Answer(text="It shines"))
    assert town.case(other).state == "answered", "only complaints are signed off"


async def called(town: Town) -> Matter:
    matter = await town.says(LAMP, sender=CALLER, channel="phone")
    await town.does(OFFICER, matter, Accept(), Answer(text="It shines again"))
    assert town.owes(matter) == {"callback": ("housing", "10-13 17:30")}
    return matter


@lives(start="2026-10-12 09:00")
async def test_who_left_no_address_is_called_back_within_a_day(town: Town) -> None:
    matter = await called(town)
    await town.until("10-12 15:00")
    await town.does(OFFICER, matter, Contact(outcome="reached", text="Glad to hear it"))
    assert town.owes(matter) == {"silence": ("coordinator", "10-19 15:00")}


@lives(start="2026-10-12 09:00")
async def test_three_calls_in_vain_are_enough_and_a_refused_one_too(town: Town) -> None:
    matter = await called(town)
    for times in range(3):
        assert "callback" in town.owes(matter), times
        await town.does(OFFICER, matter, Contact(outcome="not_reached"))
    assert town.owes(matter).keys() == {"silence"}
    assert len(town.events(matter, SenderContacted)) == 3
    refused = await called(town)
    await town.does(OFFICER, refused, Contact(outcome="refused"))
    assert town.owes(refused).keys() == {"silence"}
