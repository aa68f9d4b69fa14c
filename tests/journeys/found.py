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
    """That it is so; how many findings each check has.

    What came later is among the evidence afterwards, such as how late it then was done; all that was raised is there.
    """
    live = {finding_id(one.check, one.key): one for _, one in town.everywhere(FindingRaised)}
    outcome = run_over(town.log, Asked(as_they_are(checks)), jobs=1)
    assert outcome.failures == []
    over = {one.id: one for one in outcome.found}
    assert {id: (one.check, one.since, one.case) for id, one in over.items()} == {
        id: (one.check, timestamp(one.since), one.case) for id, one in live.items()
    }
    for id, one in live.items():
        assert {(entry.index, entry.event) for entry in one.evidence} <= {*over[id].evidence}, one
    return Counter(one.check for one in live.values())
