"""How a message finds its case, or opens one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from services.routing.commands import Accept, Answer, Feedback
from services.routing.office import Found
from shared import ids
from shared.content.words import Evidence, Sender
from shared.events import emit
from shared.events.cases import CaseAssigned, CaseOpened, CaseQueued, MessageAttached
from shared.events.messages import MessageReceived, MessageSentAgain
from shared.rights import machine
from tests.installations import in_a_loop
from tests.unit.routing_room import Room, room

LI = Sender(email="Li@Citizen.example", language="en")


async def close(here: Room, case_id: str) -> None:
    """Take a case to its end."""
    desk = machine("key", ["cases.read", "cases.handle"])
    for command in (Accept(), Answer(text="done")):
        await here.office.do(desk, Found(case_id, await here.cases.load(case_id)), command)
    record = next(one for one in here.received if ids.derived("case", one.subject) == case_id)
    await here.office.hear(here.tracking_code(record), Feedback(solved=True))


@in_a_loop
async def test_a_message_opens_a_case_that_a_department_has_and_says_why(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        case_id = await here.arrives("Our roof leaks")
        opened, assigned = await here.events(case_id)
        assert isinstance(opened, CaseOpened)
        assert isinstance(assigned, CaseAssigned)
        assert (assigned.department, assigned.by, assigned.rule) == ("housing", "rule", "repairs")
        assert assigned.evidence is not None
        evidence = await here.house.content.open_model(assigned.evidence.ref, Evidence)
        assert list(evidence.words) == ["roof"]
        assert ids.read_ref(opened.ref) == opened.ref
        assert await here.store.claimed(f"ref:{opened.ref}") == case_id


@in_a_loop
async def test_what_no_duty_names_and_every_report_of_wrongdoing_waits_for_the_coordinator(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        for fields, reason in (({"text": "Something else"}, "no_rule"), ({"kind": "report"}, "confidential")):
            _, queued = await here.events(await here.arrives(**fields))
            assert isinstance(queued, CaseQueued)
            assert queued.reason == reason


@in_a_loop
async def test_a_departments_own_line_and_the_senders_wish_come_before_the_words(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        wishes: list[tuple[dict[str, Any], str]] = [
            ({"endpoint": "Water@sample.example"}, "line"),
            ({"department": "water"}, "sender"),
        ]
        for fields, by in wishes:
            _, assigned = await here.events(await here.arrives("The roof leaks", **fields))
            assert isinstance(assigned, CaseAssigned)
            assert (assigned.department, assigned.by) == ("water", by)


@in_a_loop
async def test_a_message_delivered_twice_and_sent_again_has_one_effect(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        record = await here.message()
        await asyncio.gather(*(here.handlers.on_received(record) for _ in range(3)))
        message = record.data
        assert isinstance(message, MessageReceived)
        again = emit(
            MessageSentAgain(message=message, after_seconds=900),
            source="/intake",
            subject=record.subject,
            sequence=2,
            time=here.clock.now(),
            causation="x",
            key=record.key,
            nonce=bytes(16),
        )
        await here.handlers.on_sent_again(again)
        case_id = ids.derived("case", record.subject)
        assert len(await here.events(case_id)) == 2


@in_a_loop
async def test_the_same_sender_on_the_same_thread_is_verified_and_another_is_not(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        case_id = await here.arrives(sender=LI, thread="t")
        await here.arrives(sender=Sender(email="li@citizen.example "), thread="t")
        await here.arrives(sender=Sender(email="zhao@citizen.example"), thread="u", earlier=["t"])
        attached = [one for one in await here.events(case_id) if isinstance(one, MessageAttached)]
        assert [(one.how, one.verified) for one in attached] == [("thread", True), ("thread", False)]


@in_a_loop
async def test_a_signed_reply_address_is_proof_and_a_typed_ref_is_a_hint(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        case_id = await here.arrives(sender=LI)
        ref = (await here.case(case_id)).ref
        await here.arrives(reply_case=case_id, sender=Sender(email="other@citizen.example"))
        await here.arrives(hint_ref=ref, sender=Sender(email="stranger@citizen.example"))
        await here.handlers.on_received(here.received[-1])
        attached = [one for one in await here.events(case_id) if isinstance(one, MessageAttached)]
        assert [(one.how, one.verified) for one in attached] == [("token", True), ("hint", False)]


@in_a_loop
async def test_a_closed_case_is_opened_by_its_sender_and_a_stranger_gets_a_case_beside_it(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        case_id = await here.arrives(sender=LI, thread="t")
        await close(here, case_id)
        beside = await here.arrives(
            sender=Sender(email="stranger@citizen.example"), thread="u", earlier=["t"]
        )
        await here.handlers.on_received(here.received[-1])
        opened = (await here.events(beside))[0]
        assert isinstance(opened, CaseOpened)
        assert opened.related == case_id
        assert (await here.case(case_id)).state == "closed"
        await here.arrives(sender=LI, thread="t")
        assert (await here.case(case_id)).state == "accepted"
        await here.handlers.on_received(here.received[1])
        assert len(await here.events(beside)) == 2


@in_a_loop
async def test_a_case_that_a_crash_left_only_claimed_is_opened_by_the_next_message_of_its_thread(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        first = await here.message(thread="t")
        case_id = ids.derived("case", first.subject)
        await here.store.claim({"thread:t": case_id})
        await here.arrives("And the tap drips", thread="t", sender=LI)
        await here.handlers.on_received(first)
        opened, _, attached = await here.events(case_id)
        assert isinstance(opened, CaseOpened)
        assert isinstance(attached, MessageAttached)
        assert {opened.message, attached.message} == {one.subject for one in here.received}


@in_a_loop
async def test_a_ref_that_is_taken_is_not_given_again(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        record = await here.message()
        case_id = ids.derived("case", record.subject)
        taken = ids.case_ref(here.house.keys.purpose("ref"), case_id)
        await here.store.claim({f"ref:{taken}": "case_other"})
        await here.handlers.on_received(record)
        assert (await here.case(case_id)).ref == ids.case_ref(here.house.keys.purpose("ref"), case_id, 1)


@in_a_loop
async def test_who_typed_a_ref_sees_nothing_of_that_case_by_their_own_tracking_code(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        case_id = await here.arrives(sender=LI)
        ref = (await here.case(case_id)).ref
        await here.arrives(hint_ref=ref, sender=Sender(email="stranger@citizen.example"))
        owner, stranger = [await here.office.track(here.tracking_code(one)) for one in here.received]
        assert owner.state == "assigned"
        assert (stranger.state, stranger.entries, stranger.department) == ("under_review", [], None)


@in_a_loop
async def test_the_organisation_is_an_entry_when_it_changes_and_only_then(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        for _ in range(3):
            await here.handlers.publish_organisation()
        assert len(await here.store.history("org")) == 1
