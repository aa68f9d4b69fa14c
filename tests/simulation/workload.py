"""What people do in a simulated world: citizens write, officers act, a clerk looks at the quarantine; all come again
where nobody answered, under the same key, until somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeVar

from services.intake.message import NotInQuarantine
from services.intake.receiving import Door, Incoming, Received
from services.routing import commands
from services.routing.case import Case
from services.routing.commands import Command
from services.routing.office import Office
from shared import ids
from shared.content.words import MessageWords, Option, Sender
from shared.events.messages import Automatic
from shared.rights import Right, machine
from shared.store import Unavailable
from shared.web.problems import Problem
from tests.simulation.faults import Faults
from tests.simulation.loop import Stuck
from tests.simulation.machine import Doors, Gone, Machine, among, within
from tests.simulation.post import Post

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds a client waits before it asks again, perhaps somebody else."""
MOST_TRIES = 400
OFFICER = machine("officer", [right.value for right in Right])
DEPARTMENTS = ("housing", "city-management", "natural-resources")
WORDS = (
    "人民路的路灯不亮,晚上很黑。",
    "小区门口的垃圾桶没有人清运。",
    "村里的宅基地被占用,请核实。",
    "Something is not right here.",
    "停水三天了,自来水什么时候恢复?",
)


@dataclass
class Said:
    """Something that somebody writes, and what the door answered."""

    incoming: Incoming
    answers: list[Received] = field(default_factory=list)


@dataclass
class Done:
    """A command that somebody gives, and how it ended."""

    case: str
    input: str
    outcome: str = ""
    """`done`, or what it was refused for."""


