"""What happens as obligations age: remind, warn, breach, escalate, lapse (mechanisms M12, M14). Pure."""

from __future__ import annotations

from datetime import datetime

from services.routing.case import Case
from services.routing.desk import Desk
from services.routing.obligation import Obligation, ending
from shared.events.cases import CaseAlarmed, CaseClosed, CaseEvent, Notice, Rung


def climb(desk: Desk, case: Case, now: datetime) -> list[CaseEvent]:
    """Every rung that fell due by `now`, each once.

    What was missed while nothing ran is recorded as late; only each obligation's present rung is told of, in
    one notice to each person whom any of them concerns.
    """
    fallen = [one for one in case.obligations if one.next_at is not None and one.next_at <= now]
    rungs: list[Rung] = []
    told: dict[str, list[int]] = {}
    for one in fallen:
        if not one.binding:
            continue
        rungs.extend(_climbed(desk, one, now))
        for person in desk.people(desk.step(one, rungs[-1].rung).posts, one.owner):
            told.setdefault(person, []).append(len(rungs) - 1)
    events: list[CaseEvent] = []
    if rungs:
        notices = [Notice(person=person, rungs=which) for person, which in told.items()]
        events.append(CaseAlarmed(at=max(rung.at for rung in rungs), rungs=rungs, notices=notices))
    if any(one.kind == "silence" for one in fallen):
        ends = ending(case.obligations, now, "lapsed", "silence")
        ends += ending([one for one in case.obligations if one.kind != "silence"], now, "cancelled")
        events.append(CaseClosed(outcome="silence", ends=ends))
    return events


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
