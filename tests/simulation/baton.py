"""A thread that never runs beside the loop: one of the two waits while the other goes on.

What a real thread asks of the loop and waits for (`asyncio.run_coroutine_threadsafe(…).result()`) can't be asked from
within the loop itself; so it runs in a thread after all, and hands the turn back and forth.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

_here = threading.local()


class Crash(BaseException):
    """The process died in the midst of something that can't be waited in."""


class _Hand:
    """A thread that does one thing after the other, each when it is told to."""

    def __init__(self) -> None:
        self.go, self.back = threading.Lock(), threading.Lock()
        self.go.acquire()
        self.back.acquire()
        self.work: Callable[[], None] = lambda: None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self.go.acquire()
            self.work()
            self.back.release()


_idle: list[_Hand] = []
os.register_at_fork(after_in_child=_idle.clear)  # threads are left behind


class Baton:
    """One call in a thread. `turn` returns when it has ended, or asks for something."""

    def __init__(self, context: Context, call: Callable[[], Any]) -> None:
        self.asks: Coroutine[Any, Any, Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False
        self._answer: Callable[[], Any] = lambda: None
        self._context = context
        self._call = call
        self._hand = _idle.pop() if _idle else _Hand()
        self._hand.work = self._run

    def turn(self, answer: Callable[[], Any] = lambda: None) -> None:
        """Let the thread go on, with what it asked for."""
        self.asks, self._answer = None, answer
        self._hand.go.release()
        self._hand.back.acquire()
        if self.ended:
            _idle.append(self._hand)

    def drop(self) -> None:
        """Its process is dead: let the call end."""
        while not self.ended:
            self.turn(_die)

    def _run(self) -> None:
        _here.baton = self
        try:
            self._answer()
            self.result = self._context.run(self._call)
        except BaseException as error:  # told where it is waited for
            self.error = error
        self.ended = True

    def ask(self, work: Coroutine[Any, Any, Any]) -> Any:
        """In the thread: have the loop do something, and wait for it."""
        self.asks = work
        self._hand.back.release()
        self._hand.go.acquire()
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
