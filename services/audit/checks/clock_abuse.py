"""The clock is made to stand still, or given more time, without need; an answer is given past the trail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import (
    CASE_EVENTS,
    Owed,
    Paused,
    holder_at,
    owed,
    own,
    pauses,
    seconds,
)
from shared.events.cases import (
    CaseAnswered,
    CaseClosed,
    CaseSolved,
    ExtensionAsked,
    MessageAttached,
    SenderAsked,
    SenderContacted,
)
from shared.events.findings import Figure
from shared.events.trail import TrailTicked


class ClockAbuseParameters(Parameters):
    """When a pause or an extension is doubtful."""

    pauses: int = 3
    """So many pauses in one department's hands are too many."""
    last: int = 1000
    """Basis points of the time left below which a pause or extension comes at the last moment …"""
    hour: int = 3600
    """… and no more than so many seconds of an extension's."""
    at_once: int = 3600
    """Seconds: whoever answers so soon after a pause that no reply ended did not need it."""


class ClockAbuse(CaseCheck[ClockAbuseParameters]):
    """What was owed was moved out of the way instead of done.

    Seen are: a pause at the last moment that saved the limit and that no reply of the sender's ended; a pause for a
    reply without a question, or answered by the department itself within the hour after it ran out; pauses again and
    again; more time asked for in the last hour; and what was done past the trail: a case closed as withdrawn after a
    talk with the sender, of which no word of the sender's stands in the trail, or a matter called solved whose sender
    still had no answer when it was due. Each is a finding of its own.

    A judgement. A real reason can come up in the last hour, and a sender can withdraw on the telephone: these it sees
    and they are explained. It does not see a needless pause early in the limit, nor a question that asks for what is
    known: whether a question was needed stands in its words. Asked is who held the case.

    Figures: `left`, seconds that were left; `pauses`, how many; `after`, seconds from the pause to the answer.
    """

    name = "clock_abuse"
    version = 1
    exact = False
    reads = CASE_EVENTS | {TrailTicked.TYPE}
    parameters = ClockAbuseParameters
    figures = ("left", "pauses", "after")

    def examine(self, history: CaseHistory, parameters: ClockAbuseParameters) -> Iterator[Doubt]:
        owes = owed(history)
        stood = pauses(history)
        yield from _last_moment(history, owes, stood, parameters)
        yield from _needless(history, stood, parameters)
        yield from _again_and_again(history, stood, parameters)
        yield from _last_hour(history, owes, parameters)
        yield from _past_the_trail(history, owes)


def _doubt(
    history: CaseHistory, what: str, at: Noted, since: datetime, evidence: tuple[Noted, ...], **figures: int
) -> Doubt:
    return Doubt(
        key=f"{what}/{at.record.id}",
        since=since,
        evidence=tuple(dict.fromkeys(evidence)),
        case=history.case,
        department=holder_at(history, at.at),
        figures=tuple(Figure(name=name, value=value) for name, value in figures.items()),
    )


def _last_moment(
    history: CaseHistory, owes: list[Owed], stood: list[Paused], parameters: ClockAbuseParameters
) -> Iterator[Doubt]:
    for pause in stood:
        over, resumed = pause.over, pause.resumed
        if over is None or resumed is None or resumed.reason == "reply":
            continue
        for one in owes:
            if one.end is not pause.began or one.started.kind != "resolve":
                continue
            left = seconds(pause.began.at, one.started.due)
            whole = seconds(one.began.at, one.started.due)
            if left * 10_000 <= whole * parameters.last and over.at > one.started.due:
                evidence = (one.began, pause.began, over)
                yield _doubt(history, "last_moment", pause.began, over.at, evidence, left=left)


def _needless(history: CaseHistory, stood: list[Paused], parameters: ClockAbuseParameters) -> Iterator[Doubt]:
    entries = [noted for noted, _ in own(history)]
    for pause in stood:
        if pause.said.reason != "sender":
            continue
        place = entries.index(pause.began)
        before = entries[place - 1] if place else None
        asked = before is not None and isinstance(before.said, SenderAsked) and before.at == pause.began.at
        if before is None or not asked:
            yield _doubt(history, "no_question", pause.began, pause.began.at, (pause.began,))
            continue
        if pause.over is None or pause.resumed is None or pause.resumed.reason != "lapsed":
            continue
        following = next(
            (noted for noted in entries if noted.index > pause.over.index and _final(noted)), None
        )
        if following is None:
            continue
        after = seconds(pause.over.at, following.at)
        if after <= parameters.at_once:
            evidence = (before, pause.began, pause.over, following)
            yield _doubt(history, "needless", pause.began, following.at, evidence, after=after)


def _again_and_again(
    history: CaseHistory, stood: list[Paused], parameters: ClockAbuseParameters
) -> Iterator[Doubt]:
    hands: dict[str, list[Paused]] = {}
    for pause in stood:
        hands.setdefault(holder_at(history, pause.began.at), []).append(pause)
    for those in hands.values():
        if len(those) >= parameters.pauses:
            which = those[parameters.pauses - 1].began
            evidence = tuple(one.began for one in those)
            yield _doubt(history, "pauses", those[0].began, which.at, evidence, pauses=len(those))


def _last_hour(history: CaseHistory, owes: list[Owed], parameters: ClockAbuseParameters) -> Iterator[Doubt]:
    for noted, said in own(history):
        if not isinstance(said, ExtensionAsked):
            continue
        for one in owes:
            is_open = one.began.index < noted.index and (one.end is None or one.end.index > noted.index)
            if one.started.kind != "resolve" or not is_open:
                continue
            left = seconds(noted.at, one.started.due)
            whole = seconds(one.began.at, one.started.due)
            if left <= parameters.hour and left * 10_000 <= whole * parameters.last:
                yield _doubt(history, "last_hour", noted, noted.at, (one.began, noted), left=left)


def _past_the_trail(history: CaseHistory, owes: list[Owed]) -> Iterator[Doubt]:
    spoken: Noted | None = None
    solved: list[Noted] = []
    for noted, said in own(history):
        match said:
            case SenderContacted(outcome="reached"):
                spoken = noted
            case MessageAttached(verified=True):
                spoken = None
            case CaseSolved():
                solved.append(noted)
            case CaseClosed(outcome="withdrawn") if spoken is not None and said.actor != "sender":
                yield _doubt(history, "withdrawn", noted, noted.at, (spoken, noted))
    answers = [noted for noted, _ in own(history) if _final(noted)]
    for claim in solved:
        for one in owes:
            if one.started.kind != "resolve" or one.began.index > claim.index:
                continue
            due = one.started.due
            over = one.end.at if one.end is not None else history.as_of.at
            told = any(answer.at <= due for answer in answers if answer.index > one.began.index)
            if claim.at < due <= over and (one.end is None or one.end.index > claim.index) and not told:
                yield _doubt(history, "unanswered", claim, due, (one.began, claim))
                break


def _final(noted: Noted) -> bool:
    return isinstance(noted.said, CaseAnswered) and noted.said.final
