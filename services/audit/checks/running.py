"""Running checks over entries, wherever these come from: the log, a case at a time, or a made-up history. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from services.audit.checks.check import (
    AsOf,
    CaseCheck,
    CaseHistory,
    Check,
    Doubt,
    HouseCheck,
    Noted,
    Parameters,
)
from shared.events import REGISTRY, Event
from shared.events.cases import CaseEvent, CaseOpened, MessageAttached
from shared.events.deliveries import DeliveryQueued
from shared.events.facts import FactEvent


class Tuned(NamedTuple):
    """A check with the parameters it runs with."""

    check: Check[Any]
    parameters: Parameters


def as_they_are(checks: Iterable[Check[Any]]) -> list[Tuned]:
    """The checks, each with its defaults."""
    return [Tuned(check, check.parameters()) for check in checks]


def run(
    entries: Iterable[Noted], checks: Sequence[Tuned], as_of: AsOf | None = None
) -> Iterator[tuple[Check[Any], Doubt]]:
    """Everything that checks see in entries, which come in the log's order and are read once.

    House checks are asked while entries come, case checks at the end, case by case in the order in which the cases
    began. Without `as_of` the entries are all that is known. What a check raises, this raises. Entries are kept until
    the end: of a log that memory can't hold give each case's own to `examined`.
    """
    folds = [Fold(check, parameters) for check, parameters in checks if isinstance(check, HouseCheck)]
    cases = [one for one in checks if isinstance(one.check, CaseCheck)]
    gathered = Gathered()
    for noted in entries:
        for fold in folds:
            for doubt in fold.take(noted):
                yield fold.check, doubt
        gathered.add(noted)
    for history in gathered.histories(as_of):
        yield from examined(history, cases)


def examined(history: CaseHistory, checks: Iterable[Tuned]) -> Iterator[tuple[Check[Any], Doubt]]:
    """Everything that case checks see in one case; other checks are passed over."""
    for check, parameters in checks:
        if isinstance(check, CaseCheck):
            for doubt in check.examine(history, parameters):
                yield check, doubt


class Fold:
    """A house check under way, from its beginning or from a state that was kept."""

    def __init__(
        self, check: HouseCheck[Any, Any], parameters: Parameters, kept: str | bytes | None = None
    ) -> None:
        self.check = check
        self.parameters = parameters
        self.state = check.state() if kept is None else check.state.model_validate_json(kept)

    def take(self, noted: Noted) -> list[Doubt]:
        """What is to be seen once an entry is known. The check is asked only about what it reads, and can be read."""
        kind = noted.record.type
        if kind not in self.check.reads or not isinstance(noted.said, REGISTRY.get(kind, Event)):
            return []
        return list(self.check.take(self.state, noted, self.parameters))

    def kept(self) -> str:
        """The state as JSON."""
        return str(self.state.model_dump_json())


def joins(noted: Noted) -> tuple[str, str] | None:
    """Which case an entry says that an aggregate belongs to: (case, aggregate); None where it says no such thing."""
    said = noted.said
    match said:
        case CaseOpened() | MessageAttached():
            return noted.record.subject, said.message
        case DeliveryQueued() | FactEvent():
            return said.case, noted.record.subject
    return None


class Gathered:
    """Entries by the cases they belong to: a case's own, its messages', its deliveries', facts about them."""

    def __init__(self) -> None:
        self.size = 0
        self._latest: Noted | None = None
        self._of: dict[str, list[Noted]] = {}
        self._cases: dict[str, None] = {}
        self._members: dict[str, dict[str, None]] = {}
        """By case, the aggregates that belong to it."""

    def add(self, noted: Noted) -> None:
        """One more entry, from further on in the log than those before."""
        self.size = noted.index + 1
        if self._latest is None or noted.at > self._latest.at:
            self._latest = noted
        subject = noted.record.subject
        self._of.setdefault(subject, []).append(noted)
        if isinstance(noted.said, CaseEvent):
            self._cases[subject] = None
        if (joined := joins(noted)) is not None:
            case, aggregate = joined
            self._members.setdefault(case, {})[aggregate] = None

    def histories(self, as_of: AsOf | None = None) -> Iterator[CaseHistory]:
        """Each case's history; `as_of` says how far the trail is known where that is further than these entries."""
        if self._latest is None:
            return
        as_of = as_of or AsOf(self.size, self._latest.at)
        for case in self._cases:
            members = (case, *self._members.get(case, ()))
            entries = [noted for member in members for noted in self._of.get(member, ())]
            entries.sort(key=lambda noted: noted.index)
            yield CaseHistory(case, entries, as_of)
