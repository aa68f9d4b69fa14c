"""What decisions need of one version of the organisation: limits, ladders, calendars, posts, duties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, get_args

from services.routing.assign import matcher
from services.routing.obligation import COORDINATOR, Obligation
from shared.calendar import Calendar, Limit, add_counted, due, opening, shifted
from shared.events.messages import Kind
from shared.events.obligations import OF_SUPERVISION, Action, Notice, ObligationKind, Started
from shared.folding import fold
from shared.organisation import Conditions, Department, Facts, Organisation, Rung, RungTime
from shared.organisation.ladder import SUPERVISION

if TYPE_CHECKING:
    from services.routing.case import Case

_LAPSING: frozenset[ObligationKind] = frozenset({"silence", "reply", "pause"})
"""What nobody is late with: when its time is over, the case goes on."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_REMEMBERED = 4096

_Times = tuple[datetime, datetime]
DEEMED = "deemed"
"""The ladder of an acceptance that lapses into being accepted (視同簽收)."""


@dataclass(frozen=True)
class Step:
    """One rung of a ladder: when it falls, what happens, and whom it concerns."""

    at: RungTime
    action: Action
    posts: tuple[str, ...] = ()


_LAPSE = Step(RungTime.parse("100%"), "lapse")


def facts_of(case: Case) -> Facts:
    """What a case's limits depend on."""
    return Facts(
        kind=case.kind,
        category=case.category,
        sender=case.sender_kind,
        urgent=case.urgent,
        case_class=case.case_class,
    )


