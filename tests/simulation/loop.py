"""An event loop whose time is simulated, and whose processes can be killed or stopped between any two steps.

No threads, no sockets, no machine's clock: the same program with the same random choices takes the same steps. What
runs belongs to the `Process` of its context; a dead one's steps are never taken, a stopped one's wait until it wakes.
"""

from __future__ import annotations

import asyncio
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar

from tests.simulation.baton import Baton, Crash

T = TypeVar("T")
_Job = tuple[asyncio.Future[Any], Callable[[], Any], Context]


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Stuck(AssertionError):
    """Nothing is left that could ever happen, or nothing ends."""


class Process:
    """What lives and dies at once: its tasks, and what it holds of the machine."""

    def __init__(self, loop: Loop, name: str) -> None:
        self.name = name
        self.alive = True
        self.stopped_until = 0.0
        self.died: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._kept: list[Any] = []
        self._waiting: list[events.Handle] = []
        self._at_death: list[Callable[[], None]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let it do something."""
        return self._loop.create_task(work, context=self.context())

    def context(self) -> Context:
        """A context in which everything is this process's."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return context

    def at_death(self, do: Callable[[], None]) -> None:
        """What the machine takes back when it dies, such as locks."""
        self._at_death.append(do)

    def kill(self) -> None:
        """It takes no further step."""
        if not self.alive:
            return
        self.alive = False
        for do in self._at_death:
            do()
        self.died.set_result(None)

    def stop(self, seconds: float) -> None:
        """It takes no step for so long, then goes on as if nothing had been."""
        until = self._loop.time() + seconds
        if until > self.stopped_until:
            self.stopped_until = until
            self._loop.call_at(until, self._wake, context=Context())

    def _wake(self) -> None:
        if self._loop.time() >= self.stopped_until:
            waiting, self._waiting = self._waiting, []
            self._loop.ready_again(waiting)

    def keeps(self, one: Any) -> None:
        """Nothing of a process is collected while the simulation runs: when that happens is not ours to decide."""
        self._kept.append(one)

    def takes(self, handle: events.Handle) -> bool:
        """Whether it takes this step now."""
        if not self.alive:
            self._kept.append(handle)
            return False
        if self._loop.time() < self.stopped_until:
            self._waiting.append(handle)
            return False
        return True


class _Task(asyncio.Task[Any]):
    """A task whose place in a set, as `asyncio.wait` makes one, does not hang on where in memory it lies."""

    def __init__(self, *args: Any, loop: Loop, **more: Any) -> None:
        self._number = len(loop._tasks)
        super().__init__(*args, loop=loop, **more)

    def __hash__(self) -> int:
        return self._number


class Loop(asyncio.BaseEventLoop):
    """The loop itself. Steps that are ready are taken in order; what makes orders differ are the waits."""

    def __init__(self, *, most_steps: int = 3_000_000) -> None:
        super().__init__()
        self.steps = 0
        self._now = 0.0
        self._most_steps = most_steps
        self._tasks: list[asyncio.Task[Any]] = []
        self._executors: dict[Any, deque[_Job]] = {}
        self._batons: list[Baton] = []
        self.threads_ask = True
        """Whether what is done in threads asks something of the loop and waits for it, and so needs a thread."""
        self.executor_seconds: Callable[[], float] = lambda: 0.001
        self.set_task_factory(self._make)

    def time(self) -> float:
        return self._now

    def _make(self, loop: Any, work: Any, context: Context | None = None) -> asyncio.Task[Any]:
        task = _Task(work, loop=self, context=context)
        self._tasks.append(task)
        return task

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while scheduled and (scheduled[0]._cancelled or (not ready or scheduled[0]._when <= self._now)):
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            if handle._cancelled:
                continue
            self._now = max(self._now, handle._when)
            ready.append(handle)
        if not ready:
            raise Stuck("nothing is left that could happen")
        handle = ready.popleft()
        if handle._cancelled:
            return
        process = handle._context.get(PROCESS)
        if process is not None and not process.takes(handle):
            return
        self.steps += 1
        if self.steps > self._most_steps:
            raise Stuck(f"{self.steps} steps, and no end at {self._now:.1f} s")
        handle._run()

    def ready_again(self, handles: list[events.Handle]) -> None:
        """Steps that waited for their process to wake."""
        self._ready.extend(handles)  # type: ignore[attr-defined]

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """What a thread would do is done at one instant, a little later; one executor's in order."""
        done: asyncio.Future[T] = self.create_future()
        job = (done, partial(func, *args), copy_context())
        if executor is None:
            self.call_later(self.executor_seconds(), self._execute, None, job)
        else:
            waiting = self._executors.setdefault(executor, deque())
            waiting.append(job)
            if len(waiting) == 1:
                self.call_later(self.executor_seconds(), self._execute, executor, job)
        return done

    def _execute(self, executor: Any, job: _Job) -> None:
        done, call, context = job
        if executor is None:
            self._call(done, partial(context.run, call))
            return
        if not self.threads_ask:
            self._call(done, partial(context.run, call))
            if done.done():
                self._next(executor)
            return
        baton = Baton(context, call)
        self._batons.append(baton)
        self._turn(executor, job, baton, lambda: None)

    def _call(self, done: asyncio.Future[Any], call: Callable[[], Any]) -> None:
        try:
            result = call()
        except Crash:
            return
        except Exception as error:
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(result)

    def _turn(self, executor: Any, job: _Job, baton: Baton, answer: Callable[[], Any]) -> None:
        baton.turn(answer)
        if not baton.ended:
            assert baton.asks is not None
            task = self.create_task(baton.asks)
            task.add_done_callback(lambda done: self._turn(executor, job, baton, done.result))
            return
        done = job[0]
        if isinstance(baton.error, Crash):
            return
        if not done.done():
            if baton.error is not None:
                done.set_exception(baton.error)
            else:
                done.set_result(baton.result)
        self._next(executor)

    def _next(self, executor: Any) -> None:
        waiting = self._executors[executor]
        waiting.popleft()
        if waiting:
            self.call_later(self.executor_seconds(), self._execute, executor, waiting[0])

    def end(self) -> None:
        """Put away what was still under way; nothing of it is run."""
        self.set_exception_handler(lambda *_: None)
        for baton in self._batons:
            baton.drop()
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                work: Any = task.get_coro()
                try:
                    work.close()
                except BaseException:
                    continue
            elif not task.cancelled():
                task.exception()
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._tasks.clear()
        self._executors.clear()
        self.close()

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """A generator that is left is left."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who could be woken."""
