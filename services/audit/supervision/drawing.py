"""Draws announced samples once a checkpoint is there that nobody knew before (mechanism M32)."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import datetime

from services.audit.evidence import Evidence
from services.audit.log import LogReader, from_directory, open_checkpoint
from services.audit.lookup import Asked, Lookup
from services.audit.supervision.sample import Sample, draw, drawn
from services.audit.trail import Trail
from shared.aggregate import Aggregates
from shared.events import Record
from shared.events.cases import CaseClosed

_AT_ONCE = 1000


class Drawing:
    """Answers the timer of samples."""

    def __init__(self, trail: Trail, evidence: Evidence, samples: Aggregates[Sample]) -> None:
        self._trail = trail
        self._evidence = evidence
        self._samples = samples

    async def on_due(self, id: str, at: datetime) -> None:
        """Draw, where a checkpoint covers the announcement and all of it is projected; else it stays due."""
        sample = (await self._samples.load(id)).state
        if sample is None or sample.state == "drawn":
            return
        found = await asyncio.to_thread(self._draw, id, sample)
        if found is not None:
            checkpoint, of, cases = found
            await self._samples.answer(
                id, f"{id}/drawn", lambda state, _: drawn(state, checkpoint, of, cases)
            )

    def _draw(self, id: str, sample: Sample) -> tuple[str, int, tuple[str, ...]] | None:
        checkpoint = self._evidence.checkpoint()
        if checkpoint is None:
            return None
        head = open_checkpoint(checkpoint, self._evidence.log).state
        with closing(Lookup.open(self._trail.projector.path)) as lookup:
            if lookup.size < head.size or head.size <= sample.size:
                return None
            if not lookup.of_aggregates([id], limit=1, below=head.size):
                return None
            population = self._population(lookup, sample, head.size)
        cases = draw(head.root, id, population, sample.count)
        return checkpoint.decode(), len(population), cases

    def _population(self, lookup: Lookup, sample: Sample, size: int) -> set[str]:
        """The cases that were closed in the announced time, as the entries below `size` say."""
        asked = Asked(
            type=CaseClosed.TYPE, department=sample.department, since=sample.since, until=sample.until
        )
        reader = LogReader(from_directory(self._evidence.directory))
        cases: set[str] = set()
        start: int | None = 0
        while start is not None:
            found = lookup.find(asked, start, size, _AT_ONCE)
            cases |= {Record.read("", reader.entry(at, size)).subject for at in found.places}
            start = found.following
        return cases
