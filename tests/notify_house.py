"""A notify service on the real store and bus under a simulated clock, with a relay that says what it is told to."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from services import notify
from shared import ids
from shared.aggregate import Aggregates, Kind
from shared.bus.embedded import EmbeddedBus
from shared.clock import SimulatedClock
from shared.content import seal_model
from shared.content.embedded import EmbeddedContent
from shared.content.words import MessageWords, Note, Sender
from shared.events import Event
from shared.events.cases import (
    CaseAlarmed,
    CaseAnswered,
    CaseClosed,
    CaseOpened,
    DeclineReason,
    Notice,
    Rung,
    SenderAsked,
    Started,
)
from shared.events.messages import Automatic, DeliveryAnswered
from shared.events.messages import Kind as MessageKind
from shared.keys import Keys
from shared.organisation.model import Organisation
from shared.service import House, Service
from shared.settings import Settings
from shared.store import Collection
from shared.store.sqlite import SqliteStore
from shared.timers import TimerLoop
from shared.tokens import Tokens

START = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
PROMISE = datetime(2026, 10, 13, 9, 30, tzinfo=UTC)
CASE_ID = ids.derived("case", "sample")
MESSAGE_ID = ids.derived("msg", "sample")
REF = ids.case_ref(bytes(32), CASE_ID)


@cache
def organisation() -> Organisation:
    """A department, a line, people of three languages."""
    people = {
        "housing-officer": "zh-Hans",
        "housing-head": "zh-Hant",
        "leader-one": "en",
        "desk-officer": "en",
        "leader-desk": "en",
    }
    return Organisation.model_validate(
        {
            "id": "sample",
            "names": {"zh-Hant": "樣例縣", "zh-Hans": "样例县", "en": "Sample County"},
            "line": {"names": {"zh-Hant": "一線通", "zh-Hans": "一线通", "en": "The Line"}, "phone": "12345"},
            "mailboxes": [
                {"address": "water@sample.example", "department": "housing"},
                {"address": "line@sample.example"},
            ],
            "calendar": {"zone": "Asia/Shanghai", "windows": ["09:00-12:00", "13:30-17:30"], "country": "CN"},
            "coordinator": {
                "mail": "desk@sample.example",
                "head": "desk-officer",
                "officers": ["desk-officer", "leader-desk"],
                "leader": "leader-one",
            },
            "principal": ["leader-one"],
            "departments": [
                {
                    "id": "housing",
                    "names": {"zh-Hant": "住建局", "zh-Hans": "住建局", "en": "Housing"},
                    "mail": "housing@sample.example",
                    "head": "housing-head",
                    "officers": ["housing-officer"],
                    "leader": "leader-desk",
                }
            ],
            "people": [
                {
                    "id": id,
                    "names": {"zh-Hant": "某員", "zh-Hans": "某员", "en": "Post Holder"},
                    "language": language,
                    "mail": f"{id}@sample.example",
                }
                for id, language in people.items()
            ],
            "ladder": [{"at": "75%", "action": "remind", "to": "holder"}],
        }
    )


class _Anything(BaseModel):
    count: int = 0


_CASES = Kind(Collection("cases"), "/routing", _Anything, lambda state, event, record: _Anything())
_MESSAGES = Kind(Collection("messages"), "/intake", _Anything, lambda state, event, record: _Anything())


def read(data: bytes) -> EmailMessage:
    """A mail that is in order."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


