"""M15: what can't be answered waits with its reason, hurts nothing else, and is answered in order once it is mended."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.loopback.front import Front
from services.cli import app as command_line
from services.routing import arrival
from services.routing.desk import Desk
from services.routing.people import People
from services.routing.people.people import OPERATOR
from shared.events.messages import MessageReceived
from tests.installations import in_a_loop
from tests.serving import on_a_port
from tests.unit.intake_room import Room, room

BROKEN = "This one breaks it"
NOBODY = "http://127.0.0.1:1"


async def throughline(*words: str) -> Result:
    """The command line, beside the running installation."""
    return await asyncio.to_thread(lambda: CliRunner().invoke(command_line, ["dead", *words]))


async def api_key(here: Room, right: str) -> str:
    return await People(here.installation.house).issue_key("watch", [right], OPERATOR)


def break_(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routing has a mistake that one message brings out."""
    place = arrival.place

    def fails(desk: Desk, message: MessageReceived, text: str) -> arrival.Placement:
        if BROKEN in text:
            raise ValueError("no place for this")
        return place(desk, message, text)

    monkeypatch.setattr(arrival, "place", fails)


@in_a_loop
async def test_held_back_listed_with_its_reason_and_replayed_in_order_once_mended(tmp_path: Path) -> None:
    async with room(tmp_path) as here:
        with pytest.MonkeyPatch.context() as monkeypatch:
            break_(monkeypatch)
            first = (await here.client.post("/v1/messages", json={"text": BROKEN})).json()
            second = {"text": "And more of it", "in_reply_to": first["tracking"]}
            await here.client.post("/v1/messages", json=second)
            other = (await here.client.post("/v1/messages", json={"text": "The lamp is dark"})).json()
            await here.installation.idle()
            assert (await here.client.get(f"/v1/track/{other['tracking']}")).status_code == 200
            assert (await here.client.get(f"/v1/track/{first['tracking']}")).status_code == 404
            async with on_a_port(here.app) as url:
                access = ("--to", url, "--key", await api_key(here, "operations"))
                await here.installation.idle()
                listed = await throughline("list", *access)
                assert listed.exit_code == 0
                assert "ValueError: no place for this" in listed.output
                (key,) = json.loads((await throughline("list", *access, "--json")).output)["keys"]
                assert (key["service"], key["group"], key["events"]) == ("routing", "routing", 2)
                shown = await throughline("show", key["key"], *access)
                assert shown.output == (await throughline("show", "routing", key["key"], *access)).output
                assert (await throughline("show", "notify", key["key"], *access)).exit_code == 2
                assert f"{first['message_id']}/1" in shown.output
                assert "behind a held event" in shown.output
                assert BROKEN not in shown.output
                still = await throughline("replay", *access)
                assert still.exit_code == 1
                assert "2 still wait: ValueError: no place for this" in still.output
                ready = (await here.client.get("/readyz")).json()
                assert (ready["ok"], len(ready["held"])) == (True, 1)
                assert (
                    'throughline_held_keys{group="routing"} 1.0' in (await here.client.get("/metrics")).text
                )
                monkeypatch.undo()
                elsewhere = await throughline("replay", "notify", *access)
                assert elsewhere.output.strip() == "Nothing is held back there."
                done = await throughline("replay", key["key"], *access)
                assert (done.exit_code, done.output.strip()) == (0, "2 answered.")
                assert (await throughline("list", *access)).output.strip() == "Nothing is held back."
        await here.installation.idle()
        tracked = (await here.client.get(f"/v1/track/{first['tracking']}")).json()
        assert [one["text"] for one in tracked["entries"] if one["what"] == "received"] == [
            BROKEN,
            second["text"],
        ]
        assert (await here.client.get("/readyz")).json()["held"] == []


@in_a_loop
async def test_who_may_not_or_cannot_ask_is_told_what_to_do(tmp_path: Path) -> None:
    async with room(tmp_path) as here, on_a_port(here.app) as url:
        for access in ((), ("--key", await api_key(here, "cases.read")), ("--key", "tl_0_0")):
            refused = await throughline("list", "--to", url, *access)
            assert refused.exit_code == 2
            assert "throughline key create watch --rights operations" in refused.output
        key = await api_key(here, "operations")
        missing = await throughline("show", "routing", "nothing", "--to", url, "--key", key)
        assert missing.exit_code == 2
    away = await throughline("list", "--to", url, "--key", key)
    assert away.exit_code == 2
    assert "throughline run" in away.output


@in_a_loop
async def test_a_service_that_does_not_answer_is_named_and_the_others_are_asked_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room(tmp_path) as here, on_a_port(here.app) as url:
        break_(monkeypatch)
        access = ("--key", await api_key(here, "operations"))
        await here.client.post("/v1/messages", json={"text": BROKEN})
        await here.installation.idle()
        front = Front({"intake": [url], "routing": [url], "notify": [NOBODY], "audit": [url]})
        async with on_a_port(front) as one_address:
            listed = await throughline("list", "--to", one_address, *access)
            monkeypatch.undo()
            replayed = await throughline("replay", "--to", one_address, *access, "--json")
            of_one = await throughline("replay", "notify", "--to", one_address, *access)
        await front.close()
    assert listed.exit_code == 2
    assert listed.stdout.startswith("routing ")
    assert "notify did not answer" in listed.stderr
    said = json.loads(replayed.stdout)
    assert ([one["service"] for one in said["replayed"]], said["silent"]) == (["routing"], ["notify"])
    assert replayed.exit_code == 2
    assert of_one.exit_code == 2
    assert "notify did not answer" in of_one.stderr


@in_a_loop
async def test_words_that_name_nothing_are_refused_with_what_may_be_named(tmp_path: Path) -> None:
    for words in (("show", "sorting", "3f1c"), ("replay", "routing", "3f1c", "4e2d"), ("show", "routing")):
        refused = await throughline(*words, "--key", "tl_0_0")
        assert refused.exit_code == 2
        assert "name " in refused.output
