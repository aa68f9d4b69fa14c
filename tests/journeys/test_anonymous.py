"""M30: who writes anonymously holds a code that nobody else has, and the house keeps nothing of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from services.intake.message import MESSAGES
from shared.content.words import MessageWords
from shared.events.messages import MessageReceived
from shared.tokens import Tokens
from tests.installations import in_a_loop
from tests.unit.intake_room import PAGE, Room, room

WRITTEN = {"text": "A mason builds without a permit", "anonymous": True, "external_id": "form-1"}
PERSON = {
    "name": "Wang Xiaoming",
    "email": "wang@citizen.example",
    "phone": "13800001111",
    "organisation": "Wang and Sons",
    "kind": "enterprise",
    "language": "en",
}


async def handed_in(here: Room, **more: object) -> dict[str, Any]:
    answer = await here.client.post("/v1/messages", json=WRITTEN | more)
    assert answer.status_code == 202
    await here.installation.idle()
    found: dict[str, Any] = answer.json()
    return found


def everything_kept(here: Room) -> bytes:
    """The installation's data, byte for byte."""
    folder = here.installation.settings.data
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@in_a_loop
async def test_the_code_opens_the_conversation_and_no_key_of_the_house_makes_it(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        received = await handed_in(here)
        code = received["tracking"]
        assert (await here.client.get(f"/v1/track/{code}")).json()["entries"][0]["text"] == WRITTEN["text"]
        keyed = Tokens(here.installation.house.keys).tracking_code(received["message_id"])
        assert (await here.client.get(f"/v1/track/{keyed}")).status_code == 404
        wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
        assert (await here.client.get(f"/v1/track/{wrong}")).status_code == 404
        assert (await here.client.get(f"/track/{code}", headers=PAGE)).status_code == 200


@in_a_loop
async def test_of_the_code_only_a_slow_hash_is_kept_and_never_in_an_event(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        received = await handed_in(here)
        (event, *_) = await here.events(received["message_id"])
        assert isinstance(event, MessageReceived)
        words = await here.installation.house.content.open_model(event.words.ref, MessageWords)
        assert words.code_hash is not None
        assert words.code_hash.startswith("$argon2id$")
        kept = everything_kept(here)
        assert received["message_id"].encode() in kept
        assert received["tracking"][32:].encode() not in kept
        assert b"$argon2id$" not in kept


@in_a_loop
async def test_nothing_of_the_sender_is_kept(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        received = await handed_in(here, sender=PERSON)
        (event, *_) = await here.events(received["message_id"])
        assert isinstance(event, MessageReceived)
        words = await here.installation.house.content.open_model(event.words.ref, MessageWords)
        assert words.sender.model_dump(exclude_none=True) == {"language": "en"}
        assert (event.can_mail, event.sender_kind) == (False, None)
        kept = everything_kept(here)
        for name in ("name", "email", "phone", "organisation"):
            assert PERSON[name].encode() not in kept


@in_a_loop
async def test_sent_again_it_is_one_message_whose_code_nobody_can_tell_again(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        first, again = await handed_in(here), await handed_in(here)
        assert (again["repeated"], again["message_id"]) == (True, first["message_id"])
        assert "tracking" not in again
        assert (await here.client.get(f"/v1/track/{first['tracking']}")).status_code == 200


@in_a_loop
async def test_by_the_form_the_link_is_shown_once_and_then_said_to_be_gone(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        filled = {"form_id": "f1", "text": WRITTEN["text"], "anonymous": "yes"}
        sent = await here.client.post("/", data=filled, headers=PAGE)
        assert sent.status_code == 303
        code = sent.headers["location"].rpartition("/")[2]
        await here.installation.idle()
        page = (await here.client.get(sent.headers["location"], headers=PAGE)).text
        assert f'href="http://here.example/track/{code}"' in page
        assert "shown only now" in page
        again = await here.client.post("/", data=filled, headers=PAGE)
        assert again.status_code == 200
        assert "nobody can show it again" in again.text
        assert "/track/" not in again.text.partition("<main")[2]
        assert await here.installation.store.count(MESSAGES) == 1


@in_a_loop
async def test_who_writes_again_under_the_code_stays_anonymous_and_on_the_case(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        received = await handed_in(here)
        code = received["tracking"]
        said = {"form_id": "f2", "code": code, "text": "It is at Quarry Street 4", "name": "Wang Xiaoming"}
        sent = await here.client.post("/write", data=said, headers=PAGE)
        assert sent.headers["location"] == f"/track/{code}?said=yes"
        by_api = await handed_in(here, external_id="form-2", text="And at number 6", in_reply_to=code)
        tracked = (await here.client.get(f"/v1/track/{code}")).json()
        texts = [entry["text"] for entry in tracked["entries"] if entry["what"] == "received"]
        assert texts == [WRITTEN["text"], said["text"], "And at number 6"]
        assert (await here.client.get(f"/v1/track/{by_api['tracking']}")).json()["ref"] == tracked["ref"]
        assert b"Wang Xiaoming" not in everything_kept(here)
