"""A relay has its bad days, and every mail still goes out, under one id."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from services.notify.channels.apart import RelayApart
from services.notify.channels.relay import CONNECTIONS
from services.notify.delivery import ATTEMPT, BACKOFF
from shared.clock import SimulatedClock
from shared.content.words import MessageWords, Sender
from shared.events.deliveries import DeliveryAttempted
from shared.lock import Lock
from tests.installations import in_a_loop
from tests.notify_house import CASE_ID, START, Running, read, running
from tests.relay import Relay

BOTH_KINDS = pytest.mark.parametrize("ahead", [False, True], ids=["one by one", "ahead"])
"""Relays that take one command after the other, and such as take them ahead of their replies."""


def relay_process(notify: Running) -> Process:
    apart = next(one for one in notify.service.companions if isinstance(one, RelayApart))
    assert apart.process is not None
    return apart.process


@BOTH_KINDS
@in_a_loop
async def test_many_mails_go_over_few_connections_to_the_relay(tmp_path: Path, ahead: bool) -> None:
    relay = Relay(ahead=ahead)
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        for number in range(40):
            await notify.opened(id=f"case_{number}")
        await notify.settle()
        assert len(relay.mails) == 40
        assert relay.connections <= CONNECTIONS
        sender, recipients, data = relay.mails[0]
        assert (sender, recipients) == ("line@sample.example", ["wei@mail.example"])
        assert read(data)["To"].addresses[0].display_name == "某 某"


@BOTH_KINDS
@in_a_loop
async def test_a_temporary_refusal_is_tried_again_under_the_same_message_id(
    tmp_path: Path, ahead: bool
) -> None:
    relay = Relay(answers=["451 4.3.0 later"], ahead=ahead)
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        await notify.opened()
        await notify.settle()
        id, delivery = await notify.only()
        assert (delivery.status, delivery.reason) == ("deferred", "smtp-451-4.3.0")
        assert delivery.wait_until == START + BACKOFF[0]
        await notify.advance(BACKOFF[0])
        assert await notify.told(id) == ["queued", "deferred", "attempted", "sent"]
        (mail,) = relay.mails
        assert read(mail[2])["Message-ID"] == notify.tokens.message_id(id, CASE_ID, "sample.example")


@BOTH_KINDS
@in_a_loop
async def test_a_refusal_for_good_is_not_tried_again(tmp_path: Path, ahead: bool) -> None:
    relay = Relay(refuse=lambda recipient: "550 5.1.1 nobody of that name", ahead=ahead)
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        await notify.opened()
        await notify.settle()
        await notify.advance(timedelta(days=3))
        id, delivery = await notify.only()
        assert (delivery.status, delivery.reason) == ("failed", "smtp-550-5.1.1")
        assert await notify.told(id) == ["queued", "failed"]


@BOTH_KINDS
@in_a_loop
async def test_what_the_relay_says_of_one_mail_is_about_that_mail_alone(tmp_path: Path, ahead: bool) -> None:
    def refuse(recipient: str) -> str:
        return {"n": "550 5.1.1 nobody", "l": "450 4.2.0 later"}.get(recipient[0], "250 ok")

    relay = Relay(refuse=refuse, ahead=ahead)
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        for number in range(50):
            sender = Sender(email=f"{'nlwww'[number % 5]}{number}@mail.example")
            await notify.opened(MessageWords(text="不亮", sender=sender), id=f"case_{number}")
        await notify.settle()
        assert Counter(delivery.reason for _, delivery in await notify.deliveries()) == {
            None: 30,
            "smtp-550-5.1.1": 10,
            "smtp-450-4.2.0": 10,
        }
        assert len({read(data)["Message-ID"] for _, _, data in relay.mails}) == len(relay.mails) == 30


@BOTH_KINDS
@in_a_loop
async def test_a_relay_that_goes_away_in_the_midst_gets_every_mail_in_the_end(
    tmp_path: Path, ahead: bool
) -> None:
    relay = Relay(ahead=ahead, goes_after=25)
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        for number in range(100):
            await notify.opened(id=f"case_{number}")
        await notify.settle()
        reasons = {delivery.reason for _, delivery in await notify.deliveries()}
        assert reasons == {None, "relay-unreachable"}
        relay.goes_after = None
        await notify.advance(BACKOFF[0])
        assert {delivery.status for _, delivery in await notify.deliveries()} == {"sent"}
        assert len({read(data)["Message-ID"] for _, _, data in relay.mails}) == 100


@BOTH_KINDS
@in_a_loop
async def test_a_relay_that_is_down_and_comes_back_gets_every_mail(tmp_path: Path, ahead: bool) -> None:
    relay = Relay(ahead=ahead)
    async with relay.up():
        pass  # it has a port now, and is gone
    async with running(tmp_path, relay=relay.address) as notify:
        for number in range(5):
            await notify.opened(id=f"case_{number}")
        await notify.settle()
        await notify.advance(BACKOFF[0])
        assert {delivery.reason for _, delivery in await notify.deliveries()} == {"relay-unreachable"}
        async with relay.up():
            await notify.advance(BACKOFF[1])
            assert {delivery.status for _, delivery in await notify.deliveries()} == {"sent"}
            assert len(relay.mails) == 5


@in_a_loop
async def test_a_relay_that_stays_away_is_given_up_after_the_last_pause(tmp_path: Path) -> None:
    relay = Relay()
    async with relay.up():
        pass
    async with running(tmp_path, relay=relay.address) as notify:
        await notify.opened()
        await notify.settle()
        for pause in BACKOFF:
            await notify.advance(pause)
        id, delivery = await notify.only()
        assert delivery.status == "failed"
        assert (await notify.told(id)).count("attempted") == len(BACKOFF)


@in_a_loop
async def test_where_others_may_be_sending_a_crash_is_made_good_after_the_deadline_and_not_before(
    tmp_path: Path,
) -> None:
    clock = SimulatedClock(START)
    async with running(tmp_path, clock=clock, sending=False) as died:
        await died.opened()
        await died.bus.idle()
    async with running(tmp_path, clock=clock) as notify:
        await notify.advance(ATTEMPT - timedelta(seconds=1))
        assert notify.outbox() == {}
        await notify.advance(timedelta(seconds=1))
        id, delivery = await notify.only()
        assert (delivery.status, delivery.attempt) == ("sent", 2)
        expected = notify.tokens.message_id(id, CASE_ID, "sample.example")
        assert read(notify.outbox()[id])["Message-ID"] == expected


@in_a_loop
async def test_who_is_alone_makes_good_at_once_what_a_crash_cut_off_and_records_why(tmp_path: Path) -> None:
    clock = SimulatedClock(START)
    async with running(tmp_path, clock=clock, sending=False) as died:
        for number in range(40):
            await died.opened(id=f"case_{number}")
        await died.bus.idle()
    async with running(tmp_path, clock=clock, alone=True) as notify:
        await notify.opened()
        await notify.settle()
        deliveries = await notify.deliveries()
        assert {delivery.status for _, delivery in deliveries} == {"sent"}
        assert Counter([tuple(await notify.told(id)) for id, _ in deliveries]) == {
            ("queued", "attempted", "sent"): 40,
            ("queued", "sent"): 1,
        }
        again = [
            record.data
            for id, _ in deliveries
            for record in await notify.store.history(id)
            if isinstance(record.data, DeliveryAttempted)
        ]
        assert {attempted.after for attempted in again} == {"restart"}


@BOTH_KINDS
@in_a_loop
async def test_what_a_killed_relay_process_had_is_sent_again_after_its_deadline(
    tmp_path: Path, ahead: bool
) -> None:
    relay = Relay(ahead=ahead)
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        relay.answering.clear()
        await notify.opened()
        await relay.asked.wait()
        killed = relay_process(notify)
        killed.kill()
        await notify.settle()
        id, delivery = await notify.only()
        assert (delivery.status, delivery.attempt) == ("sending", 1)
        relay.answering.set()
        await notify.advance(ATTEMPT)
        assert await notify.told(id) == ["queued", "attempted", "sent"]
        assert {read(mail[2])["Message-ID"] for mail in relay.mails} == {
            notify.tokens.message_id(id, CASE_ID, "sample.example")
        }
        assert relay_process(notify).pid != killed.pid


@in_a_loop
async def test_the_relay_process_ends_with_the_service(tmp_path: Path) -> None:
    relay = Relay()
    async with relay.up(), running(tmp_path, relay=relay.address) as notify:
        process = relay_process(notify)
        assert process.returncode is None
    assert process.returncode == 0


@in_a_loop
async def test_who_finds_an_earlier_relay_process_still_at_work_waits_for_the_deadline(
    tmp_path: Path,
) -> None:
    clock, relay = SimulatedClock(START), Relay()
    async with running(tmp_path, clock=clock, sending=False) as died:
        await died.opened()
        await died.bus.idle()
    left = Lock(tmp_path / "relay.lock")
    left.acquire()
    async with relay.up(), running(tmp_path, relay=relay.address, clock=clock, alone=True) as notify:
        await notify.settle()
        assert relay.mails == []
        left.release()
        await notify.advance(ATTEMPT)
        id, _ = await notify.only()
        assert await notify.told(id) == ["queued", "attempted", "sent"]
        assert len(relay.mails) == 1


@BOTH_KINDS
@in_a_loop
async def test_a_pause_after_a_failure_outlasts_a_restart(tmp_path: Path, ahead: bool) -> None:
    clock, relay = SimulatedClock(START), Relay(ahead=ahead)
    async with relay.up():
        pass  # it has a port now, and is gone
    async with running(tmp_path, relay=relay.address, clock=clock, alone=True) as notify:
        await notify.opened()
        await notify.settle()
        id, delivery = await notify.only()
        assert (delivery.status, delivery.wait_until) == ("deferred", START + BACKOFF[0])
    async with relay.up(), running(tmp_path, relay=relay.address, clock=clock, alone=True) as notify:
        await notify.advance(BACKOFF[0] - timedelta(seconds=1))
        assert relay.mails == []
        await notify.advance(timedelta(seconds=1))
        (mail,) = relay.mails
        assert read(mail[2])["Message-ID"] == notify.tokens.message_id(id, CASE_ID, "sample.example")
        assert await notify.told(id) == ["queued", "deferred", "attempted", "sent"]


@in_a_loop
async def test_a_mail_made_again_a_day_later_has_the_same_bytes(tmp_path: Path) -> None:
    clock = SimulatedClock(START)
    async with running(tmp_path, clock=clock, sending=False) as died:
        await died.opened()
        await died.bus.idle()
        id, delivery = await died.only()
        mails = died.service.companions[0]._carriers[0]._mails  # type: ignore[attr-defined]
        first = (await mails.make(id, delivery)).data
        clock.advance_to(START + timedelta(days=1))
        assert (await mails.make(id, delivery)).data == first
