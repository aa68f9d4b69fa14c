"""Whether what was raised while a town lived is what checks find over its log afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from services.audit.checking import Asked, run_over
from services.audit.checks.check import Check
from services.audit.checks.running import as_they_are
from services.audit.supervision.finding import finding_id
from shared.events import timestamp
from shared.events.findings import FindingRaised
from tests.journeys.town import Town


def found_alike(town: Town, checks: Sequence[Check[Any]]) -> Counter[str]:
    """That it is so, with the same evidence; how many findings each check has."""
    live = {finding_id(one.check, one.key): one for _, one in town.everywhere(FindingRaised)}
    over = run_over(town.log, Asked(as_they_are(checks)), jobs=1)
    assert over.failures == []
    assert {one.id: (one.check, one.since, one.case, one.evidence) for one in over.found} == {
        id: (
            one.check,
            timestamp(one.since),
            one.case,
            tuple((entry.index, entry.event) for entry in one.evidence),
        )
        for id, one in live.items()
    }
    return Counter(one.check for one in live.values())
