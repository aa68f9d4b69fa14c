"""A month of seeded work: what is written, and what people do with it, at odd hours, late, or never."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import get_args

from services.routing import commands as c
from shared.content.words import Option, Sender
from shared.events.messages import Kind
from tests.journeys.month.tables import TABLES
from tests.journeys.town import Matter, Town

SAID = {
    "county": (
        "路灯不亮,路面有坑",
        "小区门口的垃圾桶没有人清运,生活垃圾成堆",
        "停水三天了,自来水什么时候恢复?",
        "老板拖欠工资,农民工工资三个月没发",
        "幼儿园乱收费,学杂费太高",
        "Something is not right here",
    ),
    "company": (
        "报销单交了两个月,差旅费还没到",
        "办公系统登录不了,打印机也坏了",
        "食堂的饭菜太差,班车也总迟到",
        "车间设备故障,生产线停机",
        "年终奖和加班费什么时候发",
        "Something is not right here",
    ),
    "construction": (
        "三层楼板混凝土有蜂窝麻面,局部露筋",
        "卫生间渗漏,防水层没做闭水试验",
        "三层临边防护缺失,脚手架连墙件被拆",
        "配电箱接地电阻不合格,电缆桥架没装",
        "Something is not right here",
    ),
    "hospital": (
        "电子病历的病历模板有错字",
        "手术室断网,网络中断",
        "护士站打印机卡顿,扫描枪也死机",
        "医嘱录入系统开不了医嘱,影响抢救",
        "护理文书和护理记录太多,交接班来不及",
        "Something is not right here",
    ),
}
WAYS = (Option(name="At once", cons="Dear"), Option(name="Next year", risks="An accident"))
STARTS, MESSAGES_END, ENDS = "2026-09-18 09:00", "10-16 18:00", "10-31 20:00"

Deed = Callable[[], Awaitable[None]]


class Month:
    """Everybody of one organisation for a month. The same seed does the same work."""

    def __init__(self, town: Town, name: str, seed: int, messages: int) -> None:
        self.refused: dict[str, int] = {}
        self._town = town
        self._name = name
        self._table = TABLES[name]
        self._random = Random(f"{name} {seed}")
        self._messages = messages
        self._plan: list[tuple[datetime, int, Deed]] = []
        self._number = count()

    async def live(self) -> None:
        """All of it."""
        town, first = self._town, self._town.now
        length = town.at(MESSAGES_END) - first
        for _ in range(self._messages):
            seconds = int(length.total_seconds() * self._random.random())
            self._at(first + timedelta(seconds=seconds), self._written)
        while self._plan:
            when, _, deed = heapq.heappop(self._plan)
            if when > town.at(ENDS):
                break
            await town.live_until(when)
            await deed()
        await town.until(ENDS)

    def _at(self, when: datetime, deed: Deed) -> None:
        if self._random.random() < 0.75:  # most people work in the day
            when = when.replace(hour=8 + when.hour % 10)
        whole = max(when, self._town.now + timedelta(seconds=1)).replace(microsecond=0)
        heapq.heappush(self._plan, (whole, next(self._number), deed))

    def _in(self, hours: float, deed: Deed) -> None:
        """Some hours from now, or up to twice as many."""
        self._at(self._town.now + timedelta(hours=hours * self._random.uniform(0.2, 2.0)), deed)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    async def _written(self) -> None:
        number = next(self._number)
        mail = None if self._chance(0.1) else f"somebody{number}@citizen.example"
        matter = await self._town.says(
            self._random.choice(SAID[self._name]),
            sender=Sender(email=mail, phone="13800001111", language="zh-Hans"),
            kind=self._random.choice((None, *get_args(Kind))),
            channel="email" if mail else "phone",
        )
        if not self._chance(0.1):  # of some nobody ever does anything
            self._in(3, lambda: self._dispatched(matter))

    async def _tries(self, who: str, matter: Matter, command: c.Command) -> bool:
        rule = await self._town.tries(who, matter, command)
        if rule is not None:
            self.refused[rule] = self.refused.get(rule, 0) + 1
        return rule is None

    def _officer(self, matter: Matter) -> str:
        department = self._town.case(matter).department
        return f"{department}-officer-{self._random.choice('12')}" if department else self._coordinator()

    def _coordinator(self) -> str:
        return self._random.choice(self._table.coordinators)

    def _department(self, matter: Matter) -> str:
        case = self._town.case(matter)
        others = [one for one in self._table.leaders if one not in {case.department, case.returned_by}]
        return self._random.choice(others)

    async def _dispatched(self, matter: Matter) -> None:
        """Who has it takes it on, or says that it is somebody else's; the coordinator sends it where it belongs."""
        case = self._town.case(matter)
        if case.state == "new":
            if self._chance(0.15):
                await self._tries(
                    self._coordinator(), matter, c.Decline(reason="no_facts", text="Say more, please")
                )
                return
            if self._chance(0.2):
                major = c.Classify(case_class="major") if self._chance(0.5) else c.Classify(urgent=True)
                await self._tries(self._coordinator(), matter, major)
            await self._tries(self._coordinator(), matter, c.Assign(department=self._department(matter)))
            self._in(3, lambda: self._dispatched(matter))
        elif case.state == "assigned" and self._chance(0.15):
            if await self._tries(self._officer(matter), matter, c.Return(text="It is not ours")):
                self._in(3, lambda: self._decided(matter))
            else:
                self._in(5, lambda: self._dispatched(matter))
        elif case.state == "assigned":
            await self._tries(self._officer(matter), matter, c.Accept())
            self._in(8, lambda: self._worked(matter))

    async def _decided(self, matter: Matter) -> None:
        decision: c.Command = c.RefuseReturn(text="It is")
        if self._chance(0.5):
            decision = c.UpholdReturn(department=self._department(matter))
        await self._tries(self._coordinator(), matter, decision)
        self._in(4, lambda: self._dispatched(matter))

    async def _worked(self, matter: Matter) -> None:
        """What an officer does in the course of it, in no order; then the answer, if anybody thinks of it."""
        if self._town.case(matter).state != "accepted":
            return
        officer = self._officer(matter)
        for share, deed in (
            (0.5, self._contacted),
            (0.2, self._asked),
            (0.12, self._stands_still),
            (0.35, self._extended),
            (0.2, self._helped),
            (0.12, self._escalated),
        ):
            if self._chance(share):
                self._in(20, self._deed(deed, matter, officer))
        if not self._chance(0.15):
            self._in(80, lambda: self._answered(matter))

    @staticmethod
    def _deed(deed: Callable[[Matter, str], Awaitable[None]], matter: Matter, officer: str) -> Deed:
        return lambda: deed(matter, officer)

    async def _contacted(self, matter: Matter, officer: str) -> None:
        outcome = self._random.choice(("reached", "not_reached"))
        if self._town.case(matter).state in {"assigned", "accepted"}:
            await self._tries(officer, matter, c.Contact(outcome=outcome, site_visit=self._chance(0.3)))

    async def _asked(self, matter: Matter, officer: str) -> None:
        question = c.Ask(text="Where exactly?", suspends=self._chance(0.8))
        if await self._tries(officer, matter, question) and self._chance(0.6):
            self._in(40, lambda: self._replied(matter))

    async def _replied(self, matter: Matter) -> None:
        await self._town.says("At number 4", sender=matter.incoming.words.sender, on=matter)

    async def _stands_still(self, matter: Matter, officer: str) -> None:
        head = f"{self._town.case(matter).department}-head"
        storm = c.Suspend(reason="weather", limit="2wd", text="The storm")
        if await self._tries(head, matter, storm) and self._chance(0.4):
            self._in(20, lambda: self._resumed(matter))

    async def _resumed(self, matter: Matter) -> None:
        await self._tries(self._officer(matter), matter, c.Resume())

    async def _extended(self, matter: Matter, officer: str) -> None:
        if await self._tries(officer, matter, c.Extend(text="It takes longer")) and self._chance(0.9):
            self._in(4, lambda: self._granted(matter))

    async def _granted(self, matter: Matter) -> None:
        owed = self._town.case(matter).owes("extension")
        if owed is None:
            return
        (who, *_) = self._table.people("holder" if "/" not in owed.owner else "leader", owed.owner)
        answer: c.Command = c.GrantExtension() if self._chance(0.7) else c.RefuseExtension(text="No")
        await self._tries(who, matter, answer)

    async def _helped(self, matter: Matter, officer: str) -> None:
        department = self._department(matter)
        if not await self._tries(officer, matter, c.Assist(department=department, text="Please")):
            return
        part = c.Contribute(department=department, text="Here")
        release = c.ReleaseAssist(department=department)
        if self._chance(0.7):
            self._in(15, lambda: self._does(f"{department}-officer-1", matter, part))
        else:
            self._in(60, lambda: self._does(officer, matter, release))

    async def _does(self, who: str, matter: Matter, command: c.Command) -> None:
        await self._tries(who, matter, command)

    async def _escalated(self, matter: Matter, officer: str) -> None:
        up = c.Escalate(
            case_class=self._random.choice(("hard", "major", "external")), text="Decide", options=WAYS
        )
        if not await self._tries(officer, matter, up) or self._chance(0.3):
            return
        owed = self._town.case(matter).owes("opinion")
        assert owed is not None
        (who, *_) = self._table.people("leader" if "/" in owed.owner else owed.owner, owed.owner)
        self._in(10, lambda: self._does(who, matter, c.Advise(choice=1, text="Do")))

    async def _answered(self, matter: Matter) -> None:
        """The last word, tried again where something is in its way; and what the sender thinks of it."""
        if self._town.case(matter).state != "accepted":
            return
        officer = self._officer(matter)
        if self._chance(0.2):
            await self._tries(officer, matter, c.Answer(text="We look", final=False))
        if not await self._tries(officer, matter, c.Answer(text="Done", resolved=self._chance(0.6))):
            self._in(20, lambda: self._answered(matter))
            return
        if self._town.case(matter).owes("callback") is not None:
            self._in(8, lambda: self._does(officer, matter, c.Contact(outcome="reached")))
        if self._town.case(matter).owes("inspect") is not None:
            looked = c.Inspect(passed=self._chance(0.6))
            self._in(15, lambda: self._does(self._table.supervisors[0], matter, looked))
        if self._chance(0.6):
            self._in(30, lambda: self._judged(matter))

    async def _judged(self, matter: Matter) -> None:
        case = self._town.case(matter)
        if case.state != "answered" or case.owes("review") is not None:
            return
        await self._town.hears(matter, c.Feedback(solved=self._chance(0.6), satisfied=self._chance(0.8)))
        if self._town.case(matter).owes("review") is not None:
            self._in(14, lambda: self._reviewed(matter))

    async def _reviewed(self, matter: Matter) -> None:
        again = self._chance(0.5)
        review = c.Review(outcome="reopened" if again else "followed_up", text="Looked at")
        if await self._tries(self._coordinator(), matter, review) and again:
            self._in(30, lambda: self._answered(matter))
