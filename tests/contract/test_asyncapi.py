"""What the AsyncAPI promises to who listens: every event that is emitted fits it, and nothing points nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
from jsonschema_rs import Draft202012Validator

from services.embedded import embedded
from services.ways import SERVICES
from shared.embedded import Embedded
from shared.events import REGISTRY
from shared.settings import Settings
from shared.web.app import build
from tests.installations import in_a_loop
from tests.unit.test_inbound import EVENT

Json = dict[str, Any]
BASE = "http://line.example"


def all_four(directory: Path) -> Embedded:
    """An installation, not yet open."""
    return embedded(Settings(data=directory, smtp_port=0, public_url=BASE))


async def documents(one: Embedded) -> dict[str, Json]:
    """Of each service on its own, as it is served; and of all in one process."""
    apps = {service.name: build(one.house, [service], one.not_ready, one.bus) for service in one.services}
    found = {}
    for name, app in {**apps, "all": one.app()}.items():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            found[name] = (await client.get("/asyncapi.json")).json()
    return found


def references(part: Any) -> Iterator[str]:
    """Every `$ref` in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from references(one)


def at(whole: Json, reference: str) -> Any:
    """What a `$ref` points to. Raises KeyError where that is nothing."""
    for name in reference.removeprefix("#/").split("/"):
        whole = whole[name]
    return whole


def misfits(whole: Json, kind: str, event: Json) -> list[str]:
    """What of an event does not fit what is said of its type."""
    schema = whole["components"]["messages"][kind]["payload"] | {"components": whole["components"]}
    return [error.message for error in Draft202012Validator(schema).iter_errors(event)]


def types(whole: Json, action: str) -> set[str]:
    """The types that a document's services send, or receive."""
    found = [one["messages"] for one in whole["operations"].values() if one["action"] == action]
    return {message["$ref"].rpartition("/")[2] for messages in found for message in messages}


@in_a_loop
async def test_every_event_of_a_message_that_was_answered_fits_what_is_said_of_its_type(
    tmp_path: Path,
) -> None:
    async with all_four(tmp_path) as here:
        sent = {"text": "路燈不亮", "sender": {"email": "wang@citizen.example"}}
        transport = httpx.ASGITransport(here.app())
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            assert (await client.post("/v1/messages", json=sent)).status_code == 202
        await here.idle()
        whole = (await documents(here))["all"]
        placed = here.store.events_after(0, 1000)
        seen = {record.type for _, record in placed}
        assert {
            "throughline.message.received",
            "throughline.case.opened",
            "throughline.delivery.sent",
        } <= seen
        for _, record in placed:
            assert misfits(whole, record.type, orjson.loads(record.value)) == []
        broken = orjson.loads(placed[0][1].value) | {"sequence": "1"}
        assert misfits(whole, placed[0][1].type, broken) != []
        assert misfits(whole, "inbound.posted", EVENT) == []


@in_a_loop
async def test_each_type_is_sent_by_one_service_and_what_is_received_is_sent_by_some(tmp_path: Path) -> None:
    async with all_four(tmp_path) as here:
        found = await documents(here)
    every = [kind for name in SERVICES for kind in types(found[name], "send")]
    assert sorted(every) == sorted(set(every))
    assert set(every) == set(REGISTRY)
    for name in SERVICES:
        assert types(found[name], "receive") - {"inbound.posted"} <= set(every)
    assert "inbound.posted" in types(found["intake"], "receive")
    assert set(REGISTRY) <= types(found["audit"], "receive")


@in_a_loop
async def test_nothing_points_nowhere(tmp_path: Path) -> None:
    async with all_four(tmp_path) as here:
        found = await documents(here)
    for whole in found.values():
        assert whole["asyncapi"] == "3.0.0"
        pointers = list(references(whole))
        assert pointers
        for pointer in pointers:
            assert at(whole, pointer)
