"""Raw mails over SMTP, byte for byte."""

from __future__ import annotations

import re
from dataclasses import dataclass

import aiosmtplib

from .balance import Outcome
from .patience import Patience

UNKNOWN_SENDER = "unknown@localhost"
"""The envelope's sender where a mail names none: an empty one would call it a bounce (RFC 5321, 4.5.5)."""

_ADDRESS = re.compile(
    rb"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_HEADER_BYTES = 64 * 1024


@dataclass(slots=True)
class SmtpDoor:
    """One connection to an SMTP server, opened when needed and again when lost; for one mail at a time."""

    host: str
    port: int
    recipient: str
    patience: Patience
    _client: aiosmtplib.SMTP | None = None

    async def mail(self, raw: bytes) -> Outcome:
        """Hands one mail over: 2xx is accepted, 5xx refused, anything else is tried again."""
        sender = envelope_sender(raw)
        attempt, code, why = 0, 0, ""
        while attempt < self.patience.tries and not self.patience.given_up:
            attempt += 1
            try:
                client = await self._connected()
                _, reply = await client.sendmail(
                    sender, [self.recipient], raw, mail_options=_options(client, raw)
                )
                return Outcome("accepted", detail=reply)
            except aiosmtplib.SMTPRecipientsRefused as refused:
                code, why = refused.recipients[0].code, refused.recipients[0].message
            except aiosmtplib.SMTPResponseException as response:
                code, why = response.code, response.message
            except (aiosmtplib.SMTPException, OSError) as error:
                code, why = 0, f"The mail door {self.host}:{self.port} can't be reached: {error}."
                await self.close()
            if code >= 500:
                return Outcome("refused", f"smtp_{code}", why)
            if attempt < self.patience.tries:
                await self.patience.wait(
                    attempt, why if code == 0 else f"The mail server answers {code} {why}."
                )
        if attempt and code not in (0, 421):
            return Outcome("not_sent", f"smtp_{code}", why)
        self.patience.give_up(why)
        return Outcome("not_sent", "door_shut", self.patience.given_up)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is None or not self._client.is_connected:
            start_tls = False if self.host in _LOOPBACK else None
            client = aiosmtplib.SMTP(hostname=self.host, port=self.port, start_tls=start_tls)
            await client.connect()
            self._client = client
        return self._client


def is_address(text: str) -> bool:
    """Whether this can stand in an SMTP envelope as it is: plain ASCII, one `@`, nothing quoted."""
    return text.isascii() and _ADDRESS.fullmatch(text.encode("ascii")) is not None


def envelope_sender(raw: bytes) -> str:
    """Whom a bounce would go to: the Return-Path if there is one (`<>` too), else the From address."""
    header = re.split(rb"\r?\n\r?\n", raw[:_HEADER_BYTES], maxsplit=1)[0]
    if path := re.search(rb"^Return-Path:[ \t]*<?([^<>\r\n]*)>?", header, re.IGNORECASE | re.MULTILINE):
        address = path[1].strip()
        if not address:
            return ""
        if _ADDRESS.fullmatch(address):
            return address.decode("ascii")
    from_ = re.search(rb"^From:((?:[^\r\n]*)(?:\r?\n[ \t][^\r\n]*)*)", header, re.IGNORECASE | re.MULTILINE)
    addresses = _ADDRESS.findall(from_[1]) if from_ else []
    return addresses[-1].decode("ascii") if addresses else UNKNOWN_SENDER


def _options(client: aiosmtplib.SMTP, raw: bytes) -> list[str]:
    return ["BODY=8BITMIME"] if not raw.isascii() and client.supports_extension("8bitmime") else []
