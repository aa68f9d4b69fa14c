"""Talks with many senders are recorded at one go (走形式主義)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.audit.checks.check import Doubt, HouseCheck, Noted, Parameters, placed
from services.audit.checks.history import seconds
from shared.events.cases import CaseAssigned, SenderContacted
from shared.events.findings import Evidence, Figure

_REMEMBERED = 2000
"""So many latest assignments are remembered, to know who is to be asked."""


class BurstsParameters(Parameters):
    """How many talks nobody can have."""

    talks: int = 5
    """With senders of so many cases …"""
    within: int = 300
    """… in so many seconds."""


class Talk(BaseModel):
    """A talk that was recorded."""

    entry: Evidence
    case: str
    at: datetime


class Contacts(BaseModel):
    """What is remembered: each officer's latest talks, and which department has a case."""

    talks: dict[str, list[Talk]] = {}
    departments: dict[str, str] = {}


class Bursts(HouseCheck[BurstsParameters, Contacts]):
    """An officer recorded talks with the senders of many cases within minutes: they weren't had then, if at all.

    Each case by itself looks well: the sender was reached, in time. Together they can't have been: five senders are not
    spoken to in five minutes. One finding for each run of them.

    A judgement. An officer who calls all morning and puts it down at noon looks the same: an entry says when
    something was recorded, not when it was. It does not see runs that somebody takes care to spread. Tries in vain
    are not counted, nor visits, of which one trip makes several. Asked is the department of the last of the cases,
    where it is among the latest that were assigned.

    Figures: `talks`, how many; `within`, seconds from the first to the last.
    """

    name = "bursts"
    version = 1
    exact = False
    reads = frozenset({CaseAssigned.TYPE, SenderContacted.TYPE})
    parameters = BurstsParameters
    figures = ("talks", "within")
    state = Contacts

    def take(self, state: Contacts, noted: Noted, parameters: BurstsParameters) -> Iterator[Doubt]:
        said, case = noted.said, noted.record.subject
        if isinstance(said, CaseAssigned):
            state.departments.pop(case, None)
            state.departments[case] = said.department
            if len(state.departments) > _REMEMBERED:
                del state.departments[next(iter(state.departments))]
        if not isinstance(said, SenderContacted) or said.outcome != "reached" or said.site_visit:
            return
        if said.actor is None:
            return
        talks = _latest(state, said.actor, noted, parameters)
        if len({one.case for one in talks}) < parameters.talks:
            return
        state.talks[said.actor] = []
        yield Doubt(
            key=f"{said.actor}/{talks[0].entry.event}",
            since=noted.at,
            evidence=tuple(one.entry for one in talks),
            case=case,
            department=state.departments.get(case),
            person=said.actor,
            figures=(
                Figure(name="talks", value=len(talks)),
                Figure(name="within", value=seconds(talks[0].at, noted.at)),
            ),
        )


def _latest(state: Contacts, actor: str, noted: Noted, parameters: BurstsParameters) -> list[Talk]:
    """The officer's talks of the last seconds, this one too; what is older is forgotten."""
    since, case = noted.at - timedelta(seconds=parameters.within), noted.record.subject
    talks = [one for one in state.talks.get(actor, ()) if one.at >= since and one.case != case]
    talks.append(Talk(entry=placed(noted), case=case, at=noted.at))
    state.talks[actor] = talks
    return talks
