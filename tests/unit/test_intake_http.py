"""The door over HTTP: what is taken, what is refused and how it is said, what is the same message."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from pathlib import Path

from services.intake.message import MESSAGES
from shared.events.messages import MessageReceived, MessageSettled
from shared.receipts import open_receipt, receipt_signer
from tests.installations import in_a_loop
from tests.unit.intake_room import refused, room

LAMP = {"text": "The street lamp is dark", "sender": {"email": "wang@citizen.example"}}
VTT = b"WEBVTT\n\n00:00.000 --> 00:02.000\nThe street lamp is dark\n"


@in_a_loop
async def test_what_is_accepted_is_durable_settled_and_promised_by_a_receipt(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        answer = await here.client.post("/v1/messages", json=LAMP)
        assert answer.status_code == 202
        told = answer.json()
        await here.installation.idle()
        received, settled = await here.events(told["message_id"])
        assert isinstance(received, MessageReceived)
        assert isinstance(settled, MessageSettled)
        assert settled.outcome == "new"
        house = here.installation.house
        signer = receipt_signer(house.origin, house.keys.ed25519("receipt").private_bytes_raw())
        assert open_receipt(told["receipt"].encode(), [signer.verifier]).message == told["message_id"]


@in_a_loop
async def test_a_receipt_is_the_same_bytes_each_time_and_a_file_to_keep(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        told = (await here.client.post("/v1/messages", json=LAMP)).json()
        await here.installation.idle()
        again = await here.client.get(f"/v1/receipts/{told['message_id']}")
        assert again.text == told["receipt"]
        assert "attachment" in again.headers["content-disposition"]
        assert (await here.client.get("/v1/receipts/msg_unknown")).status_code == 404


@in_a_loop
async def test_sent_twice_under_one_key_it_is_one_message(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        keyed = {"Idempotency-Key": "one"}
        first, second, other = [
            (await here.client.post("/v1/messages", json=body, headers=keyed)).json()
            for body in (LAMP, LAMP, LAMP | {"text": "Another lamp"})
        ]
        assert first["message_id"] == second["message_id"] != other["message_id"]
        assert (first["repeated"], second["repeated"]) == (False, True)
        assert first["receipt"] == second["receipt"]


@in_a_loop
async def test_strangers_who_number_their_messages_alike_do_not_meet_in_one_case(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        for text in ("The roof leaks", "My wage was not paid"):
            await here.client.post("/v1/messages", json={"text": text, "external_id": "1"})
        await here.installation.idle()
        rows = await here.installation.store.find(MESSAGES, order="endpoint")
        assert [json.loads(document.body)["state"]["outcome"] for document, _ in rows] == ["new", "new"]


@in_a_loop
async def test_a_large_file_sent_again_is_not_written_again(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        file = {"name": "lamp.jpg", "content": b64encode(bytes(400_000)).decode()}
        body = LAMP | {"attachments": [file], "external_id": "with-file"}
        for _ in range(3):
            assert (await here.client.post("/v1/messages", json=body)).status_code == 202
        content = here.installation.settings.data / "content"
        assert len([path for path in content.rglob("*") if path.is_file()]) == 1


@in_a_loop
async def test_a_batch_says_of_each_what_became_of_it(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        before = refused("web")
        answer = await here.client.post("/v1/messages", json=[LAMP, {"text": " "}, {"channel": "pigeon"}])
        outcomes = [(one["outcome"], one.get("reason")) for one in answer.json()]
        assert outcomes == [("accepted", None), ("refused", "invalid"), ("refused", "invalid")]
        assert "say what it is about" in answer.json()[1]["detail"]
        assert refused("web") == before + 2


@in_a_loop
async def test_bad_input_is_told_what_is_wrong_counted_and_leaves_nothing(tmp_path: Path) -> None:
    bad = [
        (b"{broken", "application/json", 400, "json"),
        (b"[{]", "application/json", 400, "json"),
        (b"[]", "application/json", 400, "at least one message"),
        (json.dumps([1] * 101).encode(), "application/json", 400, "at most 100"),
        (b'{"channel": "pigeon", "text": "coo"}', "application/json", 422, "channel"),
        (b'{"text": "lamp", "colour": "dark"}', "application/json", 422, "colour"),
        (b"lamp", "text/plain", 400, "application/json"),
        (b'{"id": "1"}', "application/cloudevents+json", 400, "CloudEvent"),
        (b'{"text": "' + b"a" * 5000 + b'"}', "application/json", 413, "4096"),
    ]
    async with room(tmp_path, max_body=4096) as here:
        before, events = refused("web"), here.committed()
        for body, media, status, word in bad:
            answer = await here.client.post("/v1/messages", content=body, headers={"Content-Type": media})
            assert answer.status_code == status, (body[:40], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert word.lower() in answer.json()["detail"].lower(), answer.text
        assert refused("web") == before + len(bad)
        assert here.committed() == events


@in_a_loop
async def test_cloud_events_are_known_by_source_and_id(tmp_path: Path) -> None:
    event = {"specversion": "1.0", "type": "said", "source": "/kiosk", "id": "7", "data": LAMP}
    async with room(tmp_path) as here:
        structured = await here.client.post(
            "/v1/messages",
            content=json.dumps(event),
            headers={"Content-Type": "application/cloudevents+json"},
        )
        binary = await here.client.post(
            "/v1/messages",
            content=json.dumps(LAMP),
            headers={"Content-Type": "application/json", "ce-id": "7", "ce-source": "/kiosk"},
        )
        batch = await here.client.post(
            "/v1/messages",
            content=json.dumps([event]),
            headers={"Content-Type": "application/cloudevents-batch+json"},
        )
        assert structured.json()["message_id"] == binary.json()["message_id"] == batch.json()[0]["message_id"]


@in_a_loop
async def test_a_call_is_known_by_its_id_or_by_the_key_it_was_sent_under(tmp_path: Path) -> None:
    async with room(tmp_path) as here:

        async def call(key: str | None, **query: str) -> str:
            headers = {"Content-Type": "text/vtt"} | ({"Idempotency-Key": key} if key else {})
            answer = await here.client.post("/v1/transcripts", content=VTT, params=query, headers=headers)
            return str(answer.json()["message_id"])

        assert await call("a") == await call("a") != await call("b")
        assert await call("a", call_id="7") == await call("b", call_id="7")
        assert await call(None) != await call(None)


@in_a_loop
async def test_a_transcript_without_words_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        before = refused("phone")
        answer = await here.client.post(
            "/v1/transcripts", content=b"WEBVTT\n", headers={"Content-Type": "text/vtt"}
        )
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("no_words")
        assert "transcribe the recording again" in answer.json()["detail"]
        assert refused("phone") == before + 1


@in_a_loop
async def test_with_the_disk_nearly_full_everybody_is_told_to_come_again_and_nothing_is_kept(
    tmp_path: Path,
) -> None:
    async with room(tmp_path, min_free=2**62) as here:
        events = here.committed()
        vtt = {"Content-Type": "text/vtt"}
        answers = await asyncio.gather(
            here.client.post("/v1/messages", json=LAMP),
            here.client.post("/v1/messages", json=[LAMP, LAMP]),
            here.client.post("/v1/transcripts", content=VTT, headers=vtt),
        )
        for answer in answers:
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
        assert here.committed() == events
        assert not list((here.installation.settings.data / "content").rglob("*"))


@in_a_loop
async def test_a_disk_that_takes_no_file_is_told_as_come_again(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        (here.installation.settings.data / "content").write_text("in the way of the folder")
        file = {"name": "lamp.jpg", "content": b64encode(bytes(400_000)).decode()}
        events = here.committed()
        answer = await here.client.post("/v1/messages", json=LAMP | {"attachments": [file]})
        assert answer.status_code == 503
        assert here.committed() == events
