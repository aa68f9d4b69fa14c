"""An SMTP sink on loopback: takes every mail, makes it durable by groups, counts it. Run as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import cast

import uvloop


class Sink(asyncio.Protocol):
    """One connection. Only as much of SMTP as a well-behaved client needs."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._buffer = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            line, found, rest = self._buffer.partition(end)
            if not found:
                return
            self._buffer = rest
            if self._in_data:
                self._in_data = False
                self._keep.take(line, self._transport)
            else:
                self._command(line.upper())

    def _command(self, line: bytes) -> None:
        if line.startswith(b"DATA"):
            self._in_data = True
            self._transport.write(b"354 go on\r\n")
        elif line.startswith(b"QUIT"):
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 ok\r\n")


class Keep:
    """Mails on their way to the disk: many to one fsync, each answered after it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._waiting: list[asyncio.Transport] = []
        self.count = 0

    def take(self, mail: bytes, transport: asyncio.Transport) -> None:
        self._file.write(mail + b"\r\n.\r\n")
        self._waiting.append(transport)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._sync)

    def _sync(self) -> None:
        self._file.flush()
        os.fdatasync(self._file.fileno())
        for transport in self._waiting:
            transport.write(b"250 kept\r\n")
        self.count += len(self._waiting)
        self._waiting = []


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
