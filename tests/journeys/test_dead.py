"""M15: what can't be answered waits with its reason, hurts nothing else, and is answered in order once it is mended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from services.cli import app as command_line
from services.http import listening
from services.routing import arrival
from services.routing.desk import Desk
from services.routing.people import People
from services.routing.people.people import OPERATOR
from shared.events.messages import MessageReceived
from tests.installations import in_a_loop
from tests.unit.intake_room import Room, room

BROKEN = "This one breaks it"


@asynccontextmanager
async def served(here: Room) -> AsyncIterator[str]:
    """The room, on a port of its own."""
    door = listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(here.app, log_config=None, access_log=False, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


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
            async with served(here) as url:
                access = ("--to", url, "--key", await api_key(here, "operations"))
                await here.installation.idle()
                listed = await throughline("list", *access)
                assert listed.exit_code == 0
                assert "ValueError: no place for this" in listed.output
                (key,) = json.loads((await throughline("list", *access, "--json")).output)["keys"]
                assert (key["group"], key["events"]) == ("routing", 2)
                shown = await throughline("show", "routing", key["key"], *access)
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
                done = await throughline("replay", *access)
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
    async with room(tmp_path) as here, served(here) as url:
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
