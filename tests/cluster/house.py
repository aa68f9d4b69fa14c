"""A cluster for tests: the services as processes on real servers, one port before them, a real mail server behind."""

from __future__ import annotations

import asyncio
import secrets
import smtplib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.loopback.front import Front
from deploy.loopback.services import Services, Told, services
from services.embedded import COLLECTIONS
from services.opened import opened
from services.routing.people import People
from shared.rights.gate import CSRF_HEADER
from shared.service import House
from shared.settings import Settings

PUBLIC_URL = "http://cluster.example"
PASSWORD = "lantern-river-42"
PATIENCE_SECONDS = 60.0
ASK_AGAIN_SECONDS = 0.05


async def until(
    holds: Callable[[], Awaitable[Any]],
    *,
    seconds: float = PATIENCE_SECONDS,
    every: float = ASK_AGAIN_SECONDS,
    what: str = "",
) -> Any:
    """The first true answer to a question asked of other processes, again and again."""
    end = time.monotonic() + seconds
    while not (answer := await holds()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what or holds}")
        await asyncio.sleep(every)
    return answer


class Sink:
    """A mail server at which mails arrive."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.by_id: Counter[str] = Counter()
        self.first_at: dict[str, datetime] = {}
        """When each Message-ID first arrived."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        id = str(mail["Message-ID"])
        self.by_id[id] += 1
        self.first_at.setdefault(id, datetime.now(UTC))
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        """What arrived for somebody, in order."""
        return [mail for mail in self.mails if address in str(mail["To"])]


@asynccontextmanager
async def a_sink() -> AsyncIterator[tuple[Sink, int]]:
    """A running mail server and its port."""
    sink = Sink()
    loop = asyncio.get_running_loop()
    connections: list[SMTP] = []

    def connect() -> SMTP:
        connections.append(SMTP(sink, loop=loop))
        return connections[-1]

    server = await loop.create_server(connect, "127.0.0.1", 0)
    async with server:
        yield sink, server.sockets[0].getsockname()[1]
    for one in connections:
        if one.transport is not None:
            one.transport.close()
    await asyncio.sleep(0)


@dataclass
class Cluster:
    """What a test does with it."""

    told: Told
    running: Services
    sink: Sink
    client: httpx.AsyncClient
    """Of the one port before all services."""
    house: House
    """The same store, for looking at it."""
    people: People = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.house)

    @asynccontextmanager
    async def signed_in(self, person: str) -> AsyncIterator[httpx.AsyncClient]:
        """A program as which somebody has signed in; they get an account."""
        await self.people.create(person, PASSWORD)
        async with asking(self.running) as client:
            answer = await client.post("/v1/sign-in", json={"login": person, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers[CSRF_HEADER] = answer.json()["csrf"]
            yield client

    async def write(self, **message: object) -> dict[str, Any]:
        """Send a message; answers what the door said."""
        answer = await self.client.post("/v1/messages", json=message)
        assert answer.status_code == 202, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def mail(self, raw: bytes) -> str:
        """Hand a mail over; answers its message's id."""
        port = self.running.of["intake"][0].smtp_port

        def hand_over() -> str:
            with smtplib.SMTP("127.0.0.1", port, timeout=30) as door:
                door.ehlo()
                door.mail("wang@citizen.example")
                door.rcpt(self.house.organisation.mailboxes[0].address)
                code, answer = door.data(raw)
                assert code == 250, answer
                return answer.decode().rpartition(" ")[2]

        return await asyncio.to_thread(hand_over)

    async def case_of(self, message_id: str) -> tuple[str, str]:
        """The ref of the message's case, and its outcome, once it is settled."""

        async def settled() -> tuple[str, str] | None:
            for record in await self.house.store.history(message_id):
                if record.type == "throughline.message.settled":
                    return record.data.ref, record.data.outcome  # type: ignore[attr-defined]
            return None

        found: tuple[str, str] = await until(settled, what=f"{message_id} is settled")
        return found


@asynccontextmanager
async def asking(running: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the one port before all services."""
    front = Front(running.urls)
    transport = httpx.ASGITransport(front, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, timeout=60) as client:
        yield client
    await front.close()


@asynccontextmanager
async def cluster(
    directory: Path,
    kafka: str,
    mongo: str,
    *,
    instances: Mapping[str, int] | None = None,
    settings: Mapping[str, str] | None = None,
    each: Mapping[str, Mapping[str, str]] | None = None,
    before: Callable[[Told], Awaitable[None]] | None = None,
) -> AsyncIterator[Cluster]:
    """All four services on topics and a database of their own, each told by `each` what it alone must know; `before` is
    done before they start."""
    name = f"test_{secrets.token_hex(6)}"
    async with a_sink() as (sink, port):
        told = Told(
            directory,
            kafka,
            mongo,
            PUBLIC_URL,
            {
                "THROUGHLINE_TOPIC_PREFIX": f"{name}.",
                "THROUGHLINE_MONGO_DATABASE": name,
                "THROUGHLINE_RELAY": f"127.0.0.1:{port}",
                "THROUGHLINE_TICK_SECONDS": "86400",  # what is counted is what people did
                **(settings or {}),
            },
            each or {},
        )
        if before is not None:
            await before(told)
        seen = Settings(
            data=directory,
            keys=directory / "keys",
            mongo_url=mongo,
            mongo_database=name,
            public_url=PUBLIC_URL,
        )
        async with (
            services(told, instances) as running,
            asking(running) as client,
            opened(seen, COLLECTIONS) as house,
        ):
            yield Cluster(told, running, sink, client, house)
