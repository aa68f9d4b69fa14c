"""M08, M37: people posted with enterprises see their cases and bring matters in for them."""

from __future__ import annotations

from services.routing.commands import Accept, Answer
from shared.content.words import Sender
from tests.journeys.stories import lives
from tests.journeys.town import Town

LAMP = "路灯不亮,路面有坑"
GUIDE, OTHER = "commerce-tourism-officer-2", "commerce-tourism-officer-1"
SHOP = Sender(email="owner@Small-Enterprise-1.example.org", kind="enterprise", language="en")


@lives()
async def test_the_guide_of_an_enterprise_sees_its_case_wherever_it_is_and_handles_none_of_it(
    town: Town,
) -> None:
    matter = await town.says(LAMP, sender=SHOP)
    assert (town.case(matter).department, town.case(matter).liaison) == ("housing", GUIDE)
    seen = await town.sees(GUIDE, matter)
    assert seen is not None
    assert seen.messages[0].sender == SHOP
    assert await town.sees(OTHER, matter) is None, "others of the guide's department see nothing"
    assert await town.offers(GUIDE, matter) == set()
    assert await town.refuses(GUIDE, matter, Accept()) == "not-your-case"


@lives()
async def test_what_others_write_is_not_the_guides(town: Town) -> None:
    matter = await town.says(LAMP, sender="somebody@elsewhere.example.org")
    assert town.case(matter).liaison is None
    assert await town.sees(GUIDE, matter) is None


@lives()
async def test_without_a_name_there_is_no_guide(town: Town) -> None:
    matter = await town.says(LAMP, sender=None, anonymous=True)
    assert town.case(matter).liaison is None


@lives()
async def test_the_guide_sees_what_became_of_it(town: Town) -> None:
    matter = await town.says(LAMP, sender=SHOP)
    await town.does("housing-officer-1", matter, Accept(), Answer(text="It shines again"))
    seen = await town.sees(GUIDE, matter)
    assert seen is not None
    assert (seen.state, seen.timeline[-1].text) == ("answered", "It shines again")
    heard = town.mails(GUIDE)
    assert len(heard) == 2, "that it came, and what became of it"
    assert "It shines again" in heard[1].text
    assert town.mails(OTHER) == []
