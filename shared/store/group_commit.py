"""Group commit: one thread writes, many jobs to one fsync; whoever waits is answered after it (LIMITS.md)."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog

from shared.events import Record
from shared.store import StoreError, Unavailable, rows

log = structlog.get_logger()

MOST_JOBS_A_COMMIT = 256
"""More gain nothing (LIMITS.md), and who waits for the commit waits longer."""

Write = Callable[[sqlite3.Connection, sqlite3.Connection, list[Any]], Sequence[Any]]
"""Does what several jobs of a kind ask for, with the database and the key database. Answers each in turn; one that is
answered with a StoreError has changed nothing."""
Committed = Callable[[Sequence[tuple[int, Record]]], None]


@dataclass(slots=True)
class _Job:
    write: Write
    asked: Any
    done: asyncio.Future[Any]
    records: tuple[Record, ...] = ()


class GroupCommit:
    """The one writer of a database and of the key database beside it, which is committed first."""

    def __init__(self, main: sqlite3.Connection, keys: sqlite3.Connection, name: str) -> None:
        self._main = main
        self._keys = keys
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._on_commit: list[Committed] = []
        self._loop = asyncio.get_running_loop()
        self.position: int = main.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]
        """The position of the last event committed."""
        self._thread = threading.Thread(target=self._write_forever, name="store-writer", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Write what was handed over, then end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def on_commit(self, hear: Committed) -> None:
        """Call `hear` on the loop with every batch of events, with their positions, after its fsync."""
        self._on_commit.append(hear)

    def submit(self, write: Write, asked: Any, records: tuple[Record, ...] = ()) -> asyncio.Future[Any]:
        """Hand a job to the writer; the future is answered after its fsync. Its events follow where it succeeds."""
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Job(write, asked, done, records))
        return done

    def _write_forever(self) -> None:
        while True:
            jobs = [self._jobs.get()]
            while len(jobs) < MOST_JOBS_A_COMMIT and jobs[-1] is not None:
                try:
                    jobs.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            batch = [job for job in jobs if job is not None]
            if batch:
                self._write(batch)
            if jobs[-1] is None:
                return

    def _write(self, batch: list[_Job]) -> None:
        """One commit. A job in conflict changes nothing; any other error takes the whole batch back."""
        answers: list[Any] = []
        placed: list[tuple[int, Record]] = []
        batch.sort(key=_kind)  # jobs of a kind together; those of one kind keep their order
        try:
            self._keys.execute("BEGIN")
            self._main.execute("BEGIN IMMEDIATE")
            for write, jobs in groupby(batch, key=attrgetter("write")):
                answers += write(self._main, self._keys, [job.asked for job in jobs])
            records = (
                record
                for job, answer in zip(batch, answers, strict=True)
                if not isinstance(answer, StoreError)
                for record in job.records
            )
            placed = list(enumerate(records, self.position + 1))
            rows.write(
                self._main,
                "INSERT INTO events",
                [(at, record.topic, record.subject, record.sequence, record.value) for at, record in placed],
            )
            self._keys.execute("COMMIT")
            self._main.execute("COMMIT")
        except sqlite3.Error as error:
            for connection in (self._main, self._keys):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.IntegrityError) and len(batch) > 1:
                for job in batch:  # one of them is wrong: the others need not suffer for it
                    self._write([job])
                return
            log.error(  # noqa: TRY400  the message says it all
                "store.commit_failed", error=str(error), jobs=len(batch)
            )
            answers = [Unavailable(f"{self._name}: nothing was written: {error}")] * len(batch)
            placed = []
        else:
            self.position += len(placed)
        self._loop.call_soon_threadsafe(self._answer, batch, answers, placed)

    def _answer(
        self, batch: Sequence[_Job], answers: Sequence[Any], placed: Sequence[tuple[int, Record]]
    ) -> None:
        if placed:
            for hear in self._on_commit:
                hear(placed)
        for job, answer in zip(batch, answers, strict=True):
            if job.done.done():
                continue
            if isinstance(answer, StoreError):
                job.done.set_exception(answer)
            else:
                job.done.set_result(answer)


def _kind(job: _Job) -> int:
    return id(job.write)
