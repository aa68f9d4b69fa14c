"""A thread that never runs beside the loop: one of the two waits while the other goes on.

What a real thread asks of the loop and waits for (`asyncio.run_coroutine_threadsafe(…).result()`) can't be asked from
within the loop itself; so it runs in a thread after all, and hands the turn back and forth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

_here = threading.local()


class Crash(BaseException):
    """The process died in the midst of something that can't be waited in."""


class Baton:
    """One call in a thread. `turn` returns when it has ended, or asks for something."""

    def __init__(self, context: Context, call: Callable[[], Any]) -> None:
        self.asks: Coroutine[Any, Any, Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._answer: Callable[[], Any] = lambda: None
        self._thread = threading.Thread(target=self._run, args=(context, call), daemon=True)
        self._thread.start()

    def turn(self, answer: Callable[[], Any] = lambda: None) -> None:
        """Let the thread go on, with what it asked for."""
        self.asks, self._answer = None, answer
        self._go.release()
        self._back.acquire()

    def drop(self) -> None:
        """Its process is dead: let the thread end."""
        if not self.ended:
            self.turn(_die)
            self._thread.join()

    def _run(self, context: Context, call: Callable[[], Any]) -> None:
        self._go.acquire()
        _here.baton = self
        try:
            self._answer()
            self.result = context.run(call)
        except BaseException as error:  # told where it is waited for
            self.error = error
        self.ended = True
        self._back.release()

    def ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        """In the thread: have the loop do something, and wait for it."""
        self.asks = work
        self._back.release()
        self._go.acquire()
        return self._answer()


class Asked:
    """What a thread has asked of the loop."""

    def __init__(self, work: Coroutine[Any, Any, Any], _: Any) -> None:
        self._work = work

    def result(self) -> Any:
        """Wait for it."""
        baton: Baton = _here.baton
        return baton.ask(self._work)


def _die() -> None:
    raise Crash
