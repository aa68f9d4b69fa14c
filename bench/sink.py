"""An SMTP sink on loopback: takes every mail, makes it durable by groups, counts it. Run as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import cast

import uvloop


class Sink(asyncio.Protocol):
    """One connection. As much of SMTP as good clients need: RFC 5321, 2920 (commands ahead), 3030 (chunks)."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._buffer = b""
        self._end: bytes | int = b"\r\n"
        """What ends what is being read: a line, a mail's last line, or how many octets a chunk has."""
        self._said: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.write(b"220 sink\r\n")

    def answer(self) -> None:
        """Say what there is to say: all mails up to here are kept."""
        self._transport.write(b"".join(self._said))
        self._said.clear()

    def data_received(self, data: bytes) -> None:
        data, at = self._buffer + data, 0
        while True:
            if isinstance(self._end, int):
                stop = after = at + self._end
                if stop > len(data):
                    break
            else:
                stop = data.find(self._end, at)
                if stop < 0:
                    break
                after = stop + len(self._end)
            part, at = data[at:stop], after
            if self._end == b"\r\n":
                self._said.append(self._command(part.upper()))
            else:
                self._keep.take(part, self)
                self._said.append(b"250 kept\r\n")
                self._end = b"\r\n"
        self._buffer = data[at:]
        if not self._keep.waits_for(self):
            self.answer()

    def _command(self, line: bytes) -> bytes:
        if line.startswith(b"EHLO"):
            return b"250-sink\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
        if line.startswith(b"BDAT"):
            self._end = int(line.split()[1])
            return b""
        if line.startswith(b"DATA"):
            self._end = b"\r\n.\r\n"
            return b"354 go on\r\n"
        if line.startswith(b"QUIT"):
            asyncio.get_running_loop().call_soon(self._transport.close)
            return b"221 bye\r\n"
        return b"250 ok\r\n"


class Keep:
    """Mails on their way to the disk: many to one fsync, each answered after it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._waiting: dict[Sink, int] = {}
        self.count = 0

    def take(self, mail: bytes, connection: Sink) -> None:
        self._file.write(mail + b"\r\n.\r\n")
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._sync)
        self._waiting[connection] = self._waiting.get(connection, 0) + 1

    def waits_for(self, connection: Sink) -> bool:
        """Whether mails of a connection are not yet on the disk."""
        return connection in self._waiting

    def _sync(self) -> None:
        self._file.flush()
        os.fdatasync(self._file.fileno())
        kept, self._waiting = self._waiting, {}
        self.count += sum(kept.values())
        for connection in kept:
            connection.answer()


async def main(directory: Path) -> None:
    """Serve until the process is ended; the port and then the count stand in files."""
    keep = Keep(directory / "mails")
    server = await asyncio.get_running_loop().create_server(lambda: Sink(keep), "127.0.0.1", 0)
    (directory / "port").write_text(str(server.sockets[0].getsockname()[1]))
    while True:
        (directory / "count.new").write_text(str(keep.count))
        (directory / "count.new").rename(directory / "count")
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
