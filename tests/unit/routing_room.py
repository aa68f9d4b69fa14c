"""The routing service in a temporary directory, on the real store, under a simulated clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from services.routing import COLLECTIONS
from services.routing.case import CASES, Case
from services.routing.desk import Desk
from services.routing.handlers import CASE_KIND, Handlers
from services.routing.office import Office
from shared import ids
from shared.aggregate import Aggregates
from shared.clock import SimulatedClock
from shared.content import seal_model
from shared.content.embedded import EmbeddedContent
from shared.content.words import MessageWords, Sender
from shared.events import Event, Record, emit
from shared.events.messages import MessageReceived
from shared.keys import Keys
from shared.service import House, Timer
from shared.settings import Settings
from shared.store import Collection, Step
from shared.store.sqlite import SqliteStore
from shared.timers import TimerLoop
from shared.tokens import Tokens
from tests.unit import case_samples

_MESSAGES = Collection("messages")


@dataclass
class Room:
    """What a test does with it."""

    house: House
    clock: SimulatedClock
    store: SqliteStore
    desk: Desk
    cases: Aggregates[Case]
    handlers: Handlers
    office: Office
    timers: TimerLoop
    received: list[Record] = field(default_factory=list)

    async def message(
        self, text: str = "The roof leaks", *, sender: Sender | None = None, subject: str = "", **fields: Any
    ) -> Record:
        """A message as intake publishes it, its content kept."""
        number = len(self.received)
        words = MessageWords(
            subject=subject, text=text, sender=sender or Sender(email="wang@citizen.example", language="en")
        )
        now = self.clock.now()
        sealed, ref = seal_model(words, owner=f"msg_{number}", now=now)
        await self.store.commit(Step(_MESSAGES, f"msg_{number}", 0, b"{}", (), contents=(sealed,)))
        message_id = ids.derived("msg", str(number))
        received = MessageReceived(
            **{
                "channel": "email",
                "endpoint": "line@sample.example",
                "words": ref,
                "thread": f"thread-{number}",
                "can_mail": True,
                **fields,
            }
        )
        record = emit(
            received,
            source="/intake",
            subject=message_id,
            sequence=1,
            time=now,
            causation=message_id,
            key=received.thread,
            nonce=bytes(16),
        )
        self.received.append(record)
        return record

    async def arrives(self, text: str = "The roof leaks", **fields: Any) -> str:
        """A message comes in; answers the id of the case that it opens by itself."""
        record = await self.message(text, **fields)
        await self.handlers.on_received(record)
        return ids.derived("case", record.subject)

    async def case(self, case_id: str) -> Case:
        """The case as it stands."""
        loaded = await self.cases.load(case_id)
        assert loaded.state is not None
        return loaded.state

    async def events(self, case_id: str) -> list[Event]:
        """What happened to it."""
        return [record.data for record in await self.store.history(case_id)]

    async def live_until(self, end: datetime) -> None:
        """Go from one due instant to the next."""
        while (due := await self.timers.next_due()) is not None and due <= end:
            self.clock.advance_to(max(due, self.clock.now()))
            await self.timers.fire_due()
        self.clock.advance_to(end)

    def tracking_code(self, record: Record) -> str:
        """What the sender of a message holds."""
        return Tokens(self.house.keys).tracking_code(record.subject)


@asynccontextmanager
async def room(
    directory: Path, start: str = "2026-09-30 16:00", desk: Desk | None = None
) -> AsyncIterator[Room]:
    """A routing service that nobody else talks to."""
    desk = desk or case_samples.desk()
    clock = SimulatedClock(case_samples.local(start))
    store = SqliteStore(directory, [*COLLECTIONS, _MESSAGES])
    await store.open()
    house = House(
        settings=Settings(),
        clock=clock,
        store=store,
        content=EmbeddedContent(store, directory / "content"),
        keys=Keys(directory / "keys"),
        organisation=desk.organisation,
        directory=directory,
    )
    cases: Aggregates[Case] = Aggregates(CASE_KIND, store, clock)
    handlers = Handlers(house, desk, cases)
    try:
        yield Room(
            house,
            clock,
            store,
            desk,
            cases,
            handlers,
            Office(house, desk, cases),
            TimerLoop([Timer(CASES, handlers.on_due)], store, clock),
        )
    finally:
        await store.close()
