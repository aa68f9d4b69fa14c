"""A model of the embedded store: what SQLite and the group commit promise, and nothing more.

Many jobs go to one commit; a commit is whole or is not there; who waits is answered after it. What was not committed
when the process died is lost, and a commit that the disk has no room for is refused whole.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.events import Record
from shared.store import (
    Collection,
    Conflict,
    Document,
    Step,
    StoreError,
    Unavailable,
    Wanted,
    Where,
    everything,
)
from shared.store.group_commit import Committed
from tests.simulation import rows
from tests.simulation.faults import Faults
from tests.simulation.rows import Row


@dataclass
class Disk:
    """What is durable of one installation."""

    documents: defaultdict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    events: list[Record] = field(default_factory=list)
    """An event's position is its place in this list, counted from 1."""
    of_subject: defaultdict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))
    claims: dict[str, str] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)
    held: dict[tuple[str, str], dict[int, str]] = field(default_factory=dict)
    """Group and key → position → reason."""
    sealed: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    changes: int = 0
    """How often anything but a cursor was written."""


_Write = Callable[[], Any]


@dataclass
class _Job:
    write: _Write
    done: asyncio.Future[Any]
    records: tuple[Record, ...] = ()
    of: object = None
    """What it changes: jobs of one thing keep their order; those of none are each of their own."""


class ModelContents:
    """Boxes and keys on a disk."""

    def __init__(self, disk: Disk, submit: Callable[[_Write], asyncio.Future[Any]]) -> None:
        self._disk = disk
        self._submit = submit

    def sealed(self, ref: str) -> tuple[bytes | None, bytes | None]:
        return self._disk.sealed.get(ref, (None, None))

    async def standing(self, refs: Sequence[str]) -> set[str]:
        await asyncio.sleep(0)
        return self._disk.sealed.keys() & set(refs)

    async def kept(self, after: str, limit: int) -> list[tuple[str, str]]:
        await asyncio.sleep(0)
        return [(ref, self._disk.owners[ref]) for ref in sorted(self._disk.sealed) if ref > after][:limit]

    async def erase(self, refs: Sequence[str]) -> bool:
        def write() -> None:
            self._disk.changes += 1
            for ref in refs:
                self._disk.sealed.pop(ref, None)

        await self._submit(write)
        return True

    async def sweep_keys(self, first: str, last: str) -> int:
        """Boxes and keys are written as one here: no key is without its box."""
        await asyncio.sleep(0)
        return 0


class ModelHeldBack:
    """What is held back on a disk."""

    def __init__(self, disk: Disk, submit: Callable[[_Write], asyncio.Future[Any]]) -> None:
        self._disk = disk
        self._submit = submit

    async def hold(self, group: str, record: Record, reason: str, *, anew: bool = False) -> None:
        at = self._position(record.id)

        def write() -> None:
            self._disk.changes += 1
            held = self._disk.held.setdefault((group, record.key), {})
            if anew or at not in held:
                held[at] = reason

        await self._submit(write)

    def _position(self, id: str) -> int:
        return next(at for at, record in enumerate(self._disk.events, 1) if record.id == id)

    async def held(self, group: str, key: str) -> list[tuple[Record, str]]:
        held = self._disk.held.get((group, key), {})
        return [(self._disk.events[at - 1], reason) for at, reason in sorted(held.items())]

    async def release(self, group: str, key: str, record_id: str) -> None:
        at = self._position(record_id)

        def write() -> None:
            self._disk.changes += 1
            held = self._disk.held.get((group, key), {})
            held.pop(at, None)
            if not held:
                self._disk.held.pop((group, key), None)

        await self._submit(write)

    async def held_keys(self, group: str) -> list[tuple[str, int, str, Record]]:
        firsts = sorted(
            (min(held), key, held) for (of, key), held in self._disk.held.items() if of == group and held
        )
        return [(key, len(held), held[at], self._disk.events[at - 1]) for at, key, held in firsts]


