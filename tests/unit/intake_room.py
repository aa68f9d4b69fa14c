"""Intake and routing in a temporary directory: real store, real doors, HTTP without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
from fastapi import FastAPI

from services import intake, routing
from services.intake.smtp import SmtpDoor
from shared import metrics
from shared.clock import Clock
from shared.embedded import Embedded
from shared.events import Event
from shared.rights import Gate
from shared.rights.gate import CSRF_HEADER
from shared.settings import Settings

BASE = "http://here.example"
PAGE = {"Accept": "text/html", "Accept-Language": "en"}


@dataclass
class Room:
    """What a test does with it."""

    installation: Embedded
    app: FastAPI
    client: httpx.AsyncClient

    @property
    def smtp_port(self) -> int:
        """Where mail comes in."""
        return next(
            companion.port
            for service in self.installation.services
            for companion in service.companions
            if isinstance(companion, SmtpDoor)
        )

    @property
    def mailbox(self) -> str:
        """Where mail goes to."""
        return self.installation.house.organisation.mailboxes[0].address

    def as_(self, person: str) -> str:
        """From here on this person asks; answers what their forms carry."""
        gate: Gate = self.app.state.gate
        gate.stands = None  # no accounts are needed here
        session, token = gate.sessions.issue(person, 0)
        self.client.cookies.set(gate.cookie, token)
        self.client.cookies.set("lang", "en")
        csrf = gate.sessions.csrf(session.id)
        self.client.headers[CSRF_HEADER] = csrf
        return csrf

    async def mail(
        self, raw: bytes, *, to: Sequence[str] = (), sender: str = "wang@citizen.example"
    ) -> tuple[int, str]:
        """Hand a mail over; answers what the door said, whatever that was."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.smtp_port, start_tls=False) as smtp:
            try:
                await smtp.ehlo()
                await smtp.mail(sender)
                for one in to or [self.mailbox]:
                    await smtp.rcpt(one)
                answer = await smtp.data(raw)
            except aiosmtplib.SMTPResponseException as refused:
                return refused.code, refused.message
        return answer.code, answer.message

    async def events(self, id: str) -> list[Event]:
        """What happened to an aggregate."""
        return [record.data for record in await self.installation.store.history(id)]

    def committed(self) -> int:
        """How many events were ever made durable."""
        return self.installation.store.position


@asynccontextmanager
async def room(directory: Path, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Room]:
    """An installation of intake and routing alone."""
    installation = Embedded(
        Settings(data=directory / "data", smtp_port=0, public_url=BASE, **settings),
        (intake.service, routing.service),
        (*intake.COLLECTIONS, *routing.COLLECTIONS),
        clock=clock,
    )
    async with installation:
        app = installation.app()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield Room(installation, app, client)


def refused(channel: str) -> float:
    """How many messages of a channel were refused at the door so far."""
    found = metrics.REGISTRY.get_sample_value(
        "throughline_messages_received_total", {"channel": channel, "outcome": "refused"}
    )
    return found or 0.0
