"""Mail through a configured SMTP server, many mails over one kept connection (RFC 5321)."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notify.channels import SENT, UNTOUCHED, Mail, Outcome
from services.notify.channels.ahead import EXTENSIONS, Ahead, Replies
from shared.clock import APART, Clock
from shared.settings import Settings

CONNECTIONS = 8
"""Connections kept to the relay, each used by one worker."""
CONNECT_SECONDS = 20.0
"""How long the relay may take to answer each command before and between mails."""
MAIL_SECONDS = 60.0
"""How long one mail, or mails handed over together, may take in all: well below an attempt's deadline."""
TLS_PORT = 465
"""RFC 8314: TLS from the first byte; on any other port `relay_tls` asks for STARTTLS."""

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ABOUT_THIS_MAIL = (SMTPRecipientRefused, SMTPDataError)
_FAILURES = (SMTPException, OSError)  # a timeout is an OSError too
_MAIL_TIME = timedelta(seconds=MAIL_SECONDS) + APART


class RelaySender:
    """One connection to the relay, made when it is needed and kept while it holds."""

    batch = 32

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
        self._ahead: Ahead | None = None
        self._sound = True
        self._kept = False
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
        left = deque(mails)
        while left:
            if not (self._sound and self._smtp.is_connected) and (failed := await self._connect()):
                left.popleft()
                yield failed
            elif self._ahead is not None:
                async for outcome in self._together(self._ahead, left):
                    yield outcome
                return
            elif said := await self._one(left[0]):
                left.popleft()
                yield said

    async def close(self) -> None:
        if not self._smtp.is_connected:
            return
        if self._ahead is not None:
            self._ahead.quit()
            self._smtp.close()
            return
        try:
            await self._smtp.quit(timeout=2)
        except _FAILURES:
            self._smtp.close()

    async def _together(self, relay: Ahead, mails: Iterable[Mail]) -> AsyncIterator[Outcome]:
        """Hand over all of them, then hear what became of each."""
        begun = self._clock.now()
        until = asyncio.get_running_loop().time() + MAIL_SECONDS
        timely = [mail for mail in mails if begun + _MAIL_TIME <= mail.deadline]
        said = dict(zip((mail.delivery for mail in timely), relay.say(timely), strict=True))
        for mail in mails:
            if mail.delivery not in said:
                yield UNTOUCHED
                continue
            try:
                outcome = _outcome(await _within(until, said[mail.delivery]))
            except _FAILURES as error:
                outcome = _failure(error)
            if outcome.reason.startswith("relay-"):
                self._sound = False
            yield outcome

    async def _one(self, mail: Mail) -> Outcome | None:
        """Hand over one; None where the relay had closed a connection that was kept: nothing of it was said yet."""
        if self._clock.now() + _MAIL_TIME > mail.deadline:
            return UNTOUCHED
        kept, self._kept = self._kept, True
        try:
            async with asyncio.timeout(MAIL_SECONDS):
                try:
                    await self._command(b"MAIL", b"FROM:<%b>" % mail.sender.encode())
                except SMTPServerDisconnected:
                    if not kept:
                        raise
                    self._sound = False
                    return None
                await self._command(b"RCPT", b"TO:<%b>" % mail.recipient.encode(), about=mail.recipient)
                await self._smtp.data(mail.data, timeout=None)
                return SENT
        except _ABOUT_THIS_MAIL as error:
            return await self._refused(error)
        except _FAILURES as error:
            self._sound = False
            return _failure(error)

    async def _connect(self) -> Outcome | None:
        """Make the connection, and find out what the relay can do; the outcome of every mail where there is none."""
        self._smtp.close()
        self._ahead, self._sound, self._kept = None, True, False
        try:
            await self._smtp.connect()
            await self._smtp.ehlo()
        except _FAILURES as error:
            self._smtp.close()
            return _failure(error)
        if all(self._smtp.supports_extension(one) for one in EXTENSIONS):
            self._ahead = Ahead(cast(asyncio.Transport, self._smtp.transport))
        return None

    async def _command(self, verb: bytes, argument: bytes, *, about: str = "") -> None:
        """One command for an address that has been read already: the library would parse it again for each mail."""
        said = await self._smtp.execute_command(verb, argument, timeout=None)
        if said.code not in (250, 251):
            if about:
                raise SMTPRecipientRefused(said.code, said.message, about)
            raise SMTPResponseException(said.code, said.message)

    async def _refused(self, error: SMTPResponseException) -> Outcome:
        """What the relay says of this mail, and what was begun of it ended."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._smtp.rset()
        except _FAILURES:
            self._sound = False
        return _refusal(error.code, error.message)


async def _within(until: float, answer: asyncio.Future[Replies]) -> Replies:
    """What a relay says by then, by the loop's time."""
    if answer.done():
        return answer.result()
    async with asyncio.timeout_at(until):
        return await answer


def _outcome(said: Replies) -> Outcome:
    """What the relay's replies to a mail come to."""
    for about_us in (said.reset, said.sender):
        if not about_us.good:
            return Outcome("deferred", f"relay-{_code(*about_us)}")
    for about_the_mail in (said.recipient, said.content):
        if not about_the_mail.good:
            return _refusal(*about_the_mail)
    return SENT


def _failure(error: SMTPException | OSError) -> Outcome:
    """What keeps mails from the relay that is not about any of them: a person can put it right."""
    match error:
        case SMTPResponseException():
            return Outcome("deferred", f"relay-{_code(error.code, error.message)}")
        case TimeoutError():
            return Outcome("deferred", "relay-timeout")
        case _:
            return Outcome("deferred", "relay-unreachable")


def _refusal(code: int, text: str) -> Outcome:
    """5xx is final (RFC 5321 section 4.2.1). The relay's words stay out of events."""
    return Outcome("failed" if 500 <= code < 600 else "deferred", f"smtp-{_code(code, text)}")


def _code(code: int, text: str) -> str:
    enhanced = _ENHANCED.match(text)
    return f"{code}-{enhanced[0]}" if enhanced else str(code)
