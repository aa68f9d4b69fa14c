"""Something that was owed was not done when it was due (無故拖延)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Parameters
from services.audit.checks.history import (
    CASE_EVENTS,
    SENDER,
    Owed,
    holder_at,
    office_of,
    owed,
    seconds,
)
from shared.events.findings import Figure
from shared.events.trail import TrailTicked

_NEXT = timedelta(milliseconds=1)
"""The shortest time that entries can tell."""


class LateParameters(Parameters):
    """How much lateness is let pass."""

    grace: int = 0
    """Seconds after the end that nobody is asked about."""


class Late(CaseCheck[LateParameters]):
    """What was owed and binding was still open after it was due, however it ended then, or is open now.

    It is read from what began and ended and the entries' times, not from the alarms: an alarm that was never raised
    hides nothing. What is paused, extended or moved in time goes on with its new end. What stays late under several
    ends is one finding. The sender's replies and what lapses by rule are nobody's lateness. Asked is whoever owed it;
    for what the house promised, whoever held the case when it was over. A late explanation is no finding that wants
    another explanation: its ladder climbs.

    Exact. Where entries of an anonymous case carry their time to the hour, lateness of less than an hour can't be
    seen. Whether there was a good reason is not in the entries: that is what the explanation is for. An extension
    that was asked for in time and granted too late counts, though others were late with it.

    Figures: `over`, seconds from the end to when it was done, or to now; `open`, 1 where it is not done.
    """

    name = "late"
    version = 1
    exact = True
    reads = CASE_EVENTS | {TrailTicked.TYPE}
    parameters = LateParameters
    figures = ("over", "open")

    def examine(self, history: CaseHistory, parameters: LateParameters) -> Iterator[Doubt]:
        seen: set[str] = set()
        for one in owed(history):
            end = one.end.at if one.end is not None else history.as_of.at
            since = _over(one, parameters)
            if since is None or end <= since:
                continue
            key = _key(history, one)
            if key in seen:
                continue
            seen.add(key)
            yield Doubt(
                key=key,
                since=since,
                evidence=(one.began,) if one.end is None else (one.began, one.end),
                case=history.case,
                department=_answers(history, one),
                figures=(
                    Figure(name="over", value=seconds(one.started.due, end)),
                    Figure(name="open", value=int(one.end is None)),
                ),
            )

    def again(self, history: CaseHistory, parameters: LateParameters) -> datetime | None:
        over = [_over(one, parameters) for one in owed(history) if one.end is None]
        seen = [since + _NEXT for since in over if since is not None]
        return min((at for at in seen if at > history.as_of.at), default=None)


def _key(history: CaseHistory, one: Owed) -> str:
    """What is owed by whom, since when, and for which order: the same under all its ends."""
    started = one.started
    about = f"/{started.about}" if started.about else ""
    return f"{history.case}/{started.kind}/{started.owner}/{started.since.isoformat()}{about}"


def _over(one: Owed, parameters: LateParameters) -> datetime | None:
    """After which instant it is late; None where nobody would be."""
    if not one.started.binding or one.started.owner == SENDER or one.started.kind == "explain":
        return None
    return one.started.due + timedelta(seconds=parameters.grace)


def _answers(history: CaseHistory, one: Owed) -> str | None:
    if one.started.kind == "promise":
        return holder_at(history, one.started.due)
    return office_of(one.started.owner)
