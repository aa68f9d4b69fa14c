"""What a supervision check is (mechanism M15): a pure function over entries, with its evidence.

A check answers everything that was ever to be seen in what it is given, each doubt dated by the instant from which it
could be seen, and with a key by which it is the same doubt whenever it is seen again. So it doesn't matter how often it
is asked, or after which entry: who asks with the same entries gets the same.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.events import Event, Record, canonical
from shared.events.cases import CaseClosed, CaseEvent
from shared.events.findings import Evidence, Figure
from shared.events.obligations import OF_SUPERVISION


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry that is an event, as checks read it."""

    index: int
    record: Record

    @property
    def said(self) -> Event:
        """What the event says; nothing (a bare `Event`) where it is not as its type is: somebody else wrote it."""
        try:
            return self.record.data
        except ValueError:
            return Event()

    @property
    def at(self) -> datetime:
        """The event's time."""
        return self.record.time


def noted_at(index: int, entry: bytes) -> Noted | None:
    """An entry as an event; None where it is none."""
    record = Record.of(entry)
    return None if record is None else Noted(index, record)


def placed(one: Noted | Evidence) -> Evidence:
    """Where an entry stands, as findings name it."""
    return one if isinstance(one, Evidence) else Evidence(index=one.index, event=one.record.id)


class AsOf(NamedTuple):
    """How far the trail is known: its size, and the time of its latest entry, by which time in it has moved."""

    size: int
    at: datetime


@dataclass(frozen=True)
class CaseHistory:
    """All entries of one case in the log's order: its own, its messages', its deliveries', facts about them."""

    case: str
    entries: Sequence[Noted]
    as_of: AsOf


@dataclass(frozen=True)
class Doubt:
    """What a check found: a finding, once it is raised. Who raises it adds check, version and parameters."""

    key: str
    """What makes it one: with the check's name it is its identity. It names what, not when it was seen."""
    since: datetime
    evidence: tuple[Noted | Evidence, ...]
    """Entries; of those that a house check only remembers, where they stand."""
    case: str | None = None
    department: str | None = None
    """Who is asked to explain."""
    person: str | None = None
    figures: tuple[Figure, ...] = ()


class Parameters(BaseModel):
    """What a check can be told: whole numbers, seconds, basis points, codes. Defaults are part of its version.

    What stands below a field is said of it by `throughline check list`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def digest(self) -> str:
        """Names these values, in 16 hexadecimal signs."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()[:16]


class NoParameters(Parameters):
    """Nothing that a check could be told."""


P = TypeVar("P", bound=Parameters)
S = TypeVar("S", bound=BaseModel)


class Check(ABC, Generic[P]):
    """What every check says of itself. The class's docstring is what supervisors read of it, in English."""

    name: ClassVar[str]
    version: ClassVar[int]
    exact: ClassVar[bool]
    """Whether the rule is exact, or a judgement that has errors of both kinds."""
    reads: ClassVar[frozenset[str]]
    """The types of events on which anything new can depend; `TrailTicked.TYPE` where time alone can show something."""
    parameters: type[P]
    figures: ClassVar[tuple[str, ...]] = ()
    """The names of the numbers that its doubts may have; what they are called stands in `words.toml`."""


class CaseCheck(Check[P]):
    """A check that looks at one case at a time."""

    @abstractmethod
    def examine(self, history: CaseHistory, parameters: P) -> Iterator[Doubt]:
        """Every doubt that was ever to be seen in a case."""

    def again(self, history: CaseHistory, parameters: P) -> datetime | None:
        """The next instant after `history.as_of` at which time alone may show something new, of a check that reads
        ticks.

        As it stands here: when the next of what is owed falls due. A check that sees something at other instants,
        before it is due or a while after, says so itself. Asked too early it loses nothing; too late, it is late.
        """
        return next_due(history)


def next_due(history: CaseHistory) -> datetime | None:
    """When the next of what is owed in a case falls due, after the trail's present."""
    dues: dict[str, datetime] = {}
    for noted in history.entries:
        said = noted.said
        if not isinstance(said, CaseEvent) or noted.record.subject != history.case:
            continue
        if isinstance(said, CaseClosed):
            dues = {id: due for id, due in dues.items() if id.partition("-")[0] in OF_SUPERVISION}
        for one in said.ends:
            dues.pop(one.id, None)
        dues |= {one.id: one.due for one in said.starts}
    return min((due for due in dues.values() if due > history.as_of.at), default=None)


class HouseCheck(Check[P], Generic[P, S]):
    """A check that looks across cases: entry after entry, with a bounded state that is kept between them."""

    state: type[S]
    """What it remembers; it begins as `state()` and is kept as JSON."""

    @abstractmethod
    def take(self, state: S, noted: Noted, parameters: P) -> Iterator[Doubt]:
        """What is to be seen once this entry, of a type that the check reads, is known. Changes `state`."""