@dataclass
class People:
    """Everybody outside, and what they were told."""

    machines: Sequence[Machine]
    faults: Faults
    post: Post
    cases: Callable[[], Sequence[tuple[str, str]]]
    """Ids and refs of the cases there are."""
    said: list[Said] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)

    @property
    def random(self) -> Random:
        return self.faults.random

    async def live(self, seconds: float) -> None:
        """Do what people do, within so long; return once every one of them had an answer."""
        plans = self._messages()
        self.said = plans
        at_once = [self._say(one, self.random.uniform(0, seconds)) for one in plans]
        at_once += [
            self._say(one, self.random.uniform(0, seconds)) for one in plans if self.random.random() < 0.3
        ]
        at_once += [self._bounce(self.random.uniform(0, seconds))]
        at_once += [
            self._act(n, self.random.uniform(0.2, 1.2) * seconds) for n in range(self.random.randint(2, 9))
        ]
        at_once += [self._look(self.random.uniform(0.3, 1.2) * seconds)]
        await asyncio.gather(*at_once)

    def _messages(self) -> list[Said]:
        some = [Said(self._message(f"{number}", number)) for number in range(self.random.randint(2, 6))]
        for number, before in enumerate(list(some)):
            if self.random.random() < 0.35 and before.incoming.quarantine is None:
                some.append(Said(self._reply(before.incoming, f"re{number}")))
        return some

    def _message(self, key: str, number: int) -> Incoming:
        anonymous = self.random.random() < 0.15
        mail = None if anonymous or self.random.random() < 0.25 else f"citizen{number}@citizen.example"
        return Incoming(
            channel=self.random.choice(("web", "email", "counter")),
            endpoint="line",
            words=MessageWords(subject="", text=self.random.choice(WORDS), sender=Sender(email=mail)),
            own_key=key,
            conversation=key,
            anonymous=anonymous,
            kind=self.random.choice((None, "problem", "complaint", "report", "enquiry")),
            quarantine="nothing-said" if self.random.random() < 0.1 else None,
        )

    def _reply(self, to: Incoming, key: str) -> Incoming:
        words = to.words.model_copy(update={"text": "还是没有解决。"})
        if self.random.random() < 0.2:
            words = words.model_copy(update={"sender": Sender(email="stranger@citizen.example")})
        return replace(to, words=words, own_key=key, anonymous=False, earlier=(to.own_key or "",))

    async def _say(self, said: Said, after: float) -> None:
        await asyncio.sleep(after)

        async def ask(doors: Doors) -> Received:
            assert doors.door is not None
            return await self._through(doors.door, said.incoming)

        said.answers.append(await self._asked(ask, lambda doors: doors.door))

    async def _through(self, door: Door, incoming: Incoming) -> Received:
        return await door.receive(incoming)

    async def _bounce(self, after: float) -> None:
        """A mail of ours comes back, if there was one."""
        await asyncio.sleep(after)
        if not self.post.arrived or self.random.random() < 0.5:
            return
        delivery, id = self.random.choice(self.post.arrived)
        came = Incoming(
            channel="email",
            endpoint="line",
            words=MessageWords(),
            own_key=f"bounce of {id}",
            raw=b"550 5.1.1 no such user",
            automatic=Automatic(kind="bounce", delivery=delivery, permanent=self.random.random() < 0.5),
        )
        said = Said(came)
        self.said.append(said)
        await self._say(said, 0)

    async def _act(self, number: int, after: float) -> None:
        """Somebody does what a case's state allows."""
        await asyncio.sleep(after)
        cases = self.cases()
        if not cases:
            return
        id, ref = self.random.choice(cases)
        key, first = f"key {number}", self.random.random()
        given: list[Command] = []

        async def ask(doors: Doors) -> Done | None:
            assert doors.office is not None
            office: Office = doors.office
            found = await office.find(OFFICER, ref)
            if not given:
                command = self._choose(found.case, first)
                if command is None:
                    return None
                given.append(command)
                self.done.append(Done(id, ids.derived("cmd", OFFICER.id, type(command).__name__, key)))
            done = next(one for one in self.done if one.input == self._input(given[0], key))
            await office.do(OFFICER, found, given[0], key=key)
            done.outcome = "done"
            return done

        try:
            await self._asked(ask, lambda doors: doors.office)
        except Problem as problem:
            if given:
                done = next(one for one in self.done if one.input == self._input(given[0], key))
                done.outcome = problem.code

    def _input(self, command: Command, key: str) -> str:
        return ids.derived("cmd", OFFICER.id, type(command).__name__, key)

    def _choose(self, case: Case, chance: float) -> Command | None:
        text = "已经派人处理。"
        other = next(one for one in DEPARTMENTS if one not in {case.department, case.returned_by})
        elsewhere = self.random.choice(self.cases())[1]
        options = (Option(name="修"), Option(name="换"))
        makers: dict[str, Callable[[], Command]] = {
            "accept": commands.Accept,
            "return": lambda: commands.Return(text=text),
            "uphold-return": lambda: commands.UpholdReturn(department=other),
            "refuse-return": lambda: commands.RefuseReturn(text=text),
            "assign": lambda: commands.Assign(department=other),
            "classify": lambda: commands.Classify(urgent=not case.urgent),
            "contact": lambda: commands.Contact(outcome="not_reached" if chance < 0.5 else "reached"),
            "ask": lambda: commands.Ask(text=text, suspends=True),
            "assist": lambda: commands.Assist(department=other, text=text),
            "contribute": lambda: commands.Contribute(department=case.helpers[-1], text=text),
            "suspend": lambda: commands.Suspend(reason="weather", limit="30min", text=text),
            "resume": commands.Resume,
            "extend": lambda: commands.Extend(text=text),
            "grant-extension": commands.GrantExtension,
            "urge": commands.Urge,
            "escalate": lambda: commands.Escalate(case_class="hard", text=text, options=options),
            "advise": lambda: commands.Advise(choice=1, text=text),
            "answer": lambda: commands.Answer(text=text, final=chance < 0.8, resolved=chance < 0.4),
            "answer-directly": lambda: commands.AnswerDirectly(text=text),
            "decline": lambda: commands.Decline(reason="no_facts", text=text),
            "close": lambda: commands.Close(text=text),
            "reopen": lambda: commands.Reopen(text=text),
            "merge": lambda: commands.Merge(into=elsewhere),
            "link": lambda: commands.Link(to=elsewhere),
            "split": lambda: commands.Split(department=other, text=text),
            "explain": lambda: commands.Explain(finding=_about(case, "explain"), text=text),
            "rectify": lambda: commands.Rectify(order=_about(case, "rectify"), text=text),
        }
        names = [name for name in commands.offered(case) if name in makers]
        if not names:
            return None
        return makers[names[int(chance * len(names))]]()

    async def _look(self, after: float) -> None:
        """A clerk decides on what is in quarantine."""
        await asyncio.sleep(after)

        async def waiting(doors: Doors) -> list[str]:
            assert doors.quarantine is not None
            return [one.id for one in (await doors.quarantine.waiting())[0]]

        for id in await self._asked(waiting, lambda doors: doors.quarantine):
            released = self.random.random() < 0.5

            async def decide(doors: Doors, id: str = id, released: bool = released) -> Any:
                assert doors.quarantine is not None
                if released:
                    return await doors.quarantine.release(id, "clerk")
                return await doors.quarantine.refuse(id, "clerk", "not-for-us", "")

            try:
                await self._asked(decide, lambda doors: doors.quarantine)
            except NotInQuarantine as error:
                self.faults.say(f"clerk: {id}: {error}")

    async def _asked(self, ask: Callable[[Doors], Awaitable[T]], has: Callable[[Doors], object]) -> T:
        """Ask somebody, and again, until there is an answer."""
        for _ in range(MOST_TRIES):
            open_ = among(self.machines, has)
            if not open_:
                await asyncio.sleep(0.5)
                continue
            doors = self.random.choice(open_)
            try:

                async def work(doors: Doors = doors) -> T:
                    await self.faults.takes("door")
                    answer = await ask(doors)
                    await self.faults.takes("door")
                    return answer

                return await within(doors.process, work(), PATIENCE)
            except (Gone, Unavailable):
                await asyncio.sleep(self.random.choice((0.1, 1.0, 3.0)))
        raise Stuck("a client never had an answer")


def _about(case: Case, kind: str) -> str:
    """The finding or order for which something is owed."""
    return next(one.about or "" for one in case.owed(kind))
