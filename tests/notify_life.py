"""All four services under a simulated clock, and everybody's letter-box."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from services.embedded import embedded
from shared.clock import SimulatedClock
from shared.settings import Settings
from tests.unit.intake_room import BASE, PAGE, Room
from tests.unwatched import unwatched_file

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICER, COLLEAGUE, HEAD = "housing-officer-1", "housing-officer-2", "housing-head"
COORDINATOR, LEADER, MAYOR = "coordination-officer-1", "vice-mayor-1", "mayor"
LAMP = "人民路的路灯三天不亮了"


def local(text: str) -> datetime:
    """`10-14 10:00` of 2026 on the organisation's clock."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


@dataclass
class Life:
    """What a test does with it."""

    here: Room
    clock: SimulatedClock

    async def until(self, at: str) -> None:
        """Live on, from one due instant to the next."""
        await self.here.installation.live_until(local(at))

    async def outage(self, until: str) -> None:
        """Nothing runs until then."""
        self.clock.advance_to(local(until))
        await self.here.installation.idle()

    async def writes(
        self, mail: str = "wang@citizen.example", text: str = LAMP, **more: Any
    ) -> tuple[str, str]:
        """Somebody writes; answers the case's ref and their tracking code."""
        sender = {"email": mail, "language": "zh-Hans"} | more.pop("sender", {})
        body = {"text": text, "subject": "路灯", "sender": sender, "external_id": f"{mail}/{text}"} | more
        answer = await self.here.client.post("/v1/messages", json=body)
        assert answer.status_code == 202, answer.text
        await self.here.installation.idle()
        code = answer.json()["tracking"]
        return (await self.here.client.get(f"/v1/track/{code}")).json()["ref"], code

    async def does(self, person: str, command: str, ref: str, **body: Any) -> None:
        """Somebody of the house gives a command."""
        self._later()
        self.here.as_(person)
        done = await self.here.client.post(f"/v1/cases/{ref}/{command}", json=body)
        assert done.status_code == 200, done.text
        await self.here.installation.idle()

    async def says(self, code: str, command: str, **body: Any) -> None:
        """A sender says something by their tracking code."""
        self._later()
        done = await self.here.client.post(f"/v1/track/{code}/{command}", json=body)
        assert done.status_code == 200, done.text
        await self.here.installation.idle()

    def _later(self) -> None:
        """A second passes, so that mails have an order."""
        self.clock.advance_to(self.clock.now() + timedelta(seconds=1))

    async def deliveries(self, ref: str) -> list[dict[str, Any]]:
        """What is told of a case, oldest first."""
        self.here.as_(COORDINATOR)
        found = (await self.here.client.get("/v1/deliveries", params={"case": ref})).json()
        return [*reversed(found["deliveries"])]

    def mails(self, to: str) -> list[EmailMessage]:
        """What somebody has had, by their id or address, oldest first."""
        folder = self.here.installation.house.directory / "outbox"
        found = []
        for path in folder.glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            address = parseaddr(str(mail["To"]))[1]
            if to in {address, address.partition("@")[0]}:
                found.append(mail)
        return sorted(found, key=sent)

    def last(self, to: str) -> str:
        """The text of the last mail that somebody has had."""
        return text_of(self.mails(to)[-1])


def sent(mail: EmailMessage) -> datetime:
    """When a mail was written."""
    at: datetime = mail["Date"].datetime
    return at


def text_of(mail: EmailMessage) -> str:
    """What a mail says."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@asynccontextmanager
async def life(directory: Path, start: str = "10-14 10:00") -> AsyncIterator[Life]:
    """The sample county, from a Wednesday morning on."""
    settings = Settings(data=directory / "data", org=unwatched_file(directory), smtp_port=0, public_url=BASE)
    clock = SimulatedClock(local(start))
    async with embedded(settings, clock=clock) as installation:
        app = installation.app()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=PAGE) as client:
            yield Life(Room(installation, app, client), clock)
