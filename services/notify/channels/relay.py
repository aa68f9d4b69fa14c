"""Mail through a configured SMTP server, many mails over one kept connection (RFC 5321)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notify.channels import SENT, UNTOUCHED, Mail, Outcome
from shared.clock import Clock
from shared.settings import Settings

CONNECTIONS = 8
"""Connections kept to the relay, each used by one worker."""
CONNECT_SECONDS = 20.0
"""How long the relay may take to answer each command before and between mails."""
MAIL_SECONDS = 60.0
"""How long one mail may take in all, its commands having no timeout each: well below an attempt's deadline."""
TLS_PORT = 465
"""RFC 8314: TLS from the first byte; on any other port `relay_tls` asks for STARTTLS."""

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ABOUT_THIS_MAIL = (SMTPRecipientRefused, SMTPDataError)
_MAIL_TIME = timedelta(seconds=MAIL_SECONDS)


class RelaySender:
    """One connection to the relay, made when it is needed and kept while it holds."""

    batch = 8

    def __init__(self, settings: Settings, clock: Clock, hostname: str) -> None:
        host, _, port = settings.relay.rpartition(":")
        try:
            number = int(port)
        except ValueError as error:
            raise ValueError(
                f"THROUGHLINE_RELAY is {settings.relay!r}: write host:port, such as mail.example:25"
            ) from error
        implicit = settings.relay_tls and number == TLS_PORT
        self._clock = clock
        self._smtp = SMTP(
            hostname=host.strip("[]"),
            port=number,
            username=settings.relay_user or None,
            password=settings.relay_password or None,
            local_hostname=hostname,
            timeout=CONNECT_SECONDS,
            use_tls=implicit,
            start_tls=settings.relay_tls and not implicit,
        )

    async def send(self, mails: Sequence[Mail]) -> AsyncIterator[Outcome]:
        for mail in mails:
            yield await self._one(mail)

    async def close(self) -> None:
        if self._smtp.is_connected:
            try:
                await self._smtp.quit(timeout=2)
            except (SMTPException, OSError):
                self._smtp.close()

    async def _one(self, mail: Mail) -> Outcome:
        if self._clock.now() + _MAIL_TIME > mail.deadline:
            return UNTOUCHED
        try:
            async with asyncio.timeout(MAIL_SECONDS):
                return await self._hand_over(mail)
        except _ABOUT_THIS_MAIL as error:
            return await self._refused(error)
        except SMTPResponseException as error:  # about us, not the recipient: a person can put it right
            outcome = Outcome("deferred", f"relay-{_code(error)}")
        except TimeoutError:
            outcome = Outcome("deferred", "relay-timeout")
        except (SMTPException, OSError):
            outcome = Outcome("deferred", "relay-unreachable")
        self._smtp.close()
        return outcome

    async def _hand_over(self, mail: Mail) -> Outcome:
        sender, recipient = (f"<{address}>".encode() for address in (mail.sender, mail.recipient))
        kept = self._smtp.is_connected
        if not kept:
            await self._connect()
        try:
            await self._command(b"MAIL", b"FROM:" + sender)
        except SMTPServerDisconnected:
            if not kept:
                raise
            self._smtp.close()  # the relay had closed what we kept: nothing of this mail has been said yet
            await self._connect()
            await self._command(b"MAIL", b"FROM:" + sender)
        await self._command(b"RCPT", b"TO:" + recipient, about=mail.recipient)
        await self._smtp.data(mail.data, timeout=None)
        return SENT

    async def _connect(self) -> None:
        await self._smtp.connect()
        await self._smtp.ehlo()

    async def _command(self, verb: bytes, argument: bytes, *, about: str = "") -> None:
        """One command for an address that has been read already: the library would parse it again for each mail."""
        said = await self._smtp.execute_command(verb, argument, timeout=None)
        if said.code not in (250, 251):
            if about:
                raise SMTPRecipientRefused(said.code, said.message, about)
            raise SMTPResponseException(said.code, said.message)

    async def _refused(self, error: SMTPResponseException) -> Outcome:
        """What the relay says of this mail: 5xx is final (RFC 5321 section 4.2.1). Its words stay out of events."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._smtp.rset()
        except (SMTPException, OSError):
            self._smtp.close()
        return Outcome("failed" if 500 <= error.code < 600 else "deferred", f"smtp-{_code(error)}")


def _code(error: SMTPResponseException) -> str:
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code}-{enhanced[0]}" if enhanced else str(error.code)
