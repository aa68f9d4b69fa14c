"""Files → doors: mails, transcripts and records side by side, each file's account kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from services.intake.records import ColumnMap, Draft, FileKind, Refused, read_mails, read_records

from .balance import Balance, Outcome
from .over_http import BATCH, HttpDoor
from .over_smtp import SmtpDoor

Item = TypeVar("Item")

WIDTH = 4
"""Connections at a time to each door."""

_BATCH_CHARACTERS = 1_000_000
_TYPES = {".vtt": "text/vtt", ".srt": "application/x-subrip", ".json": "application/json"}
_TYPES[".tsv"] = "text/tab-separated-values"


@dataclass(frozen=True, slots=True)
class Source:
    """One file to send, what it holds, and its account."""

    path: Path
    kind: FileKind
    balance: Balance


@dataclass(frozen=True, slots=True)
class Sending:
    """What is the same for all files of one `throughline send`."""

    http: HttpDoor
    smtp: Sequence[SmtpDoor]
    mapping: ColumnMap
    channel: str | None
    zone: tzinfo
    done: Callable[[Source, Outcome, str], None]
    """Told of every message that ended: its file, how, and where in the file it stands."""

    async def all(self, sources: Sequence[Source]) -> None:
        """Hands everything over. Raises only what reading a file raises (`OSError`)."""
        mails = (
            (source, at, raw)
            for source in _of(sources, "mail")
            for at, raw in enumerate(read_mails(source.path), 1)
        )
        async with asyncio.TaskGroup() as lanes:
            for door in self.smtp:
                lanes.create_task(self._mails(door, mails))
            lanes.create_task(_each(iter(_of(sources, "transcript")), self._transcript))
            lanes.create_task(_each(self._batches(_of(sources, "records")), self._batch))

    async def _mails(self, door: SmtpDoor, mails: Iterator[tuple[Source, int, bytes]]) -> None:
        try:
            for source, at, raw in mails:
                self.done(source, await door.mail(raw), f"mail {at}")
        finally:
            await door.close()

    async def _transcript(self, source: Source) -> None:
        raw = source.path.read_bytes()
        content_type = _TYPES.get(source.path.suffix.lower(), "text/plain")
        key = hashlib.sha256(source.path.name.encode() + b"\0" + raw).hexdigest()
        about = {"call_id": source.path.name}
        self.done(source, await self.http.transcript(raw, content_type, about, key), "the file")

    def _batches(self, sources: list[Source]) -> Iterator[tuple[Source, list[Draft]]]:
        for source in sources:
            batch: list[Draft] = []
            length = 0
            for draft in read_records(source.path, self.mapping, self.channel, self.zone):
                if isinstance(draft, Refused):
                    self.done(
                        source, Outcome("refused", draft.reason_code, draft.message), f"line {draft.line}"
                    )
                    continue
                source.balance.note(draft.defects)
                if batch and (len(batch) == BATCH or length + len(draft.text) > _BATCH_CHARACTERS):
                    yield source, batch
                    batch, length = [], 0
                batch.append(draft)
                length += len(draft.text)
            if batch:
                yield source, batch

    async def _batch(self, job: tuple[Source, list[Draft]]) -> None:
        source, batch = job
        outcomes = await self.http.messages([draft.body() for draft in batch])
        for draft, outcome in zip(batch, outcomes, strict=True):
            self.done(source, outcome, f"line {draft.line}")


async def _each(items: Iterator[Item], do: Callable[[Item], Awaitable[None]]) -> None:
    """Does all of `items`, `WIDTH` at a time, reading no further ahead than that."""

    async def worker() -> None:
        for item in items:
            await do(item)

    await asyncio.gather(*(worker() for _ in range(WIDTH)))


def _of(sources: Sequence[Source], kind: FileKind) -> list[Source]:
    return [source for source in sources if source.kind == kind]
