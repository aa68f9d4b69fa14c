"""The entries that a finding rests on, each verified as the page is made."""

from __future__ import annotations

from collections.abc import Sequence

from services.audit.evidence import Evidence
from services.audit.timeline import Line, known
from services.audit.trail import Trail
from shared.events import Record
from shared.events.findings import Evidence as Named


def seen(trail: Trail, evidence: Evidence, named: Sequence[Named]) -> list[Line]:
    """What stands in the trail where a finding says. Not for the event loop."""
    found = []
    size = trail.published.size
    for one, examined in zip(named, evidence.examine([one.index for one in named], size), strict=True):
        record = _read(examined.value)
        problem = examined.problem
        if problem is None and (record is None or record.id != one.event):
            problem = f"the finding names {one.event} here, and that is not what stands there"
        found.append(Line(examined.index, record.subject if record else "", record, problem))
    return found


def _read(value: bytes | None) -> Record | None:
    record = None if value is None else Record.of(value)
    return record if record is not None and known(record) else None
