"""Events and trails to test the audit with: what the services would emit for a case, without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from services.audit.guard import Guard
from services.audit.log import Signer
from services.audit.trail import Trail
from shared.bus import Taken
from shared.bus.embedded import STREAM
from shared.events import Event, Record, emit
from shared.events.cases import CaseAlarmed, CaseAssigned, CaseOpened, Ended, Rung, Started
from shared.events.content import ContentRef
from shared.events.messages import MessageReceived, MessageSettled

SIGNER = Signer("sample.example/throughline", bytes(range(32)))
SHANGHAI = ZoneInfo("Asia/Shanghai")
ARRIVAL = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = ContentRef(ref="c_words", commitment="00" * 32, size=7)


class Life:
    """Emits events in order, each aggregate's numbered."""

    def __init__(self, start: datetime = ARRIVAL) -> None:
        self.now = start
        self.records: list[Record] = []
        self._sequences: dict[str, int] = {}

    def emit(self, subject: str, *events: Event) -> Life:
        for event in events:
            sequence = self._sequences[subject] = self._sequences.get(subject, 0) + 1
            self.records.append(
                emit(
                    event,
                    source="/test",
                    subject=subject,
                    sequence=sequence,
                    time=self.now,
                    causation="test",
                    key=subject,
                    nonce=sequence.to_bytes(16, "big"),
                )
            )
        return self

    def later(self, by: timedelta) -> Life:
        self.now += by
        return self

    def case(self, number: int, department: str = "housing") -> Life:
        """A message becomes a case of a department, which must accept and resolve it."""
        message, case = f"msg_{number}", f"case_{number}"
        self.emit(message, received())
        self.emit(case, opened(message, ref=ref(number)))
        owes = [
            owed("accept-1", department, self.now + DAY),
            owed("resolve-2", department, self.now + 5 * DAY),
        ]
        self.emit(case, CaseAssigned(department=department, by="rule", starts=owes))
        return self.emit(message, MessageSettled(outcome="new", case=case, ref=ref(number)))


def ref(number: int) -> str:
    return f"REF-{number}"


def received(endpoint: str = "http") -> MessageReceived:
    return MessageReceived(channel="web", endpoint=endpoint, words=WORDS, thread="thread")


def opened(message: str, *, ref: str) -> CaseOpened:
    return CaseOpened(
        ref=ref,
        kind="problem",
        message=message,
        channel="web",
        words=WORDS,
        thread="thread",
        language="en",
        can_mail=True,
        arrived_at=ARRIVAL,
        promise=ARRIVAL + 5 * DAY,
        organisation="sample",
    )


def owed(id: str, owner: str, due: datetime, *, binding: bool = True) -> Started:
    kind = id.partition("-")[0]
    return Started(id=id, kind=kind, owner=owner, since=ARRIVAL, due=due, limit="1wd", binding=binding)


def ended(id: str, *, late: bool = False) -> Ended:
    return Ended(id=id, how="met", late=late)


def alarmed(id: str, action: str, at: datetime, owner: str = "housing") -> CaseAlarmed:
    kind = id.partition("-")[0]
    rung = Rung(obligation=id, kind=kind, owner=owner, due=at, rung=1, action=action, at=at)
    return CaseAlarmed(at=at, rungs=[rung])


@asynccontextmanager
async def a_trail(
    directory: Path, guard: Guard | None = None, *, repeats: bool = False
) -> AsyncIterator[Trail]:
    """A trail that is not being published by itself, and projected at the end."""
    trail = Trail(directory / "audit", SIGNER, SHANGHAI, guard, repeats=repeats)
    try:
        yield trail
        await trail.projector.idle()
    finally:
        await trail.close()


def taken(trail: Trail) -> int:
    """How many events were handed over."""
    return trail.positions().get(STREAM, 1) - 1


async def take(trail: Trail, records: Sequence[Taken]) -> None:
    """Hand over events, as a bus would, at the positions that follow."""
    taking = asyncio.create_task(trail.take(records, {STREAM: taken(trail) + len(records) + 1}))
    while not taking.done():
        trail.hurry()
        await asyncio.wait([taking], timeout=0.001)
    await taking
