"""A sender is called unreachable whom nobody tried to reach (弄虛作假)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from services.audit.checks.check import CaseCheck, CaseHistory, Doubt, Noted, Parameters
from services.audit.checks.history import holder_at, opening, own, seconds
from shared.events.cases import CaseAnswered, FeedbackGiven, MessageAttached, SenderAsked, SenderContacted
from shared.events.findings import Figure


class UnreachableSenderParameters(Parameters):
    """What counts as having tried."""

    tries: int = 3
    """So many tries …"""
    within: int = 600
    """… within so many seconds are one."""
    at_night: int = 2
    """So many tries, all of them at night, are none."""
    night_from: int = 75_600
    """The second of the day from which nobody is called: 21:00."""
    night_until: int = 28_800
    """The second of the day until which nobody is called: 8:00."""
    offset: int = 28_800
    """Seconds by which the house's clock is ahead of UTC."""
    tries_written: int = 4
    """So many tries by telephone are too many where the sender could have been written to."""


class UnreachableSender(CaseCheck[UnreachableSenderParameters]):
    """ "Not reached" is recorded in a way in which nobody could have been reached.

    Of tries in vain, one after the other, these are seen: several within minutes; all of them at night; one although
    the sender had written since the try before; and many by telephone to a sender who left an address and was never
    written to. Tries that end with somebody reached soon after, within the time in which several are one, are none of
    this.

    A judgement. A caller in a hurry may try three times in ten minutes and mean it, and some senders can be called at
    night only; it does not see tries that were invented with plausible times. The minutes of an anonymous case's
    entries say nothing: of it only many tries are seen. Asked is who held the case.

    Figures: `tries`, how many; `within`, seconds from the first to the last of them; `at_night`, how many at night;
    `wrote`, 1 where the sender had written meanwhile.
    """

    name = "unreachable_sender"
    version = 1
    exact = False
    reads = frozenset({SenderContacted.TYPE, SenderAsked.TYPE, MessageAttached.TYPE, CaseAnswered.TYPE})
    parameters = UnreachableSenderParameters

    def examine(self, history: CaseHistory, parameters: UnreachableSenderParameters) -> Iterator[Doubt]:
        begun = opening(history)
        timed = begun is None or not begun.anonymous
        for tries, wrote, reached in _rows(history):
            found: list[tuple[Noted, tuple[Noted, ...], dict[str, int]]] = []
            if timed:
                found += _hasty(tries, reached, parameters)
                found += _at_night(tries, parameters)
            found += [(one, (message, one), {"wrote": 1}) for message, one in wrote]
            if begun is not None and begun.can_mail and not _written(history, tries):
                found += _many(tries, parameters)
            if not found:
                continue
            seen = min((one for one, _, _ in found), key=lambda noted: noted.index)
            entries = {noted.index: noted for _, evidence, _ in found for noted in evidence}
            figures = {"tries": len(tries)} | {k: v for _, _, own_ in found for k, v in own_.items()}
            yield Doubt(
                key=tries[0].record.id,
                since=seen.at,
                evidence=tuple(entries[index] for index in sorted(entries)),
                case=history.case,
                department=holder_at(history, seen.at),
                figures=tuple(Figure(name=name, value=value) for name, value in figures.items()),
            )


_Row = tuple[list[Noted], list[tuple[Noted, Noted]], Noted | None]


def _rows(history: CaseHistory) -> Iterator[_Row]:
    """Tries in vain one after the other; those before which the sender had written; who was reached then."""
    tries: list[Noted] = []
    wrote: list[tuple[Noted, Noted]] = []
    message: Noted | None = None
    for noted, said in own(history):
        if isinstance(said, MessageAttached) and said.verified:
            message = noted
        elif isinstance(said, SenderContacted) and said.outcome == "not_reached":
            if message is not None and tries:
                wrote.append((message, noted))
            tries.append(noted)
            message = None
        elif isinstance(said, (SenderContacted, FeedbackGiven)) and tries:
            yield tries, wrote, noted
            tries, wrote, message = [], [], None
    if tries:
        yield tries, wrote, None


_Found = tuple[Noted, tuple[Noted, ...], dict[str, int]]


def _hasty(
    tries: Sequence[Noted], reached: Noted | None, parameters: UnreachableSenderParameters
) -> Iterator[_Found]:
    for place in range(parameters.tries - 1, len(tries)):
        those = tuple(tries[place + 1 - parameters.tries : place + 1])
        within = seconds(those[0].at, those[-1].at)
        if within > parameters.within:
            continue
        if reached is not None and seconds(those[0].at, reached.at) <= 2 * parameters.within:
            continue
        yield those[-1], those, {"within": within}
        return


def _at_night(tries: Sequence[Noted], parameters: UnreachableSenderParameters) -> Iterator[_Found]:
    night = [one for one in tries if _is_night(one, parameters)]
    if len(night) == len(tries) >= parameters.at_night:
        yield tries[parameters.at_night - 1], tuple(tries), {"at_night": len(night)}


def _many(tries: Sequence[Noted], parameters: UnreachableSenderParameters) -> Iterator[_Found]:
    if len(tries) >= parameters.tries_written:
        yield tries[parameters.tries_written - 1], tuple(tries), {}


def _written(history: CaseHistory, tries: Sequence[Noted]) -> bool:
    """Whether the sender was written to before the last of these tries."""
    return any(
        isinstance(said, (SenderAsked, CaseAnswered)) and noted.index < tries[-1].index
        for noted, said in own(history)
    )


def _is_night(noted: Noted, parameters: UnreachableSenderParameters) -> bool:
    at = noted.at + timedelta(seconds=parameters.offset)
    second = at.hour * 3600 + at.minute * 60 + at.second
    return second >= parameters.night_from or second < parameters.night_until
