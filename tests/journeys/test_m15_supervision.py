"""M15: what a check finds accuses nobody: the department explains it, a person decides; orders are put right."""

from __future__ import annotations

from services.audit.supervision.exclusion import exclusion_id
from services.routing.commands import Accept, Answer, Assign, Explain, Feedback, Rectify
from shared.events.cases import CaseAlarmed
from shared.events.findings import FindingConfirmed, FindingExplained, OrderConcluded, OrderRefused
from shared.events.supervised import CaseOrdered, CaseRectified, DemandDropped, ExplanationAsked
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

OFFICER, HEAD, LEADER = "housing-officer-1", "housing-head", "vice-mayor-1"
SUPERVISOR = "supervision-officer"


async def closed(town: Town) -> Matter:
    """A case that housing answered, and that is over."""
    matter = await town.says("The roof leaks.", kind="problem")
    if town.case(matter).department is None:
        await town.does("coordination-officer-1", matter, Assign(department="housing"))
    await town.does(OFFICER, matter, Accept(), Answer(text="Noted.", resolved=True))
    await town.hears(matter, Feedback(solved=True))
    assert town.case(matter).state == "closed"
    return matter


def owed_for(town: Town, matter: Matter, about: str) -> dict[str, tuple[str, str]]:
    """What is owed for a finding or an order; checks may have found more than the story tells of."""
    return {
        one.kind: (one.owner, town.shown(one.due))
        for one in town.case(matter).obligations
        if one.about == about
    }


@lives(start="2026-10-12 09:30", watched=True)
async def test_a_finding_on_a_closed_case_is_explained_within_two_working_days_and_then_confirmed(
    town: Town,
) -> None:
    matter = await closed(town)
    finding = await town.finds(matter, "housing")
    assert owed_for(town, matter, finding) == {"explain": ("housing", "10-14 17:30")}
    assert town.case(matter).state == "closed"
    (asked,) = [one for one in town.events(matter, ExplanationAsked) if one.finding == finding]
    told = town.told(asked)
    assert OFFICER in told
    assert all(when.endswith("with the digest") for when in told.values())

    async def confirm(who: str) -> str:
        return await town.does_not_supervise(
            lambda all_: all_.confirm(town.principal(who), finding, "It is so.", None)
        )

    assert await confirm(SUPERVISOR) == "not-explained-yet"
    assert "explain" in await town.offers(OFFICER, matter)
    assert await town.tries("transport-officer-1", matter, Explain(finding=finding, text="x")) is not None
    await town.until("10-13 10:00")
    assert town.letter(OFFICER, matter.ref, "说明督查疑点")
    await town.does(OFFICER, matter, Explain(finding=finding, text="The craftsman had called them."))
    assert owed_for(town, matter, finding) == {}
    assert [record.subject for record, _ in town.everywhere(FindingExplained)] == [finding]
    await town.supervises(lambda all_: all_.confirm(town.principal(SUPERVISOR), finding, "It is so.", None))
    assert [record.subject for record, _ in town.everywhere(FindingConfirmed)] == [finding]
    assert await confirm(SUPERVISOR) == "decided-already"
    account = (await town.sees(OFFICER, matter)).account  # type: ignore[union-attr]
    assert {one.holder.department for one in account.held} <= {"housing", None}
    assert "met" in [one.ended for one in account.deadlines if one.kind == "explain"]


@lives(start="2026-10-12 09:30", watched=True)
async def test_what_nobody_explains_climbs_to_the_head_and_the_leader_and_can_be_decided_then(
    town: Town,
) -> None:
    matter = await closed(town)
    finding = await town.finds(matter, "housing")
    await town.until("10-16 12:00")
    (owed,) = [one.id for one in town.case(matter).obligations if one.about == finding]
    rungs = [rung for event in town.events(matter, CaseAlarmed) for rung in event.rungs]
    assert [one.action for one in rungs if one.obligation == owed] == ["remind", "breach", "escalate"]
    breach = next(one for one in town.events(matter, CaseAlarmed) if one.rungs[0].action == "breach")
    assert HEAD in town.told(breach)
    await town.supervises(
        lambda all_: all_.confirm(town.principal(SUPERVISOR), finding, "Nobody says why.", None)
    )
    assert finding in [one.about for one in town.events(matter, DemandDropped)]
    assert owed_for(town, matter, finding) == {}
    assert town.case(matter).breached


