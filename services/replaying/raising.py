"""What a replay found to differ, before people: findings like those of any check."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from services.audit.supervision.finding import KIND, Finding, finding_id
from services.embedded import COLLECTIONS
from services.opened import opened
from services.replaying.replay import Difference, Replayed
from shared.aggregate import Aggregates
from shared.events import Event
from shared.events.findings import Evidence, FindingRaised
from shared.settings import Settings

CHECK, VERSION = "replay", 1


async def raise_findings(settings: Settings, found: Replayed, size: int) -> None:
    """Raise a finding for each difference that is told, once however often it is found.

    Raises Locked where the installation runs, and StoreError.
    """
    async with opened(settings, COLLECTIONS) as house:
        findings = Aggregates(KIND, house.store, house.clock)
        for one in found.differences:
            key = f"{one.aggregate}/{one.what}"
            said = _said(one, key, size, house.clock.now())
            await findings.answer(finding_id(CHECK, key), "raised", partial(_once, said))


def _once(said: FindingRaised, state: Finding | None, now: datetime) -> list[Event]:
    return [] if state else [said]


def _said(one: Difference, key: str, size: int, now: datetime) -> FindingRaised:
    place = [] if one.place is None else [Evidence(index=one.place, event=one.aggregate)]
    return FindingRaised(
        check=CHECK,
        version=VERSION,
        parameters="",
        key=key,
        case=one.aggregate if one.aggregate.startswith("case_") else None,
        since=now,
        as_of=size,
        evidence=place,
    )
