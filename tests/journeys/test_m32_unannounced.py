"""M32: looks that nobody can prepare for: cases drawn by chance, and test messages only supervisors can tell apart."""

from __future__ import annotations

from base64 import b64decode
from datetime import timedelta

from services.audit.supervision.probe import committed
from services.audit.supervision.sample import draw
from services.routing.commands import Accept, Answer, Assign, Feedback
from shared.events.findings import ProbePlanted, ProbeRevealed, SampleDrawn
from tests.journeys.stories import lives
from tests.journeys.town import Matter, Town

OFFICER, SUPERVISOR = "housing-officer-1", "supervision-officer"


async def over(town: Town, text: str) -> Matter:
    matter = await town.says(text, kind="problem")
    if town.case(matter).department is None:
        await town.does("coordination-officer-1", matter, Assign(department="housing"))
    await town.does(OFFICER, matter, Accept(), Answer(text="Done.", resolved=True))
    await town.hears(matter, Feedback(solved=True))
    return matter


@lives("embedded", start="2026-10-12 09:30", watched=True)
async def test_a_later_checkpoint_draws_the_sample_and_anybody_draws_it_again(town: Town) -> None:
    closed = [await over(town, f"The roof of house {number} leaks.") for number in range(5)]
    supervisor = town.principal(SUPERVISOR)
    since, until = town.now - timedelta(days=1), town.now + timedelta(days=1)
    id, answer = await town.supervises(lambda all_: all_.announce(supervisor, 3, since, until))
    await town.live_until(town.now + timedelta(seconds=10))
    await town.settle()
    ((record, drawn),) = town.everywhere(SampleDrawn)
    assert (record.subject, drawn.of, len(drawn.cases)) == (id, 5, 3)
    _, size, root, *_ = drawn.checkpoint.splitlines()
    assert int(size) > answer.state.size
    again = draw(b64decode(root), id, reversed([one.id for one in closed]), 3)
    assert again == drawn.cases


@lives(start="2026-10-12 09:30", watched=True)
async def test_a_probe_is_committed_to_before_it_is_handled_and_revealed_at_the_end(town: Town) -> None:
    matter = await town.says("The roof leaks.", kind="problem")
    supervisor = town.principal(SUPERVISOR)
    id, _ = await town.supervises(lambda all_: all_.plant(supervisor, matter.ref, None))
    ((_, planted),) = town.everywhere(ProbePlanted)
    assert matter.message not in planted.model_dump_json()
    await town.supervises(lambda all_: all_.reveal(supervisor, id, "Answered in an hour.", None))
    ((_, revealed),) = town.everywhere(ProbeRevealed)
    assert revealed.message == matter.message
    assert committed(bytes.fromhex(revealed.salt), revealed.message) == planted.commitment
    handled = await over(town, "The roof of another house leaks.")
    assert (
        await town.does_not_supervise(lambda all_: all_.plant(supervisor, handled.ref, None))
        == "handled-already"
    )
