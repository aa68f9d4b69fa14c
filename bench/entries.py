"""Entries as an installation has them: whole lives of cases, nine events each, a block of them over and over.

Each copy of the block has other ids, at other times: all entries are distinct, and each aggregate's lie apart, as its
life takes days. What is drawn is drawn once; a copy costs little, so that making them doesn't hide what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from shared.events import Event, Record, emit
from shared.events.cases import CaseAccepted, CaseAnswered, CaseAssigned, CaseClosed, CaseOpened
from shared.events.content import ContentRef
from shared.events.deliveries import DeliveryQueued, DeliverySent
from shared.events.envelope import timestamp
from shared.events.messages import MessageReceived, MessageSettled
from shared.events.obligations import Ended, Started

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
DEPARTMENTS = [f"department-{number:02}" for number in range(30)]
SIZES = [7.0, *(7 / number for number in range(1, 30))]
EVENTS_A_LIFE = 9
_EVERY = timedelta(seconds=10)
_COPY = "zzzz"
"""Stands at the end of every id, for the number of the copy. In hex it would be none."""
_STAMP = len("2026-01-05T00:00:00.000Z")


@dataclass(frozen=True)
class _Kept:
    """An event of the block, cut open where copies differ."""

    record: Record
    before: bytes
    """Up to its time."""
    after: bytes


class Block:
    """The lives of so many cases, and copies of them."""

    def __init__(self, lives: int) -> None:
        chance = Random(1)
        events: list[tuple[datetime, int, str, str, Event]] = []
        for number in range(lives):
            life = _life(chance, BEGIN + number * _EVERY, number)
            events += [(at, number, subject, causation, event) for at, subject, causation, event in life]
        events.sort(key=lambda one: one[:2])
        self.span = events[-1][0] - BEGIN + _EVERY
        """How much later each copy is than the one before."""
        self._kept = list(_cut(chance, events))

    def __len__(self) -> int:
        return len(self._kept)

    def copy(self, number: int) -> Iterator[Record]:
        """The events once more, as their emission makes them."""
        own, later = f"{number:04x}", number * self.span
        for kept in self._kept:
            one = kept.record
            time = one.time + later
            value = kept.before + timestamp(time).encode() + kept.after
            yield Record(
                one.topic,
                one.type,
                one.subject.replace(_COPY, own),
                one.sequence,
                time,
                one.causation.replace(_COPY, own),
                one.key.replace(_COPY, own),
                value.replace(_COPY.encode(), own.encode()),
            )


def _life(chance: Random, at: datetime, number: int) -> Iterator[tuple[datetime, str, str, Event]]:
    """What is said of one message, case and delivery, and when."""
    message, case, delivery = (f"{kind}_{_id(chance)}" for kind in ("msg", "case", "dlv"))
    department = chance.choices(DEPARTMENTS, SIZES)[0]
    ref, thread, words = f"R{number:06}{_COPY}", _id(chance), _content(chance)
    due = at + timedelta(days=7)
    owed = [_started(chance, kind, department, at) for kind in ("accept", "contact", "resolve")]
    yield at, message, message, MessageReceived(channel="web", endpoint="http", words=words, thread=thread)
    opened = CaseOpened(
        ref=ref,
        kind="problem",
        message=message,
        channel="web",
        words=words,
        thread=thread,
        language="zh-Hant",
        can_mail=True,
        arrived_at=at,
        promise=due,
        organisation=f"{chance.getrandbits(256):064x}",
        category=f"duty-{chance.randrange(60)}",
    )
    yield at, case, message, opened
    assigned = CaseAssigned(
        department=department, by="rule", rule="duty", evidence=_content(chance), starts=tuple(owed)
    )
    yield at, case, message, assigned
    yield at, message, f"{case}/1", MessageSettled(outcome="new", case=case, ref=ref)
    told = {"case": case, "ref": ref, "about": f"{case}/1", "template": "acknowledgement", "channel": "email"}
    yield (
        at,
        delivery,
        f"{case}/1",
        DeliveryQueued(**told, party="sender", language="zh-Hant", message=message, attempt_deadline=due),
    )
    yield at + timedelta(seconds=1), delivery, delivery, DeliverySent(attempt=1, case=case)
    later = at + timedelta(seconds=chance.randrange(86_400))
    accepted = CaseAccepted(actor="officer-7", ends=(Ended(id=owed[0].id, how="met"),))
    yield later, case, "command", accepted
    later += timedelta(seconds=chance.randrange(5 * 86_400))
    ends = tuple(Ended(id=one.id, how="met") for one in owed[1:])
    answered = CaseAnswered(actor="officer-7", words=_content(chance), final=True, ends=ends)
    yield later, case, "command", answered
    if chance.random() < 0.9:
        yield later + timedelta(days=1), case, "timer", CaseClosed(outcome="silence")


def _id(chance: Random) -> str:
    return f"{chance.getrandbits(112):028x}{_COPY}"


def _content(chance: Random) -> ContentRef:
    return ContentRef(ref=f"cnt_{_id(chance)}", commitment=f"{chance.getrandbits(256):064x}", size=600)


def _started(chance: Random, kind: str, owner: str, at: datetime) -> Started:
    due = at + timedelta(days=1 + chance.randrange(5))
    return Started(
        id=f"{kind}-2", kind=kind, owner=owner, since=at, due=due, limit="5wd", next_rung=1, next_at=due
    )


def _cut(chance: Random, events: list[tuple[datetime, int, str, str, Event]]) -> Iterator[_Kept]:
    sequences: dict[str, int] = {}
    for at, _, subject, causation, event in events:
        sequence = sequences[subject] = sequences.get(subject, 0) + 1
        record = emit(
            event,
            source="/bench",
            subject=subject,
            sequence=sequence,
            time=at,
            causation=causation,
            key=subject,
            nonce=chance.randbytes(16),
        )
        place = record.value.rindex(b'"time":"') + len(b'"time":"')
        yield _Kept(record, record.value[:place], record.value[place + _STAMP :])
