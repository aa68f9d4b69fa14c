"""An SMTP server that says what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session


class _Chunking(SMTP):
    """aiosmtpd with RFC 3030's way to hand over a mail, in one chunk."""

    async def smtp_BDAT(self, arg: str) -> None:
        size, _, last = arg.partition(" ")
        assert last == "LAST"
        assert self.envelope is not None
        content = await self._reader.readexactly(int(size))
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 no recipient")
            return
        self.envelope.content = content
        said = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(said)


@dataclass
class Relay:
    """An SMTP server that keeps what it takes. `answers` are said in turn to mails, then `250`."""

    port: int = 0
    ahead: bool = False
    """Whether it takes commands ahead of its replies (RFC 2920) and mails in chunks (RFC 3030)."""
    answers: list[str] = field(default_factory=list)
    refuse: Callable[[str], str] = lambda recipient: "250 ok"
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    goes_after: int | None = None
    """From this many mails on, it breaks the connection instead of taking another."""
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a mail has come."""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared, it says nothing to a mail that has come."""

    def __post_init__(self) -> None:
        self.answering.set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = self.refuse(address)
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.asked.set()
        await self.answering.wait()
        if self.goes_after is not None and len(self.mails) >= self.goes_after:
            cast(asyncio.Transport, server.transport).abort()
            return "421 4.3.2 gone"
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content))
        return "250 taken"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*([f"250-{one}" for one in ("PIPELINING", "CHUNKING")] if self.ahead else []), *responses]

    def _connected(self) -> SMTP:
        self.connections += 1
        return _Chunking(self, hostname="relay.example", loop=asyncio.get_running_loop())

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Relay]:
        """Listening, on the same port as before where it was up before."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
