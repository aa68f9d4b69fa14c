"""A town to live in: all four services under a simulated clock, and what people in it say and do.

Nothing goes wrong in it; stories of it are told by `tests/journeys/stories.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from services.audit.supervision.desk import Supervision
from services.audit.supervision.finding import finding_id
from services.intake.receiving import Incoming
from services.routing.case import Case
from services.routing.commands import Command
from services.routing.erasing import Wanted
from services.routing.erasing.erasing import Erased
from services.routing.erasing.erasure import Ground
from services.routing.evolve import evolve
from services.routing.office import Office
from services.routing.shapes import ShownCase
from services.routing.tracked import TrackedCase
from shared import ids, rights
from shared.content.words import MessageWords, Sender
from shared.embedded import Embedded
from shared.events import Event, Record
from shared.events.cases import CaseEvent, MessageAttached, Notice, OpeningReason
from shared.events.findings import Evidence, FindingRaised
from shared.web.problems import Problem
from tests.journeys.letters import Letter, letter
from tests.simulation.machine import Doors, among, within
from tests.simulation.world import World

T = TypeVar("T")
E = TypeVar("E", bound=Event)

CALM = 1
WAITS = 60.0
SETTLED = 5.0
"""Seconds without a change after which a cluster in which nothing goes wrong has nothing more to do."""


@dataclass(frozen=True)
class Matter:
    """What somebody said, and what they hold of it."""

    incoming: Incoming
    message: str
    code: str
    id: str
    ref: str


class Town:
    """What a story is told with. Times are those of the organisation's clock, `10-08 11:30`."""

    def __init__(self, world: World) -> None:
        self.organisation = world.organisation
        self._world = world
        self._zone = ZoneInfo(world.organisation.hours.zone)
        self._year = self.now.year
        self._random = Random(CALM)
        self._said = 0

    @property
    def now(self) -> datetime:
        """On the organisation's clock."""
        return self._world.clock.now().astimezone(self._zone)

    def shown(self, instant: datetime | None) -> str:
        """An instant as stories write it, to the minute."""
        return "never" if instant is None else instant.astimezone(self._zone).strftime("%m-%d %H:%M")

    async def settle(self) -> None:
        """Everything that is under way ends."""
        (first, *rest) = self._world.machines
        if rest:
            await self._world.settle(SETTLED)
            return
        assert first.process is not None
        installation: Embedded = first.unit
        await within(first.process, installation.idle(), None)

    async def until(self, time: str) -> None:
        """Time passes; everything that is due meanwhile happens."""
        await self.live_until(self.at(time))

    def at(self, time: str) -> datetime:
        """`10-08 11:30` on the organisation's clock."""
        return datetime.fromisoformat(f"{self._year}-{time}").replace(tzinfo=self._zone)

    async def live_until(self, end: datetime) -> None:
        """From one due instant to the next."""
        await self.settle()
        while (due := self._world.next_due(cases=True)) is not None and due <= end:
            self._world.jump(due)
            await self.settle()
        self._world.jump(end)  # nothing is due then: what is done next is done on that second

    async def until_all_is_told(self) -> None:
        """Time passes until nothing waits any more to be told to anybody."""
        await self.settle()
        while (due := self._world.next_due(cases=False)) is not None:
            await self.live_until(due)

    async def outage_until(self, time: str) -> None:
        """Time passes in which nothing runs; then everything runs again."""
        self._world.jump(self.at(time))
        await self.settle()

    async def says(
        self,
        text: str,
        *,
        sender: str | Sender | None = "wang@citizen.example",
        on: Matter | None = None,
        **more: Any,
    ) -> Matter:
        """Somebody writes, perhaps once more `on` what they wrote before."""
        self._said += 1
        who = sender if isinstance(sender, Sender) else Sender(email=sender, language="en")
        words = MessageWords(text=text, sender=who)
        key = f"said-{self._said}"
        usual = Incoming("email", "line", words, own_key=key, conversation=key)
        if on is not None:
            before = on.incoming
            usual = replace(before, words=words, own_key=key, earlier=(before.own_key or "",))
        incoming = replace(usual, **more)

        async def hand_in(doors: Doors) -> Any:
            assert doors.door is not None
            return await doors.door.receive(incoming)

        received = await self._asked(hand_in, lambda doors: doors.door)
        await self.settle()
        assert received.tracking is not None
        id = self._case_of(received.message_id)
        return Matter(incoming, received.message_id, received.tracking, id, self.case(id).ref)

    async def does(self, who: str, matter: Matter | str, *commands: Command) -> None:
        """Somebody of the organisation does something with a case, with no more rights than they have."""
        for command in commands:
            await self._given(who, matter, command)
        await self.settle()

    async def tries(self, who: str, matter: Matter | str, command: Command) -> str | None:
        """Somebody tries something; answers the rule that does not allow it."""
        try:
            await self._given(who, matter, command)
        except Problem as problem:
            return problem.code
        await self.settle()
        return None

    async def refuses(self, who: str, matter: Matter | str, command: Command) -> str:
        """The rule by which somebody may not do that. What is refused changes nothing."""
        before = self._happened()
        with pytest.raises(Problem) as refused:
            await self._given(who, matter, command)
        await self.settle()
        assert self._happened() == before, "a refused command changes nothing"
        return refused.value.code

    async def opens_sender(self, who: str, matter: Matter, reason: OpeningReason) -> str | None:
        """Somebody has it opened who sent a case, and says why; answers the rule that does not allow it."""
        asks = self.principal(who)

        async def give(office: Office) -> None:
            await office.open_sender(asks, await office.find(asks, matter.ref), reason, "once")

        try:
            await self._office(give)
        except Problem as problem:
            return problem.code
        await self.settle()
        return None

    async def erases(self, wanted: Wanted, *, ground: Ground = "asked") -> Erased:
        """The administrator erases what somebody said."""

        async def give(doors: Doors) -> Erased:
            assert doors.erasing is not None
            return await doors.erasing.erase(wanted, ground, "system-admin")

        said: Erased = await self._asked(give, lambda doors: doors.erasing)
        await self.settle()
        return said

    def _happened(self) -> object:
        """How often anything happened to anything; what the trail says of itself is no change."""
        events = self._world.kept().histories.items()
        return {id: len(some) for id, some in events if some[0].topic != "findings"}, len(
            self._world.post.attempts
        )

    async def hears(self, matter: Matter, command: Command, *, ref: str | None = None) -> None:
        """The sender says something by their tracking code."""
        await self._office(lambda office: office.hear(matter.code, command, ref=ref))
        await self.settle()

    async def does_not_hear(self, matter: Matter, command: Command) -> str:
        """The rule by which a sender may not say that."""
        with pytest.raises(Problem) as refused:
            await self._office(lambda office: office.hear(matter.code, command))
        return refused.value.code

    async def sees(self, who: str, matter: Matter | str) -> ShownCase | None:
        """A case as somebody is shown it; None where it does not exist for them."""
        asks = self.principal(who)

        async def look(office: Office) -> ShownCase | None:
            try:
                found = await office.find(asks, _ref(matter))
            except Problem as problem:
                if problem.status != 404:
                    raise
                return None
            return await office.show(asks, found)

        return await self._office(look)

    async def offers(self, who: str, matter: Matter | str) -> set[str]:
        """The commands that somebody may give now."""
        asks = self.principal(who)

        async def look(office: Office) -> set[str]:
            return set(office.possible(asks, (await office.find(asks, _ref(matter))).case))

        return await self._office(look)

    async def supervises(self, ask: Callable[[Supervision], Awaitable[T]]) -> T:
        """Somebody does what supervisors do."""

        async def work(doors: Doors) -> T:
            assert doors.supervision is not None
            return await ask(doors.supervision)

        answer = await self._asked(work, lambda doors: doors.supervision)
        await self.settle()
        return answer

    async def does_not_supervise(self, ask: Callable[[Supervision], Awaitable[object]]) -> str:
        """The rule by which somebody may not do that."""
        with pytest.raises(Problem) as refused:
            await self.supervises(ask)
        return refused.value.code

    async def finds(
        self, matter: Matter, department: str, *, check: str = "perfunctory", key: str = ""
    ) -> str:
        """A check finds something doubtful in a case; answers the finding's id."""
        id = finding_id(check, key or matter.id)
        raised = FindingRaised(
            check=check,
            version=1,
            parameters="0" * 16,
            key=key or matter.id,
            case=matter.id,
            department=department,
            since=self._world.clock.now(),
            as_of=1,
            evidence=[Evidence(index=0, event=f"{matter.id}/1")],
        )
        await self.supervises(
            lambda all_: all_.findings.answer(id, id, lambda state, _: [] if state else [raised])
        )
        return id

    async def tracked(self, matter: Matter) -> TrackedCase:
        """What the sender sees by their tracking code."""
        return await self._office(lambda office: office.track(matter.code))

    def principal(self, who: str) -> rights.Principal:
        """Somebody of the organisation, as if signed in."""
        found = rights.person(self.organisation, who)
        assert found is not None, f"{self.organisation.id} has nobody called {who}"
        return found

    def case(self, matter: Matter | str) -> Case:
        """The case as it stands."""
        case: Case | None = None
        for record in self.history(matter):
            case = evolve(case, record.data, record)
        assert case is not None
        return case

    def owes(self, matter: Matter | str) -> dict[str, tuple[str, str]]:
        """What is owed: by whom, and by when."""
        return {one.kind: (one.owner, self.shown(one.due)) for one in self.case(matter).obligations}

    def history(self, matter: Matter | str) -> Sequence[Record]:
        """Every event of a case."""
        return self._world.history(_id(matter))

    def events(self, matter: Matter | str, kind: type[E]) -> list[E]:
        """What happened to it, of one sort."""
        return [record.data for record in self.history(matter) if isinstance(record.data, kind)]

    def last(self, matter: Matter | str, kind: type[E]) -> E:
        """What happened of that sort last."""
        return self.events(matter, kind)[-1]

    def told(self, event: CaseEvent) -> dict[str, str]:
        """Who of the house is told of an event, and not before when."""
        return {one.person: self._when(one) for one in event.notices}

    def _when(self, notice: Notice) -> str:
        when = "at once" if notice.at is None else self.shown(notice.at)
        return f"{when}, with the digest" if notice.digest else when

    def mails(self, to: str) -> list[Letter]:
        """What was handed to the relay for somebody: an address, or a person of the organisation."""
        person = self.organisation.person.get(to)
        address = person.mail if person else to
        return [
            letter(one.to, self.shown(one.at), one.data)
            for one in self._world.post.mails
            if one.to == address
        ]

    def letter(self, to: str, *words: str) -> Letter:
        """The one mail to somebody that says all of these words."""
        (found,) = [
            one for one in self.mails(to) if all(word in one.subject + "\n" + one.text for word in words)
        ]
        return found

    def everywhere(self, kind: type[E]) -> list[tuple[Record, E]]:
        """What happened of one sort, to whatever it happened."""
        found = self._world.kept().events(kind)
        return [(record, event) for record, event in found if isinstance(event, kind)]

    @property
    def log(self) -> Path:
        """Where the trail is."""
        return self._world.log

    def cases(self) -> list[str]:
        """Ids of the cases there are."""
        return [id for id, _ in self._world.cases()]

    async def _given(self, who: str, matter: Matter | str, command: Command) -> None:
        asks = self.principal(who)

        async def give(office: Office) -> None:
            await office.do(asks, await office.find(asks, _ref(matter)), command)

        await self._office(give)

    async def _office(self, ask: Callable[[Office], Awaitable[T]]) -> T:
        async def work(doors: Doors) -> T:
            assert doors.office is not None
            return await ask(doors.office)

        return await self._asked(work, lambda doors: doors.office)

    async def _asked(self, ask: Callable[[Doors], Awaitable[T]], has: Callable[[Doors], object]) -> T:
        doors = self._random.choice(among(self._world.machines, has))

        async def work() -> T:
            return await ask(doors)

        return await within(doors.process, work(), WAITS)

    def _case_of(self, message: str) -> str:
        """The case that a message opened or joined."""
        if self.history(own := ids.derived("case", message)):
            return own
        for id in self.cases():
            attached = self.events(id, MessageAttached)
            if any(one.message == message for one in attached):
                return id
        raise AssertionError(f"{message} is in no case")


def _id(matter: Matter | str) -> str:
    return matter if isinstance(matter, str) else matter.id


def _ref(matter: Matter | str) -> str:
    return matter if isinstance(matter, str) else matter.ref
