"""When limits end, when the rungs of their ladders fall, and which intervals count: as programs and people read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

from services.routing.desk import Desk
from services.routing.obligation import COORDINATOR, SENDER, Obligation
from shared.calendar import Calendar, Interval, Limit, due, explain
from shared.events.obligations import ObligationKind
from shared.organisation import Facts, Organisation

Answer = dict[str, Any]

SOME_DEPARTMENT = "department"
"""Whoever has the case, where no department is named: it keeps the organisation's hours."""

_OWED_BY: dict[ObligationKind, str] = {
    "dispatch": COORDINATOR,
    "promise": COORDINATOR,
    "silence": COORDINATOR,
    "review": COORDINATOR,
    "reply": SENDER,
}
_NAMES: dict[ObligationKind, str] = {"extension": "decide"}
"""The limit of an obligation, where the organisation file calls it otherwise."""


def of_limit(organisation: Organisation, department: str | None, since: datetime, limit: Limit) -> Answer:
    """One limit of whoever has a case, and the usual ladder. Raises `CalendarError`."""
    calendar = organisation.calendar_of(department or SOME_DEPARTMENT)
    end = due(calendar, since, limit)
    rungs = [
        (rung.at, rung.at.instant(calendar, since, end, limit), rung.action, rung.to)
        for rung in organisation.rungs()
    ]
    return {
        "organisation": organisation.id,
        "department": department,
        "from": calendar.local(since).isoformat(),
        **_ends(calendar, since, end, limit),
        "ladder": [
            _rung(organisation, calendar, department, at=str(at), instant=instant, action=action, to=to)
            for at, instant, action, to in rungs
        ],
    }


def of_case(organisation: Organisation, department: str | None, since: datetime, facts: Facts) -> Answer:
    """All limits of such a case, each as if it began at `since`. Raises `CalendarError`."""
    desk = Desk(organisation)
    held = desk.conditions(facts)
    return {
        "organisation": organisation.id,
        "department": department,
        "from": organisation.calendar.local(since).isoformat(),
        "case": facts._asdict(),
        "extensions": held.extensions,
        "limits": [
            *_obligations(desk, department, since, facts),
            *_others(organisation, department, since, facts),
        ],
    }


def _obligations(desk: Desk, department: str | None, since: datetime, facts: Facts) -> Iterator[Answer]:
    for kind in get_args(ObligationKind):
        limit = desk.limit(kind, facts) if _is_owed(desk, kind, facts) else None
        if limit is None:
            continue
        owner = _owner(desk, kind, department or SOME_DEPARTMENT)
        one = Obligation.started(desk.start(facts, kind, owner, since, limit=limit, number=1))
        calendar = desk.calendar(owner)
        yield {
            "owed": _NAMES.get(kind, kind),
            "owner": owner,
            "binding": one.binding,
            **_ends(calendar, since, one.due, limit),
            "ladder": list(_rungs(desk, calendar, one, department)),
        }


def _is_owed(desk: Desk, kind: ObligationKind, facts: Facts) -> bool:
    """Whether such a case may come to owe it: a pause has no limit, and praise is passed on without an answer."""
    if facts.kind == "praise":
        return kind == "dispatch"
    return kind != "pause" and (kind != "extension" or desk.conditions(facts).extensions > 0)


def _owner(desk: Desk, kind: ObligationKind, department: str) -> str:
    """Who owes it in a case that this department has."""
    posts = {
        "signoff": "head",
        "opinion": "leader",
        "extension": desk.choices.grants,
        "inspect": desk.choices.inspects,
    }
    post = posts.get(kind)
    if post is None:
        return _OWED_BY.get(kind, department)
    return f"{department}/{post}" if post in {"head", "leader", "deputy"} else post


def _rungs(desk: Desk, calendar: Calendar, one: Obligation, department: str | None) -> Iterator[Answer]:
    rung, instant = one.next_rung, one.next_at
    while rung is not None and instant is not None:
        step = desk.step(one, rung)
        known = None if department is None and one.owner.startswith(SOME_DEPARTMENT) else one.owner
        yield _rung(
            desk.organisation,
            calendar,
            known,
            at=str(step.at),
            instant=instant,
            action=step.action,
            to=step.posts,
        )
        rung, instant = desk.rung_after(one, rung)


def _others(
    organisation: Organisation, department: str | None, since: datetime, facts: Facts
) -> Iterator[Answer]:
    """How long a department may return a case, and what an extension makes of the time to resolve it."""
    owner = department or SOME_DEPARTMENT
    calendar = organisation.calendar_of(owner)
    held = organisation.conditions_for(facts)
    if facts.kind == "praise":
        return
    for name, limit in (("returns", held.limits.returns), ("visit", held.limits.visit)):
        if limit is not None:
            end = due(calendar, since, limit)
            yield {
                "owed": name,
                "owner": owner,
                "binding": False,
                **_ends(calendar, since, end, limit),
                "ladder": [],
            }
    longer, resolve = held.limits.extension, held.limits.resolve
    if held.extensions and longer is not None and resolve is not None:
        end = due(calendar, due(calendar, since, resolve), longer)
        ends = _ends(calendar, due(calendar, since, resolve), end, longer)
        yield {"owed": "extension", "owner": owner, "binding": False, **ends, "ladder": []}


def _ends(calendar: Calendar, since: datetime, end: datetime, limit: Limit) -> Answer:
    intervals = explain(calendar, since, end, limit)
    return {
        "calendar": calendar.digest,
        "zone": calendar.zone,
        "limit": str(limit),
        "due": calendar.local(end).isoformat(),
        "provisional": any(interval.provisional for interval in intervals),
        "intervals": [_interval(interval, calendar) for interval in intervals],
    }


def _rung(
    organisation: Organisation,
    calendar: Calendar,
    owner: str | None,
    *,
    at: str,
    instant: datetime,
    action: str,
    to: tuple[str, ...],
) -> Answer:
    people = None
    if owner is not None:
        people = list(dict.fromkeys(person for post in to for person in organisation.who(post, owner)))
    local = calendar.local(instant).isoformat()
    return {"at": at, "instant": local, "action": action, "to": list(to), "people": people}


def _interval(interval: Interval, calendar: Calendar) -> Answer:
    return {
        "begin": calendar.local(interval.begin).isoformat(),
        "end": calendar.local(interval.end).isoformat(),
        "counted": interval.counted,
        "reason": interval.reason.value,
        "name": interval.name,
        "provisional": interval.provisional,
    }
