"""What supervision reads of words, and raises, behind the log: in both modes, through real services (M15)."""

from __future__ import annotations

import pytest

from services.audit import told
from services.routing.commands import Accept, Answer
from shared.content.words import Sender
from shared.events import Record
from shared.events.facts import AnswerRead, FactEvent, MessageRead
from shared.events.findings import FindingRaised
from shared.events.trail import TrailTicked
from tests.journeys.found import found_alike
from tests.journeys.stories import lives
from tests.journeys.town import Town
from tests.unit.check_samples import SAMPLES

LAMP = (
    "The street light in front of 3 Elm Street is broken since Monday, it is dark in the evening and old people and"
    " children are not safe. The clerk at the counter was rude. Please repair the light soon."
)
AGAIN = (
    "Still dark: the street light at 3 Elm Street is broken, old people and children are not safe in the evening,"
    " please repair it."
)
OFFICER = "housing-officer-1"


def facts(town: Town) -> dict[str, FactEvent]:
    found = [fact for _, fact in (*town.everywhere(MessageRead), *town.everywhere(AnswerRead))]
    assert len({fact.about for fact in found}) == len(found), "each is computed once"
    return {fact.about: fact for fact in found}


def raised(town: Town) -> list[tuple[Record, FindingRaised]]:
    return town.everywhere(FindingRaised)


@lives(watched=True)
async def test_words_are_read_once_and_only_what_derives_from_them_is_in_the_trail(town: Town) -> None:
    first = await town.says(LAMP)
    other = await town.says(AGAIN, sender="li@citizen.example")
    await town.says(AGAIN, on=first)
    known = facts(town)
    read, likewise = known[f"{first.id}/1"], known[f"{other.id}/1"]
    assert isinstance(read, MessageRead)
    assert isinstance(likewise, MessageRead)
    assert (read.length, read.manners, read.like) == ("short", 8_500, None)
    assert likewise.like == f"{first.id}/1"
    assert likewise.sender != read.sender
    assert {fact.case for fact in known.values()} == {first.id, other.id}
    assert len(known) == 3
    for record, _ in town.everywhere(MessageRead):
        assert b"light" not in record.value.lower()
        assert b"citizen.example" not in record.value


@lives(watched=True)
async def test_an_answer_is_read_with_what_was_asked(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    answer = Answer(text="Crews replaced the light at 3 Elm Street on 8 October.", final=True, resolved=True)
    await town.does(OFFICER, matter, Accept(), answer)
    (found,) = [fact for fact in facts(town).values() if isinstance(fact, AnswerRead)]
    assert found.mentions > 0
    assert found.asked >= 12
    assert (found.forwards, found.promises) == (False, False)
    assert found.concrete >= 2


@lives(watched=True)
async def test_who_writes_without_a_name_has_no_pseudonym(town: Town) -> None:
    await town.says(LAMP, sender=Sender(), anonymous=True)
    ((_, found),) = town.everywhere(MessageRead)
    assert found.sender is None


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks that the audit asks are the samples: of cases, of the house, of time and of facts."""
    monkeypatch.setattr(told, "CHECKS", SAMPLES)


@pytest.mark.usefixtures("sampled")
@lives(watched=True)
async def test_what_nobody_does_is_found_by_time_alone_and_what_a_sender_says_by_its_fact(town: Town) -> None:
    matter = await town.says(LAMP)
    await town.until("10-08 09:00")
    assert {found.check for _, found in raised(town)} == {"read"}
    await town.until("10-20 09:00")
    await town.settle()
    late = {found.key: found for _, found in raised(town) if found.check == "late"}
    opened, assigned = town.history(matter)[:2]
    for event in (opened, assigned):
        for owed in event.data.starts:  # type: ignore[attr-defined]
            if owed.binding:
                found = late[f"{matter.id}/{owed.id}"]
                assert (found.since, found.case) == (owed.due, matter.id)
                assert [one.event for one in found.evidence] == [event.id]
    assert len(town.everywhere(TrailTicked)) > 10


@pytest.mark.usefixtures("sampled")
@lives(watched=True)
async def test_live_and_over_history_the_same_is_found(town: Town) -> None:
    first = await town.says(LAMP)
    await town.says(AGAIN, sender="li@citizen.example")
    await town.until("10-08 10:00")
    await town.does(OFFICER, first, Accept())
    await town.until("10-09 10:00")
    await town.does(OFFICER, first, Answer(text="We have repaired the light.", final=True, resolved=True))
    await town.until("10-25 10:00")
    await town.settle()
    assert set(found_alike(town, SAMPLES)) >= {"late", "read"}
