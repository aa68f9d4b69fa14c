"""A whole installation with people, messages and late cases in it, for a browser to look at."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import uvicorn
from fastapi import FastAPI

from services.embedded import embedded
from services.intake.smtp import SmtpDoor
from services.routing.people import People
from shared.clock import RealClock
from shared.embedded import Embedded
from shared.rights.gate import CSRF_HEADER
from shared.rights.policy import RIGHTS_OF_ROLE
from shared.settings import Settings

T = TypeVar("T")

PASSWORD = "lantern-river-42"
LONG_AGO = timedelta(days=40)
LAMP = {"kind": "problem", "subject": "路燈不亮", "text": "人民路的路燈三天不亮了。\n晚上很黑。"}
UNPLACED = {"kind": "enquiry", "subject": "A question", "text": "Xyzzy " + "unbreakable" * 40}
WANG = {"name": "王小明", "email": "wang@citizen.example", "phone": "555 0100", "language": "zh-Hant"}
HEADLESS = b"\r\n<b>the lamp</b> is dark\r\n"


class Shifted(RealClock):
    """The machine's clock, which can be put back so that what happens now happened long ago."""

    back = timedelta()

    def now(self) -> datetime:
        return super().now() - self.back


@dataclass
class Living:
    """The installation, running in a thread of its own behind its real doors."""

    one: Embedded
    app: FastAPI
    url: str
    clock: Shifted
    loop: asyncio.AbstractEventLoop
    of_role: dict[str, str] = field(default_factory=dict)
    """Somebody of each role there is."""
    tracking: dict[str, str] = field(default_factory=dict)
    """Tracking codes: `late`, `answered`, `new`."""

    def call(self, what: Callable[[], Awaitable[T]]) -> T:
        """Let the installation's own loop do something."""

        async def done() -> T:
            return await what()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(120)

    def idle(self) -> None:
        """Return once everything that came in was answered."""
        self.call(self.one.idle)

    @contextmanager
    def signed_in(self, person: str) -> Iterator[httpx.Client]:
        """A program as which somebody has signed in."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            answer = client.post("/v1/sign-in", json={"login": person, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers[CSRF_HEADER] = answer.json()["csrf"]
            yield client

    def fill(self) -> None:
        """People, and something of everything there is to see."""
        people = People(self.one.house)
        for person in self.of_role.values():
            self.call(partial(people.create, person, PASSWORD))
        self.clock.back = LONG_AGO
        self.tracking["late"] = self.write(LAMP | {"sender": WANG})
        self.write(UNPLACED)
        self.idle()
        self.clock.back = timedelta()
        self.idle()
        self.tracking["answered"] = self.write(LAMP | {"sender": WANG, "external_id": "answered"})
        accepted = self.write(LAMP | {"external_id": "accepted"})
        returned = self.write(LAMP | {"kind": "complaint", "external_id": "returned"})
        self.tracking["new"] = self.write(LAMP | {"anonymous": True})
        self.mail(HEADLESS)
        self.mail(HEADLESS + b"again\r\n")
        self.idle()
        with self.signed_in(self.of_role["officer"]) as officer:
            for code, command, body in (
                (accepted, "accept", {}),
                (self.tracking["answered"], "accept", {}),
                (self.tracking["answered"], "answer", {"text": "路燈修好了。", "resolved": True}),
                (returned, "return", {"text": "這條路不歸我們管。"}),
            ):
                done = officer.post(f"/v1/cases/{self.ref(code)}/{command}", json=body)
                assert done.status_code == 200, done.text
        self.idle()
        with self.signed_in(self.of_role["supervisor"]) as supervisor:
            order = {
                "case": self.ref(accepted),
                "department": "housing",
                "limit": "5wd",
                "text": "請修好路燈。",
            }
            issued = supervisor.post("/v1/orders", json=order)
            assert issued.status_code == 201, issued.text
        self.idle()

    def write(self, message: Mapping[str, object]) -> str:
        """Send a message; answers its tracking code."""
        answer = httpx.post(f"{self.url}/v1/messages", json=message, trust_env=False)
        assert answer.status_code == 202, answer.text
        self.idle()
        return str(answer.json()["tracking"])

    def ref(self, tracking: str) -> str:
        """The case that a sender follows."""
        return str(httpx.get(f"{self.url}/v1/track/{tracking}", trust_env=False).json()["ref"])

    def mail(self, raw: bytes) -> None:
        """Hand a mail over."""
        port = next(
            beside.port
            for service in self.one.services
            for beside in service.companions
            if isinstance(beside, SmtpDoor)
        )
        with smtplib.SMTP("127.0.0.1", port) as door:
            door.sendmail("wang@citizen.example", [self.one.house.organisation.mailboxes[0].address], raw)


def of_each_role(one: Embedded) -> dict[str, str]:
    """Somebody for each role of the policy, and never the same for two."""
    organisation = one.house.organisation
    having = {
        role: [person.id for person in organisation.people if role in organisation.roles(person.id)]
        for role in RIGHTS_OF_ROLE
    }
    found: dict[str, str] = {}
    # Whoever alone has a role is not given another.
    for role in sorted(having, key=lambda role: len(having[role])):
        found[role] = next(person for person in having[role] if person not in found.values())
    return found


@contextmanager
def living(data: Path) -> Iterator[Living]:
    """An installation that serves until it is left, empty at first."""
    door = socket.create_server(("127.0.0.1", 0), backlog=256)
    port = door.getsockname()[1]
    started: list[Living] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    server: list[uvicorn.Server] = []

    async def serve() -> None:
        clock = Shifted()
        async with embedded(Settings(data=data, port=port, smtp_port=0), clock=clock) as one:
            app = one.app()
            config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", loop="none")
            server.append(uvicorn.Server(config))
            server[0].install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            url, loop = f"http://127.0.0.1:{port}", asyncio.get_running_loop()
            started.append(Living(one, app, url, clock, loop, of_each_role(one)))
            ready.set()
            await server[0].serve(sockets=[door])

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # said in the thread that waits
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="living")
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        if server:
            server[0].should_exit = True
        thread.join()