class ModelSqlite:
    """The store of one life of a process, on a disk that outlives it."""

    only_writer = True

    def __init__(self, disk: Disk, faults: Faults) -> None:
        self.disk = disk
        self._faults = faults
        self._jobs: list[_Job] = []
        self._writing: asyncio.Task[None] | None = None
        self._hearers: list[Committed] = []
        self.held_back = ModelHeldBack(disk, self._submit)
        self.contents = ModelContents(disk, self._submit)

    async def close(self) -> None:
        """Write what was handed over."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing])

    @property
    def position(self) -> int:
        return len(self.disk.events)

    def on_commit(self, hear: Committed) -> None:
        self._hearers.append(hear)

    def _submit(
        self, write: _Write, records: tuple[Record, ...] = (), of: object = None
    ) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.append(_Job(write, done, records, of or done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())
        return done

    async def _write(self) -> None:
        while self._jobs:
            batch, self._jobs = self._in_some_order(self._jobs), []
            await self._faults.takes("commit")
            await self._faults.point("before a commit")
            if self._faults.happens("full", "commit"):
                answers: list[Any] = [Unavailable("nothing was written: the disk is full")] * len(batch)
                placed: list[tuple[int, Record]] = []
            else:
                answers, placed = self._apply(batch)
            await self._faults.point("after a commit")
            if placed:
                for hear in self._hearers:
                    hear(placed)
            for job, answer in zip(batch, answers, strict=True):
                if job.done.done():
                    continue
                if isinstance(answer, StoreError):
                    job.done.set_exception(answer)
                else:
                    job.done.set_result(answer)

    def _in_some_order(self, jobs: list[_Job]) -> list[_Job]:
        """Each is an atom of its own; but who asked first for one thing comes first to it."""
        mixed = list(jobs)
        self._faults.random.shuffle(mixed)
        rows: defaultdict[object, deque[_Job]] = defaultdict(deque)
        for job in jobs:
            rows[job.of].append(job)
        return [rows[job.of].popleft() for job in mixed]

    def _apply(self, batch: list[_Job]) -> tuple[list[Any], list[tuple[int, Record]]]:
        answers: list[Any] = []
        placed: list[tuple[int, Record]] = []
        for job in batch:
            answer = job.write()
            answers.append(answer)
            if isinstance(answer, StoreError):
                continue
            for record in job.records:
                self.disk.events.append(record)
                self.disk.of_subject[record.subject].append(record)
                placed.append((len(self.disk.events), record))
        return answers, placed

    async def commit(self, step: Step) -> None:
        await self._submit(lambda: self._save(step), step.records, (step.collection.name, step.id))

    def _save(self, step: Step) -> Conflict | None:
        if not self.fits(step):
            return Conflict(f"{step.id} is not at version {step.expected}")
        self.disk.documents[step.collection.name][step.id] = Row.of(step)
        for one in step.contents:
            self.disk.sealed[one.ref] = (one.box, one.key)
            self.disk.owners[one.ref] = one.owner
        self.disk.changes += 1
        ids = ", ".join(f"{record.type.removeprefix('throughline.')} {record.id}" for record in step.records)
        self._faults.say(f"committed {ids or step.id}")
        return None

    def fits(self, step: Step) -> bool:
        """Whether a step was decided on the version that stands."""
        before = self.disk.documents[step.collection.name].get(step.id)
        return (before.version if before else 0) == step.expected and (before is None) == (step.expected == 0)

    async def claim(self, claims: Mapping[str, str]) -> dict[str, str]:
        def write() -> dict[str, str]:
            self.disk.changes += 1
            return {key: self.disk.claims.setdefault(key, value) for key, value in claims.items()}

        standing: dict[str, str] = await self._submit(write)
        return standing

    async def claimed(self, key: str) -> str | None:
        return self.disk.claims.get(key)

    async def load(self, collection: Collection, id: str) -> Document | None:
        found = self.disk.documents[collection.name].get(id)
        return None if found is None else found.document

    async def due(
        self, collection: Collection, until: datetime, limit: int, wanted: Wanted = everything
    ) -> list[Document]:
        return rows.due(self.disk.documents[collection.name].values(), until, limit, wanted)

    async def next_due(self, collection: Collection) -> datetime | None:
        return rows.next_due(self.disk.documents[collection.name].values())

    async def find(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str,
        descending: bool = False,
        after: tuple[str | int, str] | None = None,
        limit: int = 50,
    ) -> list[tuple[Document, str | int]]:
        await asyncio.sleep(0)
        return rows.find(
            self.disk.documents[collection.name].values(),
            where,
            order,
            descending=descending,
            after=after,
            limit=limit,
        )

    async def count(
        self,
        collection: Collection,
        where: Sequence[Where] = (),
        *,
        order: str | None = None,
        cap: int = 10_000,
    ) -> int:
        await asyncio.sleep(0)
        if order is not None:
            where = [*where, Where(order, "not null")]
        found = sum(row.matches(where) for row in self.disk.documents[collection.name].values())
        return min(found, cap)

    async def history(self, id: str) -> list[Record]:
        return list(self.disk.of_subject.get(id, ()))

    async def free_bytes(self) -> int:
        return 0 if self._faults.happens("full", "door") else 1 << 40

    def events_after(self, position: int, limit: int) -> list[tuple[int, Record]]:
        return list(enumerate(self.disk.events[position : position + limit], position + 1))

    def cursor(self, name: str) -> int:
        return self.disk.cursors.get(name, 0)

    def move_cursor(self, name: str, position: int) -> asyncio.Future[Any]:
        return self._submit(lambda: self.disk.cursors.__setitem__(name, position))
