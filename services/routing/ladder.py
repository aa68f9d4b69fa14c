"""What happens as obligations age: remind, warn, breach, escalate, lapse (mechanisms M12, M14). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.routing.case import Case
from services.routing.commands import Now, stamped
from services.routing.commands.pausing import resume
from services.routing.desk import Desk
from services.routing.obligation import Obligation, ended, ending
from shared.events.cases import CaseAccepted, CaseAlarmed, CaseClosed, CaseEvent
from shared.events.obligations import Notice, Rung

_AT_ONCE = timedelta(minutes=1)
"""A rung noticed within that time was noticed when it fell."""


def climb(desk: Desk, case: Case, now: datetime) -> list[CaseEvent]:
    """Every rung that fell due by `now`, each once, and what follows from what lapsed.

    What was missed while nothing ran is recorded as late; only each obligation's present rung is told of, in
    one notice to each person whom any of them concerns.
    """
    fallen = [one for one in case.obligations if one.next_at is not None and one.next_at <= now]
    rungs: list[Rung] = []
    present: list[int] = []
    lapsed: list[Obligation] = []
    for one in fallen:
        climbed = _climbed(desk, one, now)
        if climbed[-1].action == "lapse":
            lapsed.append(one)
            rungs.extend(climbed[:-1])
        else:
            rungs.extend(climbed)
            present.append(len(rungs) - 1)
    events: list[CaseEvent] = []
    if rungs:
        notices = _notices(desk, case, rungs, present, now)
        events.append(CaseAlarmed(at=max(rung.at for rung in rungs), rungs=rungs, notices=notices))
    events += _after(desk, case, lapsed, now)
    return stamped(case, desk.version, events)


def _after(desk: Desk, case: Case, lapsed: list[Obligation], now: datetime) -> list[CaseEvent]:
    """What follows where time is over and nobody is late."""
    for one in lapsed:
        match one.kind:
            case "accept":
                return [CaseAccepted(deemed=True, ends=[ended(one, now, "lapsed")])]
            case "reply" | "pause":
                return [resume(case, Now(desk, now), "lapsed", one.due)]
            case "silence":
                ends = ending(case.obligations, now, "lapsed", "silence")
                ends += ending([two for two in case.obligations if two.kind != "silence"], now, "cancelled")
                return [CaseClosed(outcome="silence", ends=ends)]
    return []


def _notices(desk: Desk, case: Case, rungs: list[Rung], present: list[int], now: datetime) -> list[Notice]:
    """One notice for each person; reminders wait for the day's digest, but for what is urgent or especially major."""
    told: dict[str, list[int]] = {}
    owners = {one.id: one for one in case.obligations}
    for index in present:
        one = owners[rungs[index].obligation]
        for person in desk.people(desk.step(one, rungs[index].rung).posts, one.owner):
            told.setdefault(person, []).append(index)
    alike: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for person, which in told.items():
        place = desk.place(person, rungs[which[0]].owner)
        alike.setdefault((place, tuple(which)), []).append(person)
    notices = []
    for (place, these), people in alike.items():
        digest = (
            not case.urgent
            and case.case_class != "major"
            and all(rungs[index].action in {"remind", "warn"} for index in these)
        )
        at = None
        if not case.urgent:
            fell = max(rungs[index].at for index in these)
            at = desk.opening(place, fell if now - fell <= _AT_ONCE else now, digest=digest)
        notices += [Notice(person=person, rungs=[*these], at=at, digest=digest) for person in people]
    return notices


def _climbed(desk: Desk, one: Obligation, now: datetime) -> list[Rung]:
    """Its rungs from the next one to the last that fell by now; all but the last of them were missed."""
    rungs: list[Rung] = []
    rung, at = one.next_rung, one.next_at
    while rung is not None and at is not None and at <= now:
        following, following_at = desk.rung_after(one, rung)
        rungs.append(
            Rung(
                obligation=one.id,
                kind=one.kind,
                owner=one.owner,
                due=one.due,
                rung=rung,
                action=desk.step(one, rung).action,
                at=at,
                late=following_at is not None and following_at <= now,
                next_rung=following,
                next_at=following_at,
            )
        )
        rung, at = following, following_at
    return rungs