@lives(start="2026-10-12 09:30", watched=True)
async def test_a_dismissed_finding_is_asked_of_nobody_any_more_and_who_belongs_to_the_department_decides_nothing(
    town: Town,
) -> None:
    matter = await closed(town)
    one, other = await town.finds(matter, "housing"), await town.finds(matter, "housing", key="another")
    assert owed_for(town, matter, one)
    await town.supervises(
        lambda all_: all_.dismiss(town.principal(SUPERVISOR), one, "not_so", "A misreading.", None)
    )
    assert not owed_for(town, matter, one)
    assert owed_for(town, matter, other)
    head = town.principal(HEAD)
    assert (
        await town.does_not_supervise(lambda all_: all_.dismiss(head, other, "not_so", "x", None))
        == "own-department"
    )


@lives(start="2026-10-12 09:30", watched=True)
async def test_an_order_is_put_right_refused_put_right_again_and_concluded(town: Town) -> None:
    matter = await closed(town)
    supervisor = town.principal(SUPERVISOR)
    order, _ = await town.supervises(
        lambda all_: all_.issue(supervisor, matter.ref, "housing", "5wd", "Mend the roof.", key="one")
    )
    again, answer = await town.supervises(
        lambda all_: all_.issue(supervisor, matter.ref, "housing", "5wd", "Mend the roof.", key="one")
    )
    assert (again, answer.repeated) == (order, True)
    assert owed_for(town, matter, order) == {"rectify": ("housing", "10-19 17:30")}
    assert HEAD in town.told(town.last(matter, CaseOrdered))
    assert "Mend the roof." in town.letter(OFFICER, "Mend the roof.").text
    await town.does(OFFICER, matter, Rectify(order=order, text="A bucket stands there."))
    assert town.last(matter, CaseRectified).order == order
    await town.supervises(lambda all_: all_.refuse(supervisor, order, "2wd", "A bucket is no roof.", None))
    assert owed_for(town, matter, order) == {"rectify": ("housing", "10-14 17:30")}
    assert town.last(matter, CaseOrdered).again
    assert len(town.everywhere(OrderRefused)) == 1
    await town.does(OFFICER, matter, Rectify(order=order, text="The roof is mended."))
    await town.supervises(lambda all_: all_.accept(supervisor, order, "Seen.", None))
    await town.supervises(lambda all_: all_.conclude(supervisor, order, "reminded", "They were slow.", None))
    ((_, concluded),) = town.everywhere(OrderConcluded)
    assert concluded.measure == "reminded"
    assert owed_for(town, matter, order) == {}


@lives(start="2026-10-12 09:30", watched=True)
async def test_a_case_is_left_out_of_the_figures_by_two_people(town: Town) -> None:
    matter = await closed(town)
    head, supervisor = town.principal(HEAD), town.principal(SUPERVISOR)
    await town.supervises(lambda all_: all_.exclude(head, matter.ref, "They want a second roof.", None))
    id = exclusion_id(matter.id)
    assert (
        await town.does_not_supervise(
            lambda all_: all_.decide_exclusion(head, id, "Yes.", None, granted=True)
        )
        == "exclusion-not-found"
    )
    await town.supervises(lambda all_: all_.decide_exclusion(supervisor, id, "Yes.", None, granted=True))
    assert (
        await town.does_not_supervise(
            lambda all_: all_.decide_exclusion(supervisor, id, "No.", None, granted=False)
        )
        == "decided-already"
    )