class Desk:
    """Immutable, whatever it remembers to save work. Made once for each version of the organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.version = organisation.version
        self.choices = organisation.choices
        self.match = matcher(organisation)
        _check(organisation)
        self._conditions: dict[Facts, Conditions] = {}
        self._people: dict[tuple[tuple[str, ...], str], tuple[str, ...]] = {}
        self._ladders = {name: _steps(organisation.rungs(name)) for name in (None, *organisation.ladders)}
        reminders = (step for step in self._ladders[None] if step.action in {"remind", "warn"})
        self._ladders[DEEMED] = (*reminders, _LAPSE)
        self._remembered: dict[tuple[str, Limit, str | None, bool, int], _Times] = {}
        self._lines = {
            box.address.casefold(): box.department for box in organisation.mailboxes if box.department
        }
        self._staff = {
            one.id: frozenset((one.head, *one.officers, *one.deputies)) for one in organisation.departments
        }
        self._urgent = {
            duty.id: [fold(word) for words in duty.urgent.values() for word in words]
            for _, duty in organisation.duty.values()
            if duty.urgent
        }
        self._names = {one.id: _names_in(organisation, one) for one in organisation.departments}
        self._liaisons = {
            mail.casefold(): posting.person for posting in organisation.postings for mail in posting.mails
        }

    def has(self, department: str) -> bool:
        """Whether there is such a department."""
        return department in self.organisation.department

    def line(self, endpoint: str) -> str | None:
        """The department whose own line an endpoint is."""
        return self._lines.get(endpoint.casefold())

    def is_urgent(self, category: str | None, text: str) -> bool:
        """Whether words of it make a case of that duty urgent."""
        if not (words := self._urgent.get(category or "")):
            return False
        folded = fold(text)
        return any(word in folded for word in words)

    def is_about(self, department: str, text: str) -> bool:
        """Whether a text names a department or somebody who works in it."""
        folded = fold(text)
        return any(name in folded for name in self._names[department])

    def liaison(self, mail: str | None) -> str | None:
        """The person posted with whoever has that address."""
        if not self._liaisons or not mail:
            return None
        address = mail.strip().casefold()
        return self._liaisons.get(address) or self._liaisons.get("@" + address.rpartition("@")[2])

    def people(self, posts: Sequence[str], owner: str) -> tuple[str, ...]:
        """Who is in these posts, seen from who owes; each person once."""
        key = (tuple(posts), owner)
        found = self._people.get(key)
        if found is None:
            people = (person for post in posts for person in self.organisation.who(post, owner))
            found = self._people[key] = tuple(dict.fromkeys(people))
        return found

    def conditions(self, facts: Facts) -> Conditions:
        """What holds for cases of these facts."""
        found = self._conditions.get(facts)
        if found is None:
            found = self._conditions[facts] = self.organisation.conditions_for(facts)
        return found

    def limit(self, kind: ObligationKind, facts: Facts) -> Limit | None:
        """How long somebody has for that in a case of these facts; None where no limit is set."""
        limits = self.conditions(facts).limits
        if kind == "promise":
            return limits.promise or limits.resolve
        found: Limit | None = getattr(
            limits, "decide" if kind == "extension" else kind, None
        )  # an order names its own
        return found

    def starts(
        self, facts: Facts, owner: str, since: datetime, number: int, *kinds: ObligationKind
    ) -> list[Started]:
        """Obligations begin, counted from `number` on; what the organisation sets no limit for does not."""
        begun: list[Started] = []
        for kind in kinds:
            if (limit := self.limit(kind, facts)) is not None:
                begun.append(self.start(facts, kind, owner, since, limit=limit, number=number + len(begun)))
        return begun

    def start(
        self,
        facts: Facts,
        kind: ObligationKind,
        owner: str,
        since: datetime,
        *,
        limit: Limit,
        number: int,
        about: str | None = None,
    ) -> Started:
        """One obligation begins, under that limit."""
        binding = kind not in _LAPSING and not self._deemed(kind)
        ladder = self._ladder(kind, facts)
        end, first = self._times(owner, limit, ladder, since, binding=binding)
        return Started(
            id=f"{kind}-{number}",
            kind=kind,
            owner=owner,
            since=since,
            due=end,
            limit=str(limit),
            binding=binding,
            ladder=ladder,
            next_rung=0,
            next_at=first,
            about=about,
        )

    def _deemed(self, kind: ObligationKind) -> bool:
        return kind == "accept" and self.choices.deemed_accepted

    def _ladder(self, kind: ObligationKind, facts: Facts) -> str | None:
        """The ladder that a kind of obligation climbs; None is the usual one."""
        if kind in _LAPSING:
            return None
        if self._deemed(kind):
            return DEEMED
        if kind in OF_SUPERVISION:
            return SUPERVISION if SUPERVISION in self._ladders else None
        return self.conditions(facts).ladder

    def again(
        self,
        one: Obligation,
        number: int,
        *,
        end: datetime,
        paused: int = 0,
        passed: datetime | None = None,
    ) -> Started:
        """The same owed with another end. Rungs that fell are not climbed again; where `passed` is given, the ladder
        begins anew, but for reminders that would have fallen by then.
        """
        longer = replace(one, due=end, paused=one.paused + paused)
        rung = one.next_rung if passed is None else 0
        at = None if rung is None else self._falls(longer, rung)
        while passed is not None and at is not None and at <= passed and self._reminds(longer, rung):
            rung, at = self.rung_after(longer, rung or 0)
        return Started(
            id=f"{one.kind}-{number}",
            kind=one.kind,
            owner=one.owner,
            since=one.since,
            due=end,
            limit=one.limit,
            binding=one.binding,
            ladder=one.ladder,
            paused=longer.paused,
            next_rung=rung,
            next_at=at,
            about=one.about,
        )

    def later(self, begun: Started, paused: int, passed: datetime) -> Started:
        """What has just begun under other limits, later by the pauses there were, without reminders in the past."""
        one = Obligation.started(begun)
        end = (
            shifted(self.calendar(one.owner), one.due, paused, Limit.parse(one.limit)) if paused else one.due
        )
        return self.again(one, int(one.id.rpartition("-")[2]), end=end, paused=paused, passed=passed)

    def _reminds(self, one: Obligation, rung: int | None) -> bool:
        return rung is not None and self.step(one, rung).action in {"remind", "warn"}

    def extended(self, one: Obligation, limit: Limit) -> datetime:
        """When it ends with so much more time."""
        return due(self.calendar(one.owner), one.due, limit)

    def after_pause(self, one: Obligation, begin: datetime, end: datetime) -> tuple[datetime, int]:
        """When it ends after a pause, and by how many of the seconds that its limit counts the pause moved it."""
        return add_counted(self.calendar(one.owner), one.due, begin, end, Limit.parse(one.limit))

    def calendar(self, owner: str) -> Calendar:
        """When whoever owes something works."""
        return self.organisation.calendar_of(owner)

    def notices(
        self,
        people: Sequence[str],
        owner: str,
        at: datetime,
        *,
        urgent: bool = False,
        digest: bool = False,
    ) -> list[Notice]:
        """Who is told, and when: not outside the post's hours, but for what is urgent; a digest in the next one."""
        times = {
            place: self.opening(place, at, digest=digest)
            for place in {self.place(person, owner) for person in people if not urgent}
        }
        return [
            Notice(
                person=person,
                at=None if urgent else times[self.place(person, owner)],
                digest=digest and not urgent,
            )
            for person in people
        ]

    def place(self, person: str, owner: str) -> str:
        """Whose hours somebody keeps who is told of what `owner` owes: that office's, if they work in it, else those
        of their own department; `coordinator` for all who work when the organisation does."""
        office = owner.partition("/")[0]
        if person not in self._staff.get(office, ()):
            found = self.organisation.person.get(person)
            office = (found and found.department) or COORDINATOR
        return office if office in self.organisation.calendars else COORDINATOR

    def opening(self, place: str, at: datetime, *, digest: bool) -> datetime | None:
        """When a post is told that keeps the hours of that place: with its next digest, or while it works. None is at
        once."""
        wall = self.choices.digest if digest else None
        told = opening(self.calendar(place), at, wall, strictly=digest)
        return None if told == at else told

    def step(self, one: Obligation, rung: int) -> Step:
        """What that rung of its ladder is; the last one's where the ladder has become shorter since it began."""
        steps = self._steps_of(one)
        return steps[min(rung, len(steps) - 1)]

    def rung_after(self, one: Obligation, rung: int) -> tuple[int | None, datetime | None]:
        """The rung after that one and when it falls; none where the ladder ends."""
        after = rung + 1
        if after >= len(self._steps_of(one)):
            return None, None
        return after, self._falls(one, after)

    def _steps_of(self, one: Obligation) -> Sequence[Step]:
        """Its ladder, or the usual one where the organisation file has it no more. What does not bind and has none has
        a single rung: it lapses.
        """
        if not one.binding and one.ladder is None:
            return (_LAPSE,)
        return self._ladders.get(one.ladder) or self._ladders[None]

    def _falls(self, one: Obligation, rung: int) -> datetime:
        """When a rung falls. Pauses move it as they moved the end."""
        at, limit = self.step(one, rung).at, Limit.parse(one.limit)
        return at.instant(self.calendar(one.owner), one.since, one.due, limit, one.paused)

    def _times(
        self, owner: str, limit: Limit, ladder: str | None, since: datetime, *, binding: bool
    ) -> _Times:
        """When it is due and when its first rung falls. A busy second asks for the same again and again."""
        place, _, _ = owner.partition("/")  # a department's posts keep its hours
        place = place if place in self.organisation.calendars else ""
        key = (place, limit, ladder, binding, int(since.timestamp()))
        if (known := self._remembered.get(key)) is not None:
            return known
        end = due(self.calendar(owner), since, limit)
        first = (
            self._rung_at(self._ladders[ladder][0], owner, since, end, limit) if binding or ladder else end
        )
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = end, first
        return end, first

    def _rung_at(self, step: Step, owner: str, since: datetime, end: datetime, limit: Limit) -> datetime:
        return step.at.instant(self.calendar(owner), since, end, limit)


def _names_in(organisation: Organisation, department: Department) -> frozenset[str]:
    """What a department and those in its posts are called, in every language, as texts are compared.

    A single English word is left out: "water" names more than a department.
    """
    people = {department.head, *department.officers, *department.deputies}
    named = [department.names, *(organisation.person[id].names for id in people if id in organisation.person)]
    folded = (fold(name).strip() for names in named for name in names.root.values())
    return frozenset(name for name in folded if " " in name or not name.isascii())


def _steps(rungs: Sequence[Rung]) -> tuple[Step, ...]:
    return tuple(Step(rung.at, rung.action, rung.to) for rung in rungs)


def _check(organisation: Organisation) -> None:
    """An open case always owes something: what carries it from state to state must have a limit."""
    for kind in KINDS:
        limits = organisation.limits_for(kind)
        for owed in ("dispatch", "resolve", "callback", "silence"):
            if getattr(limits, owed) is None:
                raise ValueError(
                    f"{organisation.id}: cases of kind {kind} have no limit for {owed}; add `{owed}` to `limits`"
                )
