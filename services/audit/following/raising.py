"""From a doubt to a finding, raised once whoever sees it again."""

from __future__ import annotations

from dataclasses import replace

import structlog

from services.audit.checks.check import Doubt
from services.audit.checks.running import Tuned
from services.audit.supervision.finding import KIND, Finding, finding_id, raised
from shared import metrics
from shared.aggregate import Aggregates
from shared.clock import Clock
from shared.events import EventRefused
from shared.store import Store

log = structlog.get_logger()

MOST_EVIDENCE = 100
"""Entries that a finding names: the first and the last of more. An event has room for some three hundred."""


def bounded(doubt: Doubt) -> Doubt:
    """The doubt with as much evidence as a finding names."""
    if len(doubt.evidence) <= MOST_EVIDENCE:
        return doubt
    half = MOST_EVIDENCE // 2
    return replace(doubt, evidence=doubt.evidence[:half] + doubt.evidence[-half:])


class Raising:
    """Raises findings in the store, from where they travel as any event."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._findings: Aggregates[Finding] = Aggregates(KIND, store, clock)

    async def raise_(self, tuned: Tuned, doubt: Doubt, as_of: int) -> None:
        """Raise a finding where nobody has. Raises StoreError.

        One that can't be said, because its check names it by more than an event holds, is logged and let be.
        """
        check, parameters = tuned
        id = finding_id(check.name, doubt.key)
        event = raised(check, parameters, bounded(doubt), as_of)
        try:
            answer = await self._findings.answer(id, id, lambda state, _: [event] if state is None else [])
        except EventRefused as error:
            metrics.CHECKS_FAILED.labels(check.name).inc()
            log.error("checks.finding_refused", check=check.name, error=str(error))  # noqa: TRY400
            return
        if answer.records:
            metrics.FINDINGS.labels(check.name).inc()
            log.info("checks.found", check=check.name, finding=id, case=doubt.case)
