"""A digest goes out once with all that was noted, whatever is delivered twice, comes late, or crashes in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.notify import digest
from services.notify.handlers import may_concern_somebody
from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.content import seal_model
from shared.content.words import Note
from shared.events import Record, emit
from shared.events.cases import (
    CaseAccepted,
    CaseAlarmed,
    CaseAssigned,
    CaseContested,
    CaseEvent,
    CaseQueued,
    CaseUrged,
    Ended,
    Notice,
    Rung,
    Started,
)
from shared.events.deliveries import DigestHandedOver
from shared.store import Step, Unavailable
from tests.installations import in_a_loop
from tests.notify_house import CASE_ID, START, Running, read, running

MORNING = START + timedelta(hours=17)
OTHER_CASE = "case_" + "1" * 32
HANDED_OVER = DigestHandedOver.TYPE


def reminded(number: int = 1, *people: str) -> CaseAlarmed:
    """A reminder that waits for the next morning."""
    rung = Rung(
        obligation="o1",
        kind="accept",
        owner="housing",
        due=START + timedelta(hours=4),
        rung=number,
        action="remind",
        at=START,
    )
    notices = [
        Notice(person=person, rungs=[0], at=MORNING, digest=True) for person in people or ["leader-one"]
    ]
    return CaseAlarmed(at=START, rungs=[rung], notices=notices)


async def morning(notify: Running) -> None:
    """The next morning comes, once everything was heard."""
    await notify.settle()
    await notify.advance(timedelta(hours=17))


async def hears_again(notify: Running, case: str = CASE_ID) -> None:
    """Every event of a case is delivered once more."""
    heard = {name: one.handle for one in notify.service.subscriptions for name in one.types}
    for record in await notify.store.history(case):
        if record.type in heard:
            await heard[record.type](record)
    await notify.settle()


def texts(notify: Running) -> list[str]:
    found = []
    for data in notify.outbox().values():
        part = read(data).get_body(("plain",))
        assert part is not None
        found.append(str(part.get_content()))
    return found


def written(event: CaseEvent) -> Record:
    return emit(
        event, source="/r", subject=CASE_ID, sequence=1, time=START, causation="c", key="k", nonce=bytes(16)
    )


async def told(notify: Running) -> list[str]:
    return [record.type.rpartition(".")[2] for record in await notify.store.history(digest_id())]


def digest_id(person: str = "leader-one") -> str:
    return digest.id_of(person, MORNING)


@in_a_loop
async def test_what_several_cases_note_becomes_one_mail_and_says_so_step_by_step(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        for case in (CASE_ID, OTHER_CASE):
            await notify.opened(acknowledge=False, id=case)
            await notify.case(reminded(), id=case)
        await notify.settle()
        assert notify.outbox() == {}
        await hears_again(notify)
        await morning(notify)
        id, delivery = await notify.only()
        assert (delivery.template, delivery.status, delivery.ref) == ("digest", "sent", "")
        assert await told(notify) == ["noted", "noted", "closed", "handed_over"]
        assert notify.tokens.read_message_id(read(notify.outbox()[id])["Message-ID"])[0] == id  # type: ignore[index]
        (text,) = texts(notify)
        assert "2 in all, 2 of them overdue" in text
        await hears_again(notify)
        await hears_again(notify, OTHER_CASE)
        assert len(await notify.deliveries()) == 1


@in_a_loop
async def test_what_comes_after_its_digest_went_out_is_told_singly_and_once(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False)
        await notify.case(reminded())
        await morning(notify)
        await notify.case(reminded(2))
        await notify.settle()
        await hears_again(notify)
        found = await notify.deliveries()
        assert [delivery.template for _, delivery in found] == ["digest", "alarm"]
        assert len(texts(notify)) == 2


@in_a_loop
async def test_a_backlog_of_a_digest_whose_time_is_over_comes_in_one_mail(tmp_path: Path) -> None:
    clock = SimulatedClock(MORNING + timedelta(hours=2))
    async with running(tmp_path, clock=clock) as notify:
        for number in range(5):
            await notify.opened(acknowledge=False, id=f"case_{number}")
            await notify.case(reminded(), id=f"case_{number}")
        await notify.settle()
        assert await notify.deliveries() == []
        await notify.advance(digest.GATHERS)
        _, delivery = await notify.only()
        assert delivery.template == "digest"
        assert "5 in all" in texts(notify)[0]


@in_a_loop
async def test_a_process_that_dies_between_closing_a_digest_and_its_mail_leaves_nothing_unsaid(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, sending=False) as notify:
        await notify.opened(acknowledge=False)
        await notify.case(reminded())
        await notify.bus.idle()
        notify.clock.advance_to(MORNING)
        days = Aggregates(digest.KIND, notify.store, notify.clock)
        items = (await days.load(digest_id())).state
        assert items is not None
        closing = digest.DigestList(at=MORNING, items=items.items)
        sealed, note = seal_model(closing, owner=digest_id(), now=MORNING)
        await days.answer(
            digest_id(),
            f"{digest_id()}/close",
            lambda state, now: digest.close(items.items, 1, note, state, now),
            contents=(sealed,),
        )
    async with running(tmp_path, clock=SimulatedClock(MORNING + timedelta(minutes=1))) as notify:
        await notify.settle()
        _, delivery = await notify.only()
        assert (delivery.template, delivery.status) == ("digest", "sent")
        assert await told(notify) == ["noted", "closed", "handed_over"]


@in_a_loop
async def test_a_digest_that_could_not_say_that_its_mail_is_queued_has_no_second_one(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False)
        await notify.case(reminded())
        commit, refused = notify.store.commit, list[str]()

        async def refuse_once(step: Step) -> None:
            if not refused and any(record.type == HANDED_OVER for record in step.records):
                refused.append(step.id)
                raise Unavailable("disk full")
            await commit(step)

        notify.store.commit = refuse_once  # type: ignore[method-assign]
        await morning(notify)
        assert (refused, await told(notify)) == ([digest_id()], ["noted", "closed"])
        await notify.advance(timedelta(minutes=1))
        assert await told(notify) == ["noted", "closed", "handed_over"]
        await notify.only()


@in_a_loop
async def test_nothing_is_mailed_where_everything_was_done_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False)
        await notify.case(reminded())
        await notify.case(CaseAccepted(ends=[Ended(id="o1", how="met")]))
        await morning(notify)
        assert await notify.deliveries() == []
        assert await told(notify) == ["noted", "closed"]
        await hears_again(notify)
        assert await notify.deliveries() == []


@in_a_loop
async def test_a_full_digest_says_that_there_may_be_more_and_grows_no_longer(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        rungs = reminded().rungs * 90
        notice = Notice(person="leader-one", rungs=range(90), at=MORNING, digest=True)
        for number in range(3):
            rungs = [
                rung.model_copy(update={"obligation": f"o{place}"}) for place, rung in enumerate(rungs, 1)
            ]
            case = f"case_{number}"
            await notify.opened(acknowledge=False, id=case)
            starts = [
                Started(
                    id=rung.obligation, kind="accept", owner="housing", since=START, due=rung.due, limit="4wh"
                )
                for rung in rungs
            ]
            await notify.case(CaseAccepted(starts=starts), id=case)
            await notify.case(CaseAlarmed(at=START, rungs=rungs, notices=[notice]), id=case)
        await notify.settle()
        await notify.case(reminded(), id="case_0")
        await morning(notify)
        await notify.only()
        (text,) = texts(notify)
        assert f"{digest.MOST_ITEMS} in all" in text
        assert "There may be more" in text


@in_a_loop
async def test_somebody_who_has_left_is_told_nothing_and_the_outbox_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False)
        await notify.case(reminded(1, "gone"), CaseUrged(by="leader", notices=[Notice(person="gone")]))
        await morning(notify)
        assert {(one.status, one.reason) for _, one in await notify.deliveries()} == {
            ("failed", "no-such-person")
        }


@in_a_loop
async def test_what_a_sender_wrote_of_wrongdoing_is_not_brought_to_the_department_concerned(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as notify:
        sealed, words = seal_model(Note(text="我是老王。"), owner=CASE_ID, now=START)
        await notify.opened(acknowledge=False, kind="report")
        await notify.case(CaseAssigned(department="housing", by="coordinator"))
        notices = [Notice(person="housing-officer"), Notice(person="desk-officer")]
        await notify.case(CaseContested(outcome="declined", words=words, notices=notices), contents=[sealed])
        await notify.settle()
        found = {delivery.party: delivery.note for _, delivery in await notify.deliveries()}
        assert found == {"housing-officer": None, "desk-officer": words.ref}


@in_a_loop
async def test_an_event_that_concerns_nobody_is_not_looked_into(tmp_path: Path) -> None:
    arrived = [CaseAssigned(department="housing", by="rule"), CaseQueued(reason="no_rule")]
    told = [
        CaseAssigned(department="housing", by="transfer"),
        CaseAssigned(department="housing", by="coordinator"),
        CaseAssigned(department="housing", by="rule", notices=[Notice(person="housing-head")]),
        CaseQueued(reason="returned", notices=[Notice(person="desk-officer", at=MORNING, digest=True)]),
    ]
    assert [may_concern_somebody(written(event)) for event in arrived] == [False, False]
    assert all(may_concern_somebody(written(event)) for event in told)
    async with running(tmp_path) as notify:
        await notify.opened(acknowledge=False)
        history, looked = notify.store.history, []

        async def counted(id: str) -> object:
            looked.append(id)
            return await history(id)

        notify.store.history = counted  # type: ignore[method-assign, assignment]
        await notify.case(CaseAssigned(department="housing", by="rule"), CaseAccepted())
        await notify.settle()
        assert looked == []
