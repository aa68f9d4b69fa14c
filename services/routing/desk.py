"""What decisions need of one version of the organisation: limits, ladder, calendar, posts, duties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from services.routing.assign import matcher
from services.routing.obligation import Obligation
from shared.calendar import Limit, due
from shared.events.cases import Action, ObligationKind, Started
from shared.events.messages import Kind
from shared.organisation import Limits, Organisation

_BINDING: frozenset[ObligationKind] = frozenset(
    {"dispatch", "accept", "contact", "resolve", "callback", "promise"}
)
KINDS: tuple[Kind, ...] = get_args(Kind)
_REMEMBERED = 4096

_Times = tuple[datetime, datetime]


@dataclass(frozen=True)
class Step:
    """One rung of a ladder: what happens, and whom it concerns."""

    action: Action
    posts: tuple[str, ...] = ()


class Desk:
    """Immutable, whatever it remembers to save work. Made once for each version of the organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.version = organisation.version
        self.match = matcher(organisation)
        _check(organisation)
        self._calendar = organisation.calendar
        self._limits: dict[Kind, Limits] = {}
        self._steps = tuple(Step(rung.action, rung.to) for rung in organisation.ladder)
        self._remembered: dict[tuple[Limit, bool, int], _Times] = {}
        self._lines = {
            box.address.casefold(): box.department for box in organisation.mailboxes if box.department
        }

    def has(self, department: str) -> bool:
        """Whether there is such a department."""
        return department in self.organisation.department

    def line(self, endpoint: str) -> str | None:
        """The department whose own line an endpoint is."""
        return self._lines.get(endpoint.casefold())

    def people(self, posts: Sequence[str], owner: str) -> list[str]:
        """Who is in these posts, seen from who owes; each person once."""
        return list(dict.fromkeys(person for post in posts for person in self.organisation.who(post, owner)))

    def limit(self, kind: ObligationKind, of: Kind) -> Limit | None:
        """How long somebody has for that in a case of that kind; None where no limit is set."""
        limits = self._limits.get(of)
        if limits is None:
            limits = self._limits[of] = self.organisation.limits_for(of)
        if kind == "promise":
            return limits.promise or limits.resolve
        found: Limit | None = getattr(limits, kind)
        return found

    def starts(
        self, of: Kind, owner: str, since: datetime, number: int, *kinds: ObligationKind
    ) -> list[Started]:
        """Obligations begin, counted from `number` on; what the organisation sets no limit for does not."""
        begun: list[Started] = []
        for kind in kinds:
            limit = self.limit(kind, of)
            if limit is None:
                continue
            binding = kind in _BINDING
            end, first = self._times(limit, since, binding=binding)
            begun.append(
                Started(
                    id=f"{kind}-{number + len(begun)}",
                    kind=kind,
                    owner=owner,
                    since=since,
                    due=end,
                    limit=str(limit),
                    binding=binding,
                    next_rung=0,
                    next_at=first,
                )
            )
        return begun

    def _times(self, limit: Limit, since: datetime, *, binding: bool) -> _Times:
        """When it is due and when its first rung falls. A busy second asks for the same again and again."""
        key = (limit, binding, int(since.timestamp()))
        if (known := self._remembered.get(key)) is not None:
            return known
        end = due(self._calendar, since, limit)
        first = self._rung_at(0, since, end, limit) if binding else end
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = end, first
        return end, first

    def _rung_at(self, rung: int, since: datetime, end: datetime, limit: Limit) -> datetime:
        return self.organisation.ladder[rung].at.instant(self._calendar, since, end, limit)

    def step(self, one: Obligation, rung: int) -> Step:
        """What that rung of its ladder is. One that does not bind has a single rung: it lapses."""
        return self._steps[rung] if one.binding else Step("lapse")

    def rung_after(self, one: Obligation, rung: int) -> tuple[int | None, datetime | None]:
        """The rung after that one and when it falls; none where the ladder ends."""
        after = rung + 1
        if not one.binding or after >= len(self._steps):
            return None, None
        return after, self._rung_at(after, one.since, one.due, Limit.parse(one.limit))


def _check(organisation: Organisation) -> None:
    """An open case always owes something: what carries it from state to state must have a limit."""
    for kind in KINDS:
        limits = organisation.limits_for(kind)
        for owed in ("dispatch", "resolve", "callback", "silence"):
            if getattr(limits, owed) is None:
                raise ValueError(
                    f"{organisation.id}: cases of kind {kind} have no limit for {owed}; add `{owed}` to `limits`"
                )
