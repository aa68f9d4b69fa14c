"""A server as a child process: started, asked until it answers, stopped or killed by its pid, started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

_PATIENCE = 90.0
_ASK_AGAIN = 0.1


class NotStarted(RuntimeError):
    """The server ended, or did not answer in time. Says what its log ends with."""


def ports(directory: Path, names: Iterable[str]) -> dict[str, int]:
    """Free ports of loopback, the same ones each time for the same directory: a server is found where it was."""
    kept = directory / "ports.json"
    if kept.exists():
        known: dict[str, int] = json.loads(kept.read_text())
        return known
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sockets = {name: stack.enter_context(socket.socket()) for name in names}
        for one in sockets.values():
            one.bind(("127.0.0.1", 0))
        free = {name: int(one.getsockname()[1]) for name, one in sockets.items()}
    kept.write_text(json.dumps(free))
    return free


class Server:
    """One server and its address. One that was there already (`command` is empty) is neither stopped nor killed."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        log: Path | None = None,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        answers: Callable[[str], Awaitable[bool]],
    ) -> None:
        self.name = name
        self.address = address
        self.log = log
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._answers = answers
        self._process: asyncio.subprocess.Process | None = None

    @property
    def ours(self) -> bool:
        """Whether it may be stopped and killed."""
        return bool(self._command)

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it on its data and port, and wait until it answers. Raises NotStarted."""
        if self._command:
            assert self.log is not None
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,  # a terminal's Ctrl-C is for who stops them in order
                )
        try:
            await asyncio.wait_for(self._ask(), _PATIENCE)
        except TimeoutError as error:
            await self.kill()
            raise NotStarted(f"{self.name} at {self.address} does not answer{self._tail()}") from error

    async def stop(self) -> None:
        """Ask it to end and wait until it has."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it with -9."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.returncode is None:
            os.kill(self._process.pid, how)
        await self._process.wait()
        self._process = None

    async def _ask(self) -> None:
        while not await self._answers(self.address):
            if self._process is not None and self._process.returncode is not None:
                code, self._process = self._process.returncode, None
                raise NotStarted(f"{self.name} ended with {code}{self._tail()}")
            await asyncio.sleep(_ASK_AGAIN)

    def _tail(self) -> str:
        if self.log is None:
            return ""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "; its log ends:\n" + "\n".join(lines)
