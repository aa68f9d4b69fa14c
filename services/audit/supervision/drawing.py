"""Draws announced samples once a checkpoint is there that nobody knew before (mechanism M32)."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import datetime

from services.audit.evidence import Evidence
from services.audit.log import LogReader, from_directory, open_checkpoint
from services.audit.lookup import Lookup
from services.audit.supervision.population import population
from services.audit.supervision.sample import Sample, draw, drawn
from services.audit.trail import Trail
from shared.aggregate import Aggregates


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
            reader = LogReader(from_directory(self._evidence.directory))
            among = population(lookup, reader, sample, head.size)
        return checkpoint.decode(), len(among), draw(head.root, id, among, sample.count)
