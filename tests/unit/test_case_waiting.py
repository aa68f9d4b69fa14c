"""Lists of what waits for a department or a post: in one order, each case once, page by page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.routing.commands import Accept, Assist, Consult, Extend
from services.routing.office import Filter
from shared.content.words import Option
from shared.rights import Principal, person
from tests.installations import in_a_loop
from tests.unit.routing_room import Room, room

WAYS = (Option(name="Dig"), Option(name="Hang"))


def somebody(here: Room, id: str) -> Principal:
    found = person(here.house.organisation, id)
    assert found is not None
    return found


async def accepted(here: Room) -> str:
    """A case that housing has accepted; answers its ref."""
    ref = (await here.case(await here.arrives())).ref
    officer = somebody(here, "housing-officer")
    await here.office.do(officer, await here.office.find(officer, ref), Accept())
    return ref


async def asks(here: Room, ref: str, command: Accept | Assist | Consult | Extend) -> None:
    officer = somebody(here, "housing-officer")
    await here.office.do(officer, await here.office.find(officer, ref), command)


@in_a_loop
async def test_a_department_finds_what_it_was_asked_for_and_nobody_else_does(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        ref, other = await accepted(here), await accepted(here)
        await asks(here, ref, Assist(department="water", text="Whose pipe is it?"))
        water, housing = somebody(here, "water-officer"), somebody(here, "housing-officer")
        (found,) = (await here.office.list(water, Filter(helping=True))).cases
        assert (found.ref, found.asked) == (ref, ["water"])
        assert (await here.office.list(housing, Filter(helping=True))).cases == []
        assert (await here.office.list(water, Filter())).cases == []
        assert other in {one.ref for one in (await here.office.list(housing, Filter())).cases}


@in_a_loop
async def test_what_waits_for_two_of_ones_posts_stands_once_and_pages_follow_on(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        refs = []
        for _ in range(3):
            refs.append(await accepted(here))
            await asks(here, refs[-1], Consult(to="leader", text="Which?", options=WAYS))
            here.clock.advance_to(here.clock.now() + timedelta(minutes=1))
        await asks(here, refs[0], Extend(text="It rains"))
        await asks(here, refs[1], Consult(to="principal", text="Which?", options=WAYS))
        leader = somebody(here, "leader-one")
        listed = await here.office.list(leader, Filter(deciding=True))
        assert sorted(one.ref for one in listed.cases) == sorted(refs)
        assert (listed.count, listed.at_least) == (3, False)
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await here.office.list(leader, Filter(deciding=True), cursor=cursor, limit=1)
            seen += [one.ref for one in page.cases]
            if (cursor := page.next) is None:
                break
        assert seen == [one.ref for one in listed.cases]
        (of_the_principal,) = (
            await here.office.list(somebody(here, "principal"), Filter(deciding=True))
        ).cases
        assert of_the_principal.ref == refs[1]
        assert (await here.office.list(somebody(here, "leader-two"), Filter(deciding=True))).cases == []
