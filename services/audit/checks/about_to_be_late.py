"""Something will be late if nobody does anything now: the check before the fact (事前)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import CASE_EVENTS, SENDER, Owed, owed, own, seconds
from shared.events.cases import CaseErased, CaseEvent, CaseUrged, SenderOpened
from shared.events.findings import Figure
from shared.events.supervised import CaseExplained, CaseOrdered, ExplanationAsked
from shared.events.trail import TrailTicked

_NO_WORK = (CaseUrged, CaseErased, SenderOpened, CaseExplained, CaseOrdered, ExplanationAsked)
"""What is done about a case, and does not bring it further."""
_NEXT = timedelta(milliseconds=1)
"""The shortest time that entries can tell: what can be seen now is seen now."""


class AboutToBeLateParameters(Parameters):
    """When a case is lying still, and when that is too late to go on."""

    left: int = 2500
    """Basis points of the time that are left when it is looked at first."""
    idle: int = 4000
    """Basis points of the time in which nobody in the house did anything."""
    shortest: int = 14_400
    """Seconds: of shorter limits the ladder's own warning is soon enough."""


class AboutToBeLate(CaseCheck[AboutToBeLateParameters]):
    """A case must be resolved soon, and for long nobody has done anything with it.

    Seen once little of the time is left and nobody in the house did anything for a good part of it: an urging, an
    alarm or the sender's own words are nothing done. Time is wall time from when the present limit began to run, so a
    limit with a weekend in it is warned of somewhat early.

    **Nobody is asked to explain it.** Nothing is wrong yet, and an officer who must write why they are not finished
    does not finish: it is for the supervisor and the coordinator, who can help or urge while it still can be put right.

    The rule is exact. What it means is not: work that leaves no entry looks like none, and a contact that is noted
    for its own sake looks like work.

    Figures: `left`, seconds until it is due; `idle`, seconds since anybody did anything, both from when it is seen.
    """

    name = "about_to_be_late"
    version = 1
    exact = True
    reads = CASE_EVENTS | {TrailTicked.TYPE}
    parameters = AboutToBeLateParameters
    figures = ("left", "idle")

    def examine(self, history: CaseHistory, parameters: AboutToBeLateParameters) -> Iterator[Doubt]:
        works = _works(history)
        for one in _resolving(history, parameters):
            end = min(one.end.at if one.end is not None else history.as_of.at + _NEXT, one.started.due)
            seen = _seen(one, works, end, parameters)
            if seen is None:
                continue
            since, work = seen
            yield Doubt(
                key=f"{history.case}/{one.started.id}",
                since=since,
                evidence=tuple(dict.fromkeys((one.began, work))),
                case=history.case,
                figures=(
                    Figure(name="left", value=seconds(since, one.started.due)),
                    Figure(name="idle", value=seconds(work.at, since)),
                ),
            )

    def again(self, history: CaseHistory, parameters: AboutToBeLateParameters) -> datetime | None:
        works = _works(history)
        found = [
            seen[0]
            for one in _resolving(history, parameters)
            if one.end is None and (seen := _seen(one, works, one.started.due, parameters)) is not None
        ]
        return min((at for at in found if at > history.as_of.at), default=None)


def _resolving(history: CaseHistory, parameters: AboutToBeLateParameters) -> Iterator[Owed]:
    for one in owed(history):
        long = seconds(one.began.at, one.started.due) >= parameters.shortest
        if one.started.kind == "resolve" and one.started.binding and long:
            yield one


def _works(history: CaseHistory) -> list[Noted]:
    return [noted for noted, said in own(history) if _is_work(said)]


def _is_work(said: CaseEvent) -> bool:
    return said.actor not in {None, SENDER} and not isinstance(said, _NO_WORK)


def _seen(
    one: Owed, works: list[Noted], end: datetime, parameters: AboutToBeLateParameters
) -> tuple[datetime, Noted] | None:
    """The first instant at which it was idle for long with little time left, and what was done last before."""
    whole = one.started.due - one.began.at
    looked = one.started.due - _part(whole, parameters.left)
    idle = _part(whole, parameters.idle)
    done = [one.began, *(work for work in works if one.began.at < work.at < end)]
    for work, following in zip(done, [*(work.at for work in done[1:]), end], strict=True):
        since = max(looked, work.at + idle)
        if since < following:
            return since, work
    return None


def _part(whole: timedelta, basis_points: int) -> timedelta:
    return whole * basis_points / 10_000
