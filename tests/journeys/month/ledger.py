"""What is owed in one case, reckoned from what happened: who, by when, which rungs fell, and who was told when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.journeys.month.hours import Limit, Spell, after, counted, reached
from tests.journeys.month.tables import LADDER, LAPSE, LAPSING, Facts, Table

OF_THE_DEPARTMENT = ("accept", "contact", "resolve")
OF_AN_ANSWER = ("dispatch", "contact", "resolve", "promise", "signoff", "accept", "extension")
SOON = timedelta(minutes=1)
REMINDERS = {"remind", "warn"}


@dataclass(frozen=True)
class Happened:
    """Something that happened in a case, in what second, and what it says of itself but for anything reckoned."""

    what: str
    at: datetime
    said: dict[str, Any]


@dataclass(eq=False)
class Owed:
    """Somebody owes something: so many seconds that count, since then, without the pauses."""

    kind: str
    owner: str
    since: datetime
    begun: datetime
    limit: Limit
    seconds: int
    pauses: list[Spell] = field(default_factory=list)
    rung: int = 0

    def due(self, table: Table) -> datetime:
        """When its time is over."""
        return self.point(table, self.seconds)

    def point(self, table: Table, seconds: int) -> datetime:
        """When so much of its time is used up."""
        hours = table.hours_of(self.owner)
        return reached(hours, self.since, seconds, work=self.limit.counts_work, pauses=self.pauses)

    def ladder(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """What happens as it ages."""
        return LAPSE if self.kind in LAPSING else LADDER

    def falls(self, table: Table, rung: int) -> datetime:
        """When a rung of its ladder falls."""
        when = self.ladder()[rung][1]
        if when.startswith("+"):
            return after(table.hours_of(self.owner), self.due(table), Limit.read(when[1:]))
        share = int(when.rstrip("%"))
        return self.point(table, -(-self.seconds * share // 100))

    def lasts_until(self, table: Table, end: datetime) -> None:
        """Its time ends then, whatever it was."""
        hours = table.hours_of(self.owner)
        self.seconds = counted(hours, self.since, end, work=self.limit.counts_work, pauses=self.pauses)


@dataclass(frozen=True)
class Fell:
    """A rung that must have fallen."""

    kind: str
    owner: str
    due: datetime
    action: str
    at: datetime
    late: bool = False


@dataclass(frozen=True)
class Told:
    """Somebody who must have been told, not before `at`, at once where there is none."""

    person: str
    at: datetime | None
    digest: bool
    rungs: frozenset[tuple[str, str]]


Begun = tuple[str, str, datetime]


class Ledger:
    """One case's account of what is owed."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.fell: dict[datetime, list[tuple[Fell, tuple[str, ...]]]] = defaultdict(list)
        """By the second in which it is noticed: rungs, and the posts that they concern."""
        self.states: dict[datetime, Facts] = {}
        self.begun: list[Begun] = []
        """What the last event began."""
        self.dates: dict[str, datetime | None] = {}
        """The dates that the last event must have given."""
        self.extensions = 0
        self._owed: list[Owed] = []
        self._paused: list[Owed] = []
        self._paused_at: datetime | None = None
        self._facts = Facts("problem")
        self._department: str | None = None
        self._since: datetime | None = None
        self._promise: datetime | None = None
        self._by_call = False

    def enter(self, one: Happened) -> None:
        """Something happened: what fell before it fell; then it has its effects."""
        self.time_passes(one.at)
        self.begun, self.dates = [], {}
        effect: Callable[[dict[str, Any], datetime], None] | None = getattr(self, f"_{one.what}", None)
        if effect is not None:
            effect(one.said, one.at)

    def time_passes(self, until: datetime) -> None:
        """Every rung up to that second falls."""
        for one in self._owed:
            fallen: list[tuple[Fell, tuple[str, ...]]] = []
            while one.rung < len(one.ladder()) and (at := one.falls(self.table, one.rung)) <= until:
                action, _, posts = one.ladder()[one.rung]
                fallen.append((Fell(one.kind, one.owner, one.due(self.table), action, at), posts))
                one.rung += 1
            for number, (fell, posts) in enumerate(fallen):
                noticed = max(fell.at, one.begun)
                later = fallen[number + 1 :]
                missed = any(max(other.at, one.begun) == noticed for other, _ in later)
                self.fell[noticed].append((replace(fell, late=missed), posts))
                self.states[noticed] = self._facts

    def told(self, noticed: datetime) -> set[Told]:
        """Who must be told of what fell then: each person once, reminders with their digest, in their post's hours."""
        concerns: dict[str, list[Fell]] = defaultdict(list)
        for fell, posts in self.fell[noticed]:
            if fell.late:
                continue
            for post in posts:
                for person in self.table.people(post, fell.owner):
                    if fell not in concerns[person]:
                        concerns[person].append(fell)
        facts = self.states[noticed]
        return {self._told(person, some, noticed, facts) for person, some in concerns.items()}

    def _told(self, person: str, some: Iterable[Fell], noticed: datetime, facts: Facts) -> Told:
        fell = list(some)
        last = max(one.at for one in fell)
        moment = last if noticed - last <= SOON else noticed
        hours = self.table.hours_of_person(person)
        reminder = all(one.action in REMINDERS for one in fell)
        digest = reminder and not facts.urgent and facts.case_class != "major"
        at: datetime | None = hours.next_days_opening(moment) if digest else hours.opening(moment)
        if facts.urgent or (not digest and at == moment):
            at = None
        return Told(person, at, digest, frozenset((one.kind, one.action) for one in fell))

    # What is owed.

    def _start(self, kind: str, owner: str, since: datetime, now: datetime) -> None:
        limit = self.table.limit(kind, self._facts)
        if kind == "promise":
            limit = self.table.limit("resolve", self._facts)
        if limit is None:
            return
        one = Owed(kind, owner, since, now, limit, 0)
        one.lasts_until(self.table, after(self.table.hours_of(owner), since, limit))
        self._begin(one)

    def _begin(self, one: Owed) -> None:
        self._owed.append(one)
        self.begun.append((one.kind, one.owner, one.due(self.table)))

    def _end(self, *kinds: str, owner: str | None = None) -> list[Owed]:
        ended = [one for one in self._owed if one.kind in kinds and owner in {None, one.owner}]
        self._owed = [one for one in self._owed if one not in ended]
        return ended

    def _one(self, kind: str) -> Owed | None:
        return next((one for one in self._owed if one.kind == kind), None)

    def _anew(self, one: Owed, now: datetime) -> None:
        """Its ladder begins anew, but for reminders that would lie in the past."""
        one.rung, one.begun = 0, now
        while one.ladder()[one.rung][0] in REMINDERS and one.falls(self.table, one.rung) <= now:
            one.rung += 1
        self._begin(one)

    @property
    def _holder(self) -> str:
        return self._department or "coordinator"

    # What happens.

    def _opened(self, said: dict[str, Any], at: datetime) -> None:
        self._facts = Facts(said["kind"], said.get("category"), said.get("urgent", False))
        self._by_call = not said["can_mail"] and not said.get("anonymous", False)
        if said["kind"] != "praise":
            self._start("promise", "coordinator", said["arrived_at"], at)
            self._promise = self.begun[0][2]
        self.dates["promise"] = self._promise

    def _queued(self, said: dict[str, Any], at: datetime) -> None:
        self._department = None
        self._start("dispatch", "coordinator", at, at)

    def _assigned(self, said: dict[str, Any], at: datetime) -> None:
        self._end("dispatch", *OF_THE_DEPARTMENT, "extension", "signoff")
        again = said["by"] == "return_refused"
        self._department = said["department"]
        self._since = self._since if again else at
        if self._facts.kind == "praise":
            return
        assert self._since is not None
        self._start("accept", self._holder, at, at)
        self._start("contact", self._holder, self._since, at)
        self._start("resolve", self._holder, self._since, at)

    def _accepted(self, said: dict[str, Any], at: datetime) -> None:
        self._end("accept")

    def _contacted(self, said: dict[str, Any], at: datetime) -> None:
        if said["callback"]:
            assert said["outcome"] != "not_reached", "the month's people are reached"
            self._end("callback")
            self._start("silence", "coordinator", at, at)
        elif said["outcome"] != "not_reached":
            self._end("contact")

    def _asked(self, said: dict[str, Any], at: datetime) -> None:
        self._end("contact")

    def _suspended(self, said: dict[str, Any], at: datetime) -> None:
        self._paused = [
            one
            for one in self._owed
            if one.kind in {"contact", "resolve", "promise"} and one.due(self.table) > at
        ]
        self._owed = [one for one in self._owed if one not in self._paused]
        self._paused_at = at
        kind, owner = ("reply", "sender") if said["reason"] == "sender" else ("pause", self._holder)
        self._start(kind, owner, at, at)
        self.dates["until"] = self.begun[0][2]

    def _resumed(self, said: dict[str, Any], at: datetime) -> None:
        (waited,) = self._end("reply", "pause")
        assert self._paused_at is not None
        end = waited.due(self.table) if said["reason"] == "lapsed" else at
        for one in self._paused:
            one.pauses.append((self._paused_at, end))
            one.begun = at
            self._begin(one)
        self._paused = []

    def _extension_asked(self, said: dict[str, Any], at: datetime) -> None:
        self.extensions += 1
        post = self.table.grants
        self._start("extension", f"{self._holder}/{post}" if post == "leader" else post, at, at)
        self.dates["due"] = self._longer()

    def _longer(self) -> datetime:
        resolve, more = self._one("resolve"), self.table.limit("more", self._facts)
        assert resolve is not None
        assert more is not None
        return after(self.table.hours_of(resolve.owner), resolve.due(self.table), more)

    def _extension_decided(self, said: dict[str, Any], at: datetime) -> None:
        self._end("extension")
        if not said["granted"]:
            return
        until = self._longer()
        for one in self._end("resolve", "promise"):
            end = until if one.kind == "resolve" else max(until, one.due(self.table))
            one.lasts_until(self.table, end)
            self._anew(one, at)
            if one.kind == "promise":
                self._promise = end
        self.dates |= {"due": until, "promise": self._promise}

    def _answered(self, said: dict[str, Any], at: datetime) -> None:
        if not said["final"]:
            self._end("contact")
            return
        self._end(*OF_AN_ANSWER)
        if self._by_call:
            self._start("callback", self._holder, at, at)
        else:
            self._start("silence", "coordinator", at, at)
        if said["resolved"]:
            self._start("inspect", "supervisors", at, at)

    def _feedback_given(self, said: dict[str, Any], at: datetime) -> None:
        self._end("silence", "callback")
        if not said["solved"] or said.get("satisfied") is False:
            self._start("review", "coordinator", at, at)

    def _reviewed(self, said: dict[str, Any], at: datetime) -> None:
        self._end("review", *(("inspect",) if said["outcome"] == "reopened" else ()))

    def _inspected(self, said: dict[str, Any], at: datetime) -> None:
        self._end("inspect", *(() if said["passed"] else ("silence", "callback", "review")))

    def _reopened(self, said: dict[str, Any], at: datetime) -> None:
        if self._department is not None:
            self._start("resolve", self._department, at, at)

    def _message_attached(self, said: dict[str, Any], at: datetime) -> None:
        if said["reopened"]:
            self._owed.clear()
            self._reopened(said, at)

    def _closed(self, said: dict[str, Any], at: datetime) -> None:
        self._owed.clear()

    def _returned(self, said: dict[str, Any], at: datetime) -> None:
        self._end(*OF_THE_DEPARTMENT, "extension", "signoff")

    def _assist_asked(self, said: dict[str, Any], at: datetime) -> None:
        self._facts = replace(self._facts, case_class=self._facts.case_class or "cross")
        self._start("assist", said["department"], at, at)

    def _assist_given(self, said: dict[str, Any], at: datetime) -> None:
        self._end("assist", owner=said["department"])

    def _escalated(self, said: dict[str, Any], at: datetime) -> None:
        self._corrected(replace(self._facts, case_class=said["case_class"]), at)
        self._start("opinion", said["to"], at, at)

    def _opinion_given(self, said: dict[str, Any], at: datetime) -> None:
        self._end("opinion")

    def _classified(self, said: dict[str, Any], at: datetime) -> None:
        self._corrected(Facts(said["kind"], said.get("category"), said["urgent"], said.get("case_class")), at)

    def _corrected(self, facts: Facts, at: datetime) -> None:
        self._facts = facts
        for one in [one for one in self._owed if one.kind in {"dispatch", *OF_THE_DEPARTMENT}]:
            limit = self.table.limit(one.kind, facts)
            if limit is None or limit == one.limit:
                continue
            self._owed.remove(one)
            one.limit = limit
            assert not one.pauses, "the month's coordinators correct a case before its clock stands still"
            one.lasts_until(self.table, after(self.table.hours_of(one.owner), one.since, limit))
            self._anew(one, at)
