"""What a sample is drawn from, as the entries say (mechanism M32): for who draws it, and for who draws it again."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from itertools import islice
from pathlib import Path

from services.audit.log import LogError, LogReader, Verifier, open_any_checkpoint
from services.audit.lookup import Asked, Lookup
from services.audit.projected import FILE, Projection
from services.audit.supervision.sample import Sample, draw, evolve
from shared.events import Record
from shared.events.cases import CaseClosed
from shared.events.findings import SampleAnnounced, SampleDrawn
from shared.note import NoteError

_AT_ONCE = 4096


def population(lookup: Lookup, reader: LogReader, sample: Sample, size: int) -> set[str]:
    """The cases that were closed in the announced time, as the entries below `size` say."""
    asked = Asked(type=CaseClosed.TYPE, department=sample.department, since=sample.since, until=sample.until)
    cases: set[str] = set()
    start: int | None = 0
    while start is not None:
        found = lookup.find(asked, start, size, _AT_ONCE)
        cases |= {Record.read("", reader.entry(at, size)).subject for at in found.places}
        start = found.following
    return cases


@dataclass(frozen=True)
class Redrawn:
    """A sample that was drawn once more."""

    id: str
    announced_at: int
    """The place of its announcement in the log."""
    sample: Sample
    wrong: str | None = None
    """Why it is not what the entries draw; None where it is, or where it is still to be drawn."""


def redrawn(
    reader: LogReader, size: int, keys: Sequence[Verifier], tell: Callable[[int], None]
) -> Iterator[Redrawn]:
    """Every sample of a log's first `size` entries, drawn again from them.

    That the entries are those that were signed is what verifying the log says, not this. Raises LogError, OSError,
    ValueError where they can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="throughline-") as directory:
        samples = _announced(reader, size, Path(directory) / FILE, tell)
        with closing(Lookup.open(Path(directory) / FILE)) as lookup:
            again = _Again(lookup, reader, size, keys)
            for id, (at, sample) in samples.items():
                yield Redrawn(id, at, sample, again.wrong(id, at, sample))


def _announced(
    reader: LogReader, size: int, path: Path, tell: Callable[[int], None]
) -> dict[str, tuple[int, Sample]]:
    """Samples by id, with where they were announced; all entries are projected into a file."""
    samples: dict[str, tuple[int, Sample]] = {}
    projection = Projection(path, UTC)
    try:
        entries, at = reader.entries(0, size, size), 0
        while some := [Record.of(entry) for entry in islice(entries, _AT_ONCE)]:
            projection.commit(some, b"")
            for place, record in enumerate(some, at):
                if record is None or record.type not in {SampleAnnounced.TYPE, SampleDrawn.TYPE}:
                    continue
                began, before = samples.get(record.subject, (place, None))
                samples[record.subject] = began, evolve(before, record.data, record)
            at += len(some)
            tell(at)
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error
    finally:
        projection.close()
    return samples


@dataclass(frozen=True)
class _Again:
    """Draws again from one log."""

    lookup: Lookup
    reader: LogReader
    size: int
    keys: Sequence[Verifier]

    def wrong(self, id: str, at: int, sample: Sample) -> str | None:
        """Why a sample, announced as entry `at`, is not what the entries draw."""
        if sample.state == "announced":
            return None
        try:
            drew = open_any_checkpoint(sample.checkpoint.encode(), self.keys, origin=self.keys[0].name).state
            if not max(at, sample.size) < drew.size <= self.size:
                return (
                    f"a checkpoint of {drew.size} entries drew it, which does not come after its announcement"
                )
            if self.reader.root(drew.size) != drew.root:
                return f"the checkpoint of {drew.size} entries that drew it is none of this log"
        except (NoteError, LogError) as error:
            return f"the checkpoint that drew it: {error}"
        cases = population(self.lookup, self.reader, sample, drew.size)
        if len(cases) != sample.of:
            return f"there were {len(cases)} cases to draw from, not {sample.of}"
        if draw(drew.root, id, cases, sample.count) != sample.cases:
            return "other cases are drawn by that checkpoint"
        return None
