"""Who must be told of what, as the cases' events say: reckoned here once more, by nothing that notify reckons by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from shared.events import Record
from shared.events.cases import (
    CaseAlarmed,
    CaseAnswered,
    CaseClosed,
    CaseEvent,
    CaseOpened,
    CaseReviewed,
    SenderAsked,
)
from shared.events.linked import CaseJoined, CaseMerged

Histories = Mapping[str, Sequence[Record]]


class Told(NamedTuple):
    """Somebody is told of an event."""

    about: str
    template: str
    party: str
    case: str
    """Whose sender or officer it is: another case's than the event's, where that one was merged into it."""


def owed(histories: Histories) -> tuple[list[Told], list[Told]]:
    """What must be told singly; and what in a digest, or singly where that is over."""
    singly: list[Told] = []
    gathered: list[Told] = []
    for case, history in histories.items():
        if not history or not isinstance(history[0].data, CaseOpened):
            continue
        singly += _senders(case, history, histories)
        for record in history:
            event = record.data
            assert isinstance(event, CaseEvent)
            template = "alarm" if isinstance(event, CaseAlarmed) else "told"
            for notice in event.notices:
                (gathered if notice.digest else singly).append(Told(record.id, template, notice.person, case))
    return singly, gathered


def _senders(case: str, history: Sequence[Record], histories: Histories) -> Iterator[Told]:
    joined: list[str] = []
    opened = history[0].data
    assert isinstance(opened, CaseOpened)
    if opened.can_mail and opened.acknowledge:
        template = "thanks" if opened.kind == "praise" else "acknowledgement"
        yield Told(history[0].id, template, "sender", case)
    for before, record in pairwise(history):
        event = record.data
        reviewed = isinstance(before.data, CaseReviewed) and before.causation == record.causation
        match event:
            case CaseJoined():
                joined.append(event.case)
            case CaseAnswered():
                yield from _each("answer", record, [case, *_all(joined, histories)], histories)
            case CaseReviewed():
                yield from _each("reviewed", record, [case, *_all(joined, histories)], histories)
            case SenderAsked():
                yield from _each("question", record, [case], histories)
            case CaseMerged():
                yield from _each("merged", record, [case], histories)
            case CaseClosed() if event.outcome == "declined" and not reviewed:
                yield from _each("declined", record, [case], histories)


def _each(template: str, record: Record, cases: Sequence[str], histories: Histories) -> Iterator[Told]:
    for case in dict.fromkeys(cases):
        opened = histories[case][0].data
        assert isinstance(opened, CaseOpened)
        if opened.can_mail:
            yield Told(record.id, template, "sender", case)


def _all(joined: Sequence[str], histories: Histories) -> Iterator[str]:
    """Cases that were merged into one, and whatever was merged into them."""
    for case in joined:
        yield case
        before = [one.data.case for one in histories[case] if isinstance(one.data, CaseJoined)]
        yield from _all(before, histories)
