"""What is asked at the same time is done together, as `GroupCommit` does it for the embedded store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.store import StoreError

A = TypeVar("A")
R = TypeVar("R")

MOST = 256
"""Asked in one go; more gain nothing, and who waits for the batch waits longer."""


class Gathering(Generic[A, R]):
    """Answers each who asks out of a batch: what comes while one is under way makes up the next."""

    def __init__(self, do: Callable[[Sequence[A]], Awaitable[Sequence[R | StoreError]]]) -> None:
        self._do = do
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def ask(self, asked: A) -> asyncio.Future[R]:
        """The answer, once its batch is done. Whoever asked may go away: it is done all the same."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return answer

    async def done(self) -> None:
        """Return once nothing is under way."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        try:
            await self._do_all()
        finally:
            self._running = None

    async def _do_all(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            try:
                answers = await self._do([asked for asked, _ in some])
            except Exception as error:  # it is the askers' to hear
                for _, answer in some:
                    _tell(answer, error)
            else:
                for (_, answer), said in zip(some, answers, strict=True):
                    _tell(answer, said)


def _tell(answer: asyncio.Future[R], said: R | Exception) -> None:
    if answer.done():
        return
    if isinstance(said, Exception):
        answer.set_exception(said)
    else:
        answer.set_result(said)
