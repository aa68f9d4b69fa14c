"""M01, what can't be placed: kept, looked at by a person, released or refused; and everything stays accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.intake.message import MESSAGES
from shared.content.words import Note
from shared.events.cases import CaseOpened
from shared.events.messages import MessageQuarantined, MessageReceived, MessageReleased, MessageSettled
from tests.installations import in_a_loop
from tests.unit.intake_room import PAGE, Room, refused, room

HEADLESS = b"\r\n<script>alert(1)</script> the lamp is dark\r\n"
CLERK = "intake-clerk"


async def quarantined(here: Room, raw: bytes = HEADLESS) -> str:
    code, text = await here.mail(raw)
    assert code == 250
    await here.installation.idle()
    return text.split()[-1]


@in_a_loop
async def test_released_it_becomes_a_case_that_came_when_it_came(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        message_id = await quarantined(here)
        here.as_(CLERK)
        done = await here.client.post(f"/v1/quarantine/{message_id}/release")
        assert done.json() == {"message_id": message_id, "outcome": "waiting"}
        await here.installation.idle()
        held, released, received, settled = await here.events(message_id)
        assert isinstance(held, MessageQuarantined)
        assert isinstance(released, MessageReleased)
        assert isinstance(received, MessageReceived)
        assert isinstance(settled, MessageSettled)
        assert (released.actor, settled.outcome) == (CLERK, "new")
        opened = (await here.events(settled.case))[0]
        assert isinstance(opened, CaseOpened)
        assert opened.message == message_id
        first = (await here.installation.store.history(message_id))[0]
        assert received.arrived_at == first.time
        assert (await here.client.get("/v1/quarantine")).json()["messages"] == []


@in_a_loop
async def test_refused_it_stays_kept_with_a_code_in_the_trail_and_the_words_as_content(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        message_id = await quarantined(here)
        here.as_(CLERK)
        why = {"reason": "not-for-us", "text": "It is about a lamp in another county"}
        done = await here.client.post(f"/v1/quarantine/{message_id}/refuse", json=why)
        assert done.json()["outcome"] == "refused"
        refusal = (await here.events(message_id))[-1]
        assert isinstance(refusal, MessageReleased)
        assert (refusal.reason, refusal.actor) == ("not-for-us", CLERK)
        assert refusal.note is not None
        note = await here.installation.house.content.open_model(refusal.note.ref, Note)
        assert note.text == why["text"]
        entries = b"".join(record.value for record in await here.installation.store.history(message_id))
        assert b"another county" not in entries
        original = await here.client.get(f"/v1/quarantine/{message_id}/original")
        assert original.content.strip() == HEADLESS.strip()


@in_a_loop
async def test_a_decision_made_twice_is_one_and_another_comes_too_late(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        message_id = await quarantined(here)
        here.as_(CLERK)
        for _ in range(2):
            assert (await here.client.post(f"/v1/quarantine/{message_id}/release")).status_code == 200
        await here.installation.idle()
        late = await here.client.post(f"/v1/quarantine/{message_id}/refuse", json={"reason": "advertising"})
        assert late.status_code == 409
        assert len(await here.events(message_id)) == 4
        assert (await here.client.get(f"/v1/quarantine/{message_id}")).status_code == 404  # a case by now
        unknown = await here.client.post("/v1/quarantine/msg_unknown/release")
        assert unknown.status_code == 409
        wrong = await here.client.post(f"/v1/quarantine/{message_id}/refuse", json={"reason": "I say so"})
        assert wrong.status_code == 422


@in_a_loop
async def test_the_list_begins_with_who_waits_longest_and_pages_through_all(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        sent = [await quarantined(here, b"\r\nlamp %d\r\n" % number) for number in range(5)]
        here.as_(CLERK)
        seen, cursor = [], None
        while True:
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await here.client.get("/v1/quarantine", params=query)).json()
            seen += [one["message_id"] for one in page["messages"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == sent
        assert (await here.client.get("/v1/quarantine", params={"cursor": "x"})).status_code == 400


@in_a_loop
async def test_on_the_page_it_is_read_harmlessly_and_decided_by_a_form(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        message_id, other = await quarantined(here), await quarantined(here, b"\r\nanother lamp\r\n")
        csrf = here.as_(CLERK)
        assert f'href="/quarantine/{message_id}"' in (await here.client.get("/quarantine", headers=PAGE)).text
        page = await here.client.get(f"/quarantine/{message_id}", headers=PAGE)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
        assert "<script>alert" not in page.text
        assert "The mail has no headers" in page.text
        del here.client.headers["X-CSRF-Token"]
        released = await here.client.post(
            f"/quarantine/{message_id}/release", data={"csrf": csrf}, headers=PAGE
        )
        assert released.headers["location"] == "/quarantine?done=released"
        refusal = {"csrf": csrf, "reason": "nothing-said", "text": ""}
        done = await here.client.post(f"/quarantine/{other}/refuse", data=refusal, headers=PAGE)
        told = await here.client.get(done.headers["location"], headers=PAGE)
        assert "it is kept, and is no case" in told.text
        assert "Nothing waits here" in told.text


@pytest.mark.parametrize("who", [None, "housing-officer-1", "system-admin"])
def test_only_who_looks_after_it_sees_the_quarantine(tmp_path: Path, who: str | None) -> None:
    @in_a_loop
    async def tries() -> None:
        async with room(tmp_path) as here:
            message_id = await quarantined(here)
            if who:
                here.as_(who)
            for path in ("", f"/{message_id}", f"/{message_id}/original"):
                answer = await here.client.get(f"/v1/quarantine{path}")
                assert answer.status_code == (403 if who else 401)
            refusal = await here.client.post(f"/v1/quarantine/{message_id}/release")
            assert refusal.status_code == (403 if who else 401)
            assert (await here.client.get("/v1/balance")).status_code == (403 if who else 401)

    tries()


@in_a_loop
async def test_what_came_in_is_attached_new_quarantined_or_refused_and_the_four_sum_to_it(
    tmp_path: Path,
) -> None:
    async with room(tmp_path) as here:
        first = b"From: w@citizen.example\r\nSubject: lamp\r\nMessage-ID: <1@m.example>\r\n\r\nThe lamp is dark\r\n"
        reply = first.replace(b"<1@", b"<2@").replace(
            b"Subject: ", b"References: <1@m.example>\r\nSubject: Re: "
        )
        away = (
            b"From: w@citizen.example\r\nSubject: Out of office\r\nMessage-ID: <3@m.example>\r\n"
            b"Auto-Submitted: auto-replied\r\n\r\nI am away\r\n"
        )
        for raw in (first, first, reply, away, HEADLESS, HEADLESS.replace(b"lamp", b"stove")):
            await here.mail(raw)
            await here.installation.idle()
        for text in ("The roof leaks", "No water", "No heat"):
            await here.client.post("/v1/messages", json={"text": text, "external_id": text})
        await here.installation.idle()
        at_the_door = refused("web")
        await here.client.post("/v1/messages", content=b"{", headers={"Content-Type": "application/json"})
        here.as_(CLERK)
        clerk_list = (await here.client.get("/v1/quarantine")).json()["messages"]
        await here.client.post(
            f"/v1/quarantine/{clerk_list[0]['message_id']}/refuse", json={"reason": "nothing-said"}
        )
        here.as_("supervision-officer")
        balance = (await here.client.get("/v1/balance")).json()
        mailbox = {"received": 5, "attached": 1, "new": 1, "quarantined": 1, "refused": 2, "waiting": 0}
        http = {"received": 3, "attached": 0, "new": 3, "quarantined": 0, "refused": 0, "waiting": 0}
        assert balance["accounts"] == [
            {"endpoint": "http"} | http,
            {"endpoint": here.mailbox} | mailbox,
        ]
        assert balance["total"] == {"endpoint": ""} | {name: mailbox[name] + http[name] for name in mailbox}
        assert refused("web") == at_the_door + 1


@in_a_loop
async def test_the_balance_reads_an_index_and_no_message(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        connection = here.installation.store._lists
        for sql in (
            "SELECT 1 FROM doc_messages WHERE f_endpoint = 'a' AND f_outcome IN ('new', 'refused') LIMIT 9",
            "SELECT 1 FROM doc_messages WHERE f_endpoint = 'a' LIMIT 9",
        ):
            plan = json.dumps(connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
            assert "COVERING INDEX doc_messages_endpoint_outcome" in plan
        assert MESSAGES.indexes == (("quarantined",), ("endpoint", "outcome"))