@dataclass
class Running:
    """What a test holds of it."""

    house: House
    clock: SimulatedClock
    store: SqliteStore
    bus: EmbeddedBus
    service: Service
    timers: TimerLoop
    tokens: Tokens
    inputs: int = field(default=0)

    async def settle(self) -> None:
        """Until nothing is under way."""
        while True:
            before = self.bus.position
            await self.timers.fire_due()
            await self.bus.idle()
            for companion in self.service.companions:
                await companion.idle()
            await self.bus.idle()
            if self.bus.position == before:
                return

    async def advance(self, by: timedelta) -> None:
        self.clock.advance_to(self.clock.now() + by)
        await self.settle()

    async def case(self, *events: Event, contents: Sequence[Any] = (), id: str = CASE_ID) -> None:
        await self._emit(_CASES, id, events, contents)

    async def opened(
        self,
        words: MessageWords | None = None,
        *,
        id: str = CASE_ID,
        language: str = "zh-Hant",
        can_mail: bool = True,
        acknowledge: bool = True,
        kind: MessageKind = "problem",
    ) -> None:
        """A case opens from a message with these words."""
        if words is None:
            words = MessageWords(
                subject="路燈", text="不亮", sender=Sender(email="wei@mail.example", name="某 某")
            )
        sealed, ref = seal_model(words, owner=MESSAGE_ID, now=self.clock.now())
        started = Started(
            id="o1", kind="accept", owner="housing", since=START, due=START + timedelta(hours=4), limit="4wh"
        )
        opened = CaseOpened(
            ref=REF,
            kind=kind,
            message=MESSAGE_ID,
            channel="email",
            words=ref,
            thread="t",
            language=language,
            can_mail=can_mail,
            acknowledge=acknowledge,
            arrived_at=START,
            promise=PROMISE,
            organisation="v",
            starts=[started],
        )
        await self.case(opened, contents=[sealed], id=id)

    async def answered(self, text: str, *, final: bool = True) -> None:
        """A department answers; after a final answer the sender's silence is waited for."""
        now = self.clock.now()
        sealed, ref = seal_model(Note(text=text), owner=CASE_ID, now=now)
        silence = Started(
            id="o2",
            kind="silence",
            owner="coordinator",
            since=now,
            due=now + timedelta(days=7),
            limit="7d",
            binding=False,
        )
        starts = (silence,) if final else ()
        await self.case(CaseAnswered(words=ref, final=final, starts=starts), contents=[sealed])

    async def closed(
        self, outcome: Literal["silence", "declined"], reason: DeclineReason | None = None, text: str = ""
    ) -> None:
        sealed, ref = seal_model(Note(text=text), owner=CASE_ID, now=self.clock.now())
        words = ref if text else None
        await self.case(CaseClosed(outcome=outcome, reason=reason, words=words), contents=[sealed])

    async def asked(self, text: str) -> None:
        sealed, ref = seal_model(Note(text=text), owner=CASE_ID, now=self.clock.now())
        await self.case(SenderAsked(words=ref), contents=[sealed])

    async def alarmed(self, *people: str) -> None:
        rung = Rung(
            obligation="o1",
            kind="accept",
            owner="housing",
            due=START + timedelta(hours=4),
            rung=1,
            action="breach",
            at=START,
        )
        await self.case(
            CaseAlarmed(
                at=START, rungs=[rung], notices=[Notice(person=person, rungs=[0]) for person in people]
            )
        )

    async def came_back(self, automatic: Automatic) -> None:
        """Automatic mail about a delivery comes in."""
        sealed, raw = seal_model(Note(text=""), owner="m", now=self.clock.now())
        event = DeliveryAnswered(
            channel="email", endpoint="line@sample.example", raw=raw, automatic=automatic
        )
        self.inputs += 1
        await self._emit(_MESSAGES, ids.derived("msg", str(self.inputs)), [event], [sealed])

    async def _emit(
        self, kind: Kind[_Anything], id: str, events: Sequence[Event], contents: Sequence[Any]
    ) -> None:
        self.inputs += 1
        aggregates = Aggregates(kind, self.store, self.clock)
        await aggregates.answer(
            id, f"input/{self.inputs}", lambda state, now: events, contents=tuple(contents)
        )

    async def deliveries(self) -> list[tuple[str, notify.Delivery]]:
        """All deliveries, oldest first."""
        found = await self.store.find(notify.KIND.collection, order="queued")
        reader = Aggregates(notify.KIND, self.store, self.clock)
        states = [(document.id, reader.read(document.body, document.version).state) for document, _ in found]
        return [(id, state) for id, state in states if state is not None]

    async def only(self) -> tuple[str, notify.Delivery]:
        (found,) = await self.deliveries()
        return found

    async def told(self, id: str) -> list[str]:
        """The types of a delivery's events."""
        return [record.type.removeprefix("throughline.delivery.") for record in await self.store.history(id)]

    def outbox(self) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in (self.house.directory / "outbox").glob("*.eml")}


@asynccontextmanager
async def running(
    directory: Path,
    *,
    relay: str = "",
    clock: SimulatedClock | None = None,
    sending: bool = True,
    alone: bool = False,
) -> AsyncIterator[Running]:
    """A notify service. With `sending` false its courier never starts, as if the process died before it could.

    `alone`: it knows that nobody else works on the store, as with a data directory that one process locks.
    """
    clock = clock or SimulatedClock(START)
    store = SqliteStore(directory, [*notify.COLLECTIONS, _CASES.collection, _MESSAGES.collection])
    await store.open()
    house = House(
        settings=Settings(data=directory, relay=relay, public_url="https://line.sample.example"),
        clock=clock,
        store=store,
        content=EmbeddedContent(store, directory / "content"),
        keys=Keys(directory / "keys"),
        organisation=organisation(),
        directory=directory,
        alone=alone,
    )
    service = notify.service(house)
    bus = EmbeddedBus(store, clock)
    bus.subscribe(service.name, service.subscriptions)
    timers = TimerLoop(service.timers, store, clock)
    assert service.prepare is not None
    await service.prepare()
    await bus.start()
    if sending:
        for companion in service.companions:
            await companion.start()
    try:
        yield Running(house, clock, store, bus, service, timers, Tokens(house.keys))
    finally:
        if sending:
            for companion in service.companions:
                await companion.stop()
        await bus.stop()
        await store.close()
