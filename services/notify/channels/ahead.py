"""Mails handed to a relay ahead of its replies: commands in one go (RFC 2920), each mail as one chunk (RFC 3030).

One by one, a mail costs four round trips, which were half of what sending took. aiosmtplib makes the connection, with
TLS and sign-in; it can't say more than one command at a time, so from then on its transport is spoken to here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from aiosmtplib import SMTPServerDisconnected

from services.notify.channels import Mail

EXTENSIONS = ("pipelining", "chunking")
"""What a relay must announce to be spoken to like this."""
_MOST_LINE = 4096
"""Octets of a reply's line; RFC 5321 section 4.5.3.1.5 allows 512."""


class Reply(NamedTuple):
    """What a relay said to one command: its code, and the text of the last line."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300


class Replies(NamedTuple):
    """What a relay said to one mail, command by command."""

    reset: Reply
    sender: Reply
    recipient: Reply
    content: Reply


class Ahead(asyncio.Protocol):
    """One connection to a relay that announced `EXTENSIONS`, once it has been greeted."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._rest = b""
        self._said: list[Reply] = []
        self._waiting: deque[asyncio.Future[Replies]] = deque()
        transport.set_protocol(self)

    def say(self, mails: Sequence[Mail]) -> list[asyncio.Future[Replies]]:
        """Hand over mails whose lines end in CRLF. A future raises SMTPServerDisconnected where the relay went away.

        Each mail begins with a reset: nothing else ends a transaction after a chunk was refused (RFC 3030 section 2).
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Replies]] = [loop.create_future() for _ in mails]
        self._waiting.extend(futures)
        parts: list[bytes] = []
        for mail in mails:
            parts.append(
                b"RSET\r\nMAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nBDAT %d LAST\r\n"
                % (mail.sender.encode("ascii"), mail.recipient.encode("ascii"), len(mail.data))
            )
            parts.append(mail.data)
        self._transport.write(b"".join(parts))
        return futures

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if not line[:3].isdigit():
                self._transport.abort()
                return
            if line[3:4] != b"-":
                self._reply(Reply(int(line[:3]), line[4:].decode("utf-8", "replace")))
        if len(self._rest) > _MOST_LINE:
            self._transport.abort()

    def _reply(self, reply: Reply) -> None:
        if not self._waiting:  # nothing was asked: a relay that says good-bye closes the connection next
            return
        self._said.append(reply)
        if len(self._said) == len(Replies._fields):
            answered = self._waiting.popleft()
            if not answered.done():
                answered.set_result(Replies(*self._said))
            self._said = []

    def connection_lost(self, error: Exception | None) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(SMTPServerDisconnected("the relay went away"))
                future.exception()  # nobody may be waiting any more
        self._waiting.clear()

    def quit(self) -> None:
        """Say good-bye and go."""
        self._transport.write(b"QUIT\r\n")
        self._transport.close()
