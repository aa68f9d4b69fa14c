"""Officers, leaders and a sender at their browsers, without one: pages are asked for, forms of theirs are sent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from services.embedded import embedded
from shared.clock import SimulatedClock
from shared.settings import SAMPLE_ORGANISATION, Settings
from tests.unit.intake_room import BASE, PAGE, Room
from tests.unwatched import unwatched_file

WEDNESDAY_MORNING = datetime(2026, 10, 14, 2, 0, tzinfo=UTC)
OFFICER, COORDINATOR = "housing-officer-1", "coordination-officer-1"
LAMP = {"subject": "路灯不亮", "text": "人民路的路灯三天不亮了"}


_CHOICES = "choices:\n"


@asynccontextmanager
async def house(directory: Path, *, choices: str = "") -> AsyncIterator[tuple[Room, httpx.AsyncClient]]:
    """All four services, where `as_` signs an officer in; and the sender's browser beside.

    `choices`: lines of the organisation file that say what this county does its own way. No check looks for anything.
    """
    usual = SAMPLE_ORGANISATION.read_text("utf-8")
    assert _CHOICES in usual
    file = unwatched_file(directory, usual.replace(_CHOICES, _CHOICES + choices))
    settings = Settings(data=directory / "data", org=file, smtp_port=0, public_url=BASE)
    async with embedded(settings, clock=SimulatedClock(WEDNESDAY_MORNING)) as installation:
        app = installation.app()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=transport, base_url=BASE, headers=PAGE) as desk,
            httpx.AsyncClient(transport=transport, base_url=BASE, headers=PAGE) as sender,
        ):
            yield Room(installation, app, desk), sender


def fields(page: str, action: str) -> dict[str, str]:
    """What a browser sends of a form beside what is typed. The form must be on the page."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form is not None, f"no form for {action}"
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    return dict(hidden)


def offered(page: str, ref: str) -> set[str]:
    """The commands that have a form on the page."""
    return set(re.findall(rf'action="/cases/{ref}/([a-z-]+)"', page))


async def opened(here: Room, who: str, ref: str) -> str:
    """The page of a case, as somebody sees it."""
    here.as_(who)
    answer = await here.client.get(f"/cases/{ref}")
    assert answer.status_code == 200, (who, answer.status_code)
    return answer.text


async def written(here: Room, sender: httpx.AsyncClient, **more: str) -> tuple[str, str]:
    """A sender has written by the form; answers their tracking code and the case's ref."""
    page = (await sender.get("/")).text
    typed = fields(page, "/") | LAMP | {"email": "wang@citizen.example"} | more
    sent = await sender.post("/", data=typed, files=[("files", ("lamp.html", b"<b>dark</b>", "text/html"))])
    await here.installation.idle()
    code = sent.headers["location"].rpartition("/")[2]
    return code, (await sender.get(f"/v1/track/{code}")).json()["ref"]


async def gives(here: Room, page: str, ref: str, command: str, **typed: str) -> str:
    """The officer sends a form of the page; answers the page that follows."""
    action = f"/cases/{ref}/{command}"
    done = await here.client.post(action, data=fields(page, action) | typed)
    assert done.status_code == 303, done.text
    await here.installation.idle()
    return (await here.client.get(done.headers["location"])).text
