"""A sender is called unreachable whom nobody tried to reach (弄虛作假)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import holder_at, opening, own, seconds
from shared.events.cases import CaseAnswered, FeedbackGiven, MessageAttached, SenderAsked, SenderContacted
from shared.events.findings import Figure
from shared.events.trail import TrailTicked


class UnreachableSenderParameters(Parameters):
    """What counts as having tried."""

    tries: int = 3
    """So many tries …"""
    within: int = 600
    """… within so many seconds are one …"""
    then: int = 1200
    """… unless somebody is reached within so many seconds of the first."""
    at_night: int = 2
    """So many tries, all of them at night, are none …"""
    by_day: int = 43_200
    """… unless somebody is reached, or it is tried by day, within so many seconds of the last of them."""
    night_from: int = 75_600
    """The second of the day from which nobody is called: 21:00."""
    night_until: int = 28_800
    """The second of the day until which nobody is called: 8:00."""
    offset: int = 28_800
    """Seconds by which the house's clock is ahead of UTC."""
    many: int = 4
    """So many tries by telephone are too many where the sender could have been written to …"""
    or_written: int = 172_800
    """… unless somebody is reached, or written to, within so many seconds of the last of them."""


@dataclass
class _Row:
    """Tries in vain, one after the other."""

    tries: list[Noted] = field(default_factory=list)
    wrote: list[tuple[Noted, Noted]] = field(default_factory=list)
    """Messages of the sender's between two tries, and the try after."""
    written: Noted | None = None
    """When the sender was first asked, or written an answer that is not the last."""
    reached: Noted | None = None

    def before(self, noted: Noted | None, instant: datetime) -> bool:
        """Whether that happened by then."""
        return noted is not None and noted.at <= instant


@dataclass(frozen=True)
class _Sign:
    since: datetime
    evidence: tuple[Noted, ...]
    figures: dict[str, int]


class UnreachableSender(CaseCheck[UnreachableSenderParameters]):
    """ "Not reached" is recorded in a way in which nobody could have been reached.

    Of tries in vain, one after the other, these are seen: several within minutes; all of them at night; one although
    the sender had written since the try before; and many by telephone to a sender who left an address and was not
    written to. But for the third, each waits a while for somebody to be reached after all, or tried otherwise.

    A judgement. A caller in a hurry may try three times in ten minutes and mean it, and some senders can be called at
    night only; it does not see tries that were invented with plausible times. The minutes of an anonymous case's
    entries say nothing: the first two are not looked for there. Asked is who held the case.

    Figures: `tries`, how many; `within`, seconds from the first to the last of several; `at_night`, how many at night;
    `wrote`, 1 where the sender had written meanwhile.
    """

    name = "unreachable_sender"
    version = 1
    exact = False
    reads = frozenset(
        kind.TYPE for kind in (CaseAnswered, MessageAttached, SenderAsked, SenderContacted, TrailTicked)
    )
    parameters = UnreachableSenderParameters
    figures = ("tries", "within", "at_night", "wrote")

    def examine(self, history: CaseHistory, parameters: UnreachableSenderParameters) -> Iterator[Doubt]:
        for row in _rows(history):
            signs = [one for one in _signs(history, row, parameters) if one.since <= history.as_of.at]
            if not signs:
                continue
            entries = {noted.index: noted for one in signs for noted in one.evidence}
            figures = {"tries": len(row.tries)}
            for one in signs:
                figures |= one.figures
            yield Doubt(
                key=row.tries[0].record.id,
                since=min(one.since for one in signs),
                evidence=tuple(entries[index] for index in sorted(entries)),
                case=history.case,
                department=holder_at(history, row.tries[-1].at),
                figures=tuple(Figure(name=name, value=value) for name, value in figures.items()),
            )

    def again(self, history: CaseHistory, parameters: UnreachableSenderParameters) -> datetime | None:
        signs = (one for row in _rows(history) for one in _signs(history, row, parameters))
        return min((one.since for one in signs if one.since > history.as_of.at), default=None)


def _rows(history: CaseHistory) -> Iterator[_Row]:
    row = _Row()
    message: Noted | None = None
    for noted, said in own(history):
        match said:
            case MessageAttached(verified=True):
                message = noted
            case SenderContacted(outcome="not_reached"):
                if message is not None and row.tries:
                    row.wrote.append((message, noted))
                row.tries.append(noted)
                message = None
            case SenderAsked() | CaseAnswered(final=False):
                row.written = row.written or noted
                message = None
            case SenderContacted() | FeedbackGiven():
                row.reached = noted
                if row.tries:
                    yield row
                row, message = _Row(written=row.written), None
    if row.tries:
        yield row


def _signs(history: CaseHistory, row: _Row, parameters: UnreachableSenderParameters) -> Iterator[_Sign]:
    begun = opening(history)
    if begun is None or not begun.anonymous:
        yield from _hasty(row, parameters)
        yield from _at_night(row, parameters)
    for message, one in row.wrote:
        yield _Sign(one.at, (message, one), {"wrote": 1})
    if begun is not None and begun.can_mail:
        yield from _never_written(row, parameters)


def _hasty(row: _Row, parameters: UnreachableSenderParameters) -> Iterator[_Sign]:
    for place in range(parameters.tries, len(row.tries) + 1):
        those = tuple(row.tries[place - parameters.tries : place])
        within = seconds(those[0].at, those[-1].at)
        since = those[0].at + timedelta(seconds=parameters.then)
        if within <= parameters.within and not row.before(row.reached, since):
            yield _Sign(since, those, {"within": within})
            return


def _at_night(row: _Row, parameters: UnreachableSenderParameters) -> Iterator[_Sign]:
    night = [one for one in row.tries if _is_night(one, parameters)]
    if len(night) < parameters.at_night:
        return
    since = night[-1].at + timedelta(seconds=parameters.by_day)
    by_day = [one for one in row.tries if not _is_night(one, parameters) and one.at <= since]
    if not by_day and not row.before(row.reached, since):
        yield _Sign(since, tuple(night), {"at_night": len(night)})


def _never_written(row: _Row, parameters: UnreachableSenderParameters) -> Iterator[_Sign]:
    if len(row.tries) < parameters.many:
        return
    since = row.tries[parameters.many - 1].at + timedelta(seconds=parameters.or_written)
    if not row.before(row.written, since) and not row.before(row.reached, since):
        yield _Sign(since, tuple(row.tries), {})


def _is_night(noted: Noted, parameters: UnreachableSenderParameters) -> bool:
    at = noted.at + timedelta(seconds=parameters.offset)
    second = at.hour * 3600 + at.minute * 60 + at.second
    return second >= parameters.night_from or second < parameters.night_until
