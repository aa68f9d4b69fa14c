"""The SMTP door: a mail is answered `250` only once it is durable (RFC 5321, section 4.2.5)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.intake.channels.email import incoming
from services.intake.receiving import Door, Incoming
from shared import metrics
from shared.service import House
from shared.store import Unavailable

log = structlog.get_logger()

READ_ASIDE_FROM = 128 * 1024
"""Larger mails are taken apart in a thread of their own, so that nobody waits for them."""
AT_ONCE = 256
_REFUSALS = ("550 ", "552 ", "500 5.5.2")


class _Smtp(SMTP):
    """One connection. Its refusals are counted, and say what to do."""

    line_length_limit = 2**20  # mails with lines beyond RFC 5321's 1,000 exist, and what they say counts

    def __init__(self, door: SmtpDoor, **options: Any) -> None:
        super().__init__(door, **options)
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._door.connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self._door.connections.discard(self.transport)
        super().connection_lost(error)

    async def push(self, status: str | bytes) -> None:
        """Answer. aiosmtpd says of what is too large only that it is."""
        text = status if isinstance(status, str) else status.decode("ascii", "replace")
        if text.startswith("552 "):
            text = f"552 5.3.4 At most {self.data_size_limit} bytes a mail: send its files in several mails"
        elif text.startswith("500 Line too long"):
            text = f"500 5.5.2 A line has at most {self.line_length_limit} bytes: send the mail with its lines broken"
        if text.startswith(_REFUSALS):
            metrics.RECEIVED.labels("email", "refused").inc()
        await super().push(text)


class SmtpDoor:
    """Listens for mail to the organisation's mailboxes; others' mail is not relayed."""

    def __init__(self, house: House, door: Door) -> None:
        self._settings = house.settings
        self._door = door
        self._mailboxes = {box.address.lower() for box in house.organisation.mailboxes}
        self._room = asyncio.Semaphore(AT_ONCE)
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._busy = 0
        self._resting = asyncio.Event()
        self._resting.set()
        self.connections: set[asyncio.BaseTransport] = set()
        self.port = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Smtp(
                self,
                data_size_limit=self._settings.max_mail,
                enable_SMTPUTF8=True,
                decode_data=False,
                hostname=self._settings.host,
                ident="Throughline",
                loop=loop,
            ),
            self._settings.host,
            self._settings.smtp_port,
            backlog=1024,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._stopping = True
        if self._server is not None:
            self._server.close()
        await self._resting.wait()
        for connection in list(self.connections):
            connection.close()

    async def idle(self) -> None:
        await self._resting.wait()

    def ready(self) -> str | None:
        return None if self._server is not None and self._server.is_serving() else "SMTP is not listening"

    async def handle_RCPT(  # noqa: N802  named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mail for a mailbox of ours, at its own domain or at localhost, with or without `+…`."""
        if mailbox_of(address, self._mailboxes) is None:
            boxes = ", ".join(sorted(self._mailboxes))
            return f"550 5.1.1 <{address}> is no mailbox here; there are: {boxes}"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail, then say so."""
        raw = envelope.content
        assert isinstance(raw, bytes)
        if self._stopping:
            return "421 4.3.2 Closing for now; send it again later"
        self._busy += 1
        self._resting.clear()
        try:
            async with self._room:
                came = await self._read(raw, envelope)
                received = await self._door.receive(came)
        except Unavailable as error:
            log.warning("smtp.come_again", error=str(error))
            return "452 4.3.1 Nothing can be kept now, and nothing was; send it again later"
        except Exception:
            log.exception("smtp.failed")
            return "451 4.3.0 It was not kept; send it again later"
        finally:
            self._busy -= 1
            if not self._busy:
                self._resting.set()
        return f"250 2.0.0 {'Had it before' if received.repeated else 'Kept'} as {received.message_id}"

    async def _read(self, raw: bytes, envelope: Envelope) -> Incoming:
        recipients = tuple(envelope.rcpt_tos)
        mailbox = next(filter(None, (mailbox_of(one, self._mailboxes) for one in recipients)))
        arguments: dict[str, Any] = {
            "tokens": self._door.tokens,
            "mailbox": mailbox,
            "recipients": recipients,
            "envelope_from": envelope.mail_from,
        }
        if len(raw) < READ_ASIDE_FROM:
            return incoming(raw, **arguments)
        return await asyncio.to_thread(incoming, raw, **arguments)


def mailbox_of(address: str, mailboxes: Collection[str]) -> str | None:
    """Which mailbox of ours an address means, or None where it is none of ours."""
    local, _, domain = address.strip("<>").lower().rpartition("@")
    local = local.partition("+")[0]
    for box in mailboxes:
        if local == box.partition("@")[0] and domain in {box.partition("@")[2], "localhost"}:
            return box
    return None
