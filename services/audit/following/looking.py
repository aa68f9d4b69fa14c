"""What the checks see in a batch of entries: each house check entry by entry, each case that is touched or due anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.audit.checks.check import AsOf, CaseCheck, CaseHistory, Doubt, HouseCheck, Noted, noted_at
from services.audit.checks.running import Fold, Tuned, joins
from services.audit.following.entries import Entries
from services.audit.following.memory import Failed, Kept, Memory, Moved
from services.audit.lookup import Lookup
from shared import metrics
from shared.events.cases import CaseEvent
from shared.events.trail import TrailTicked

log = structlog.get_logger()

MANY = 1000
"""A case of more entries is looked at once a while, not after each of them: who sends without end holds nothing up."""
ONCE_A = timedelta(minutes=10)
_DUE_AT_ONCE = 100
_REFOLDED_AT_ONCE = 512


@dataclass
class Seen:
    """What a batch came to, not yet remembered."""

    moved: Moved
    doubts: list[tuple[Tuned, Doubt]] = field(default_factory=list)


class Looking:
    """The checks at work on one log. For one thread at a time."""

    def __init__(self, memory: Memory, entries: Entries, lookup: Lookup, checks: Sequence[Tuned]) -> None:
        self._memory = memory
        self._entries = entries
        self._lookup = lookup
        self._cases = [(check, told) for check, told in checks if isinstance(check, CaseCheck)]
        self._timed = [one for one in self._cases if TrailTicked.TYPE in one[0].reads]
        self._house = [(check, told) for check, told in checks if isinstance(check, HouseCheck)]
        self._folds: list[Fold] | None = None
        self._anew: list[Fold] = []
        """Folds that another version or other parameters began anew: they are given what was before, silently."""
        self._given = 0

    def lose(self) -> None:
        """What was seen since the last commit counts for nothing: begin again from what is remembered."""
        self._folds = None

    def prepare(self, size: int) -> bool:
        """Bring house checks that are new, or tuned otherwise, to where the others are, a stretch at each call.

        Answers whether they are there. What they would have seen meanwhile is not raised: who wants to know runs them
        over history.
        """
        if self._folds is None:
            self._begin()
        if self._anew:
            stop = min(self._given + _REFOLDED_AT_ONCE, self._memory.cursor)
            wanted = frozenset[str]().union(*(fold.check.reads for fold in self._anew))
            for index, entry in self._entries.between(self._given, stop, size):
                if _type_of(entry) in wanted and (noted := noted_at(index, entry)) is not None:
                    for fold in self._anew:
                        with _guarded(fold.check.name, noted.index, None, []):
                            fold.take(noted)
            self._given = stop
            if stop == self._memory.cursor:
                self._anew = []
        return not self._anew

    def _begin(self) -> None:
        self._folds, self._anew, self._given = [], [], 0
        for check, parameters in self._house:
            kept = self._memory.fold(check.name)
            same = kept is not None and kept.tuned == _tuned(Tuned(check, parameters))
            fold = Fold(check, parameters, kept.state if kept is not None and same else None)
            self._folds.append(fold)
            if not same and self._memory.cursor:
                self._anew.append(fold)

    def look(self, batch: Sequence[Noted], stop: int, last: bytes, size: int) -> Seen:
        """What is to be seen once the entries below `stop` are known, of which `batch` are new and events.

        `last` is the leaf hash of the last one. Only once `prepare` says so.
        """
        latest = max((noted.at for noted in batch), default=None)
        if self._memory.latest is not None:
            latest = max(latest or self._memory.latest, self._memory.latest)
        seen = Seen(Moved(stop, last, latest))
        self._fold(batch, seen)
        touched = self._touched(batch, seen.moved, size)
        if latest is None:
            return seen
        due = dict.fromkeys(self._memory.due(latest, _DUE_AT_ONCE))
        for case in {**touched, **due}:
            self._examine(case, touched.get(case, frozenset()), seen, size, is_due=case in due)
        return seen

    def _fold(self, batch: Iterable[Noted], seen: Seen) -> None:
        assert self._folds is not None, "prepare comes first"
        took: dict[str, Fold] = {}
        for noted in batch:
            for fold in self._folds:
                if noted.record.type not in fold.check.reads:
                    continue
                took[fold.check.name] = fold
                with _guarded(fold.check.name, noted.index, None, seen.moved.failed):
                    tuned = Tuned(fold.check, fold.parameters)
                    seen.doubts += [(tuned, doubt) for doubt in fold.take(noted)]
        for name, fold in took.items():
            seen.moved.folds[name] = Kept(_tuned(Tuned(fold.check, fold.parameters)), fold.kept())

    def _touched(self, batch: Iterable[Noted], moved: Moved, size: int) -> dict[str, frozenset[str]]:
        """The cases that new entries belong to, each with their types."""
        joined: dict[str, dict[str, None]] = {}
        found: dict[str, frozenset[str]] = {}
        for noted in batch:
            subject = noted.record.subject
            if (belongs := joins(noted)) is not None:
                case, aggregate = belongs
                joined.setdefault(aggregate, {})[case] = None
                moved.joined.append((aggregate, case))
                before = self._before(aggregate, noted, size)
                found[case] = found.get(case, frozenset()) | before
            cases = [subject] if isinstance(noted.said, CaseEvent) else self._memory.cases_of(subject)
            for case in dict.fromkeys((*cases, *joined.get(subject, ()))):
                found[case] = found.get(case, frozenset()) | {noted.record.type}
        return found

    def _before(self, aggregate: str, noted: Noted, size: int) -> frozenset[str]:
        """The types of what an aggregate said before it belonged to the case."""
        places = self._lookup.of_aggregates([aggregate], limit=MANY, below=noted.index)
        return frozenset(one.record.type for one in self._entries.at(places, size))

    def _examine(self, case: str, types: frozenset[str], seen: Seen, size: int, *, is_due: bool) -> None:
        moved = seen.moved
        assert moved.latest is not None
        members = [case, *self._memory.members(case)]
        members += [aggregate for aggregate, whose in moved.joined if whose == case]
        names = list(dict.fromkeys(members))
        places = self._lookup.of_aggregates(names, limit=MANY + 1, below=moved.cursor)
        if many := len(places) > MANY:
            if not is_due:
                moved.waits[case] = moved.latest + ONCE_A
                return
            places = self._lookup.of_aggregates(names, limit=1 << 31, below=moved.cursor)
        history = CaseHistory(case, self._entries.at(places, size), AsOf(moved.cursor, moved.latest))
        own = [
            one for one in history.entries if one.record.subject == case and isinstance(one.said, CaseEvent)
        ]
        if not own:
            return  # a digest's deliveries, say, which are of several cases
        for one in self._cases:
            check, parameters = one
            if types & check.reads or (is_due and (many or one in self._timed)):
                with _guarded(check.name, places[-1], case, moved.failed):
                    found = list(check.examine(history, parameters))
                    seen.doubts += [(Tuned(check, parameters), doubt) for doubt in found]
        moved.waits[case] = self._again(history, moved)

    def _again(self, history: CaseHistory, moved: Moved) -> datetime | None:
        found: list[datetime] = []
        for check, parameters in self._timed:
            with _guarded(check.name, history.entries[-1].index, history.case, moved.failed):
                at = check.again(history, parameters)
                if at is not None and at > history.as_of.at:
                    found.append(at)
        return min(found, default=None)


@contextmanager
def _guarded(check: str, place: int, case: str | None, failed: list[Failed]) -> Iterator[None]:
    """While a check is asked: one that raises holds nothing back."""
    try:
        yield
    except Exception as error:
        metrics.CHECKS_FAILED.labels(check).inc()
        log.exception("checks.failed", check=check, entry=place, case=case)
        failed.append(Failed(check, place, case, f"{type(error).__name__}: {error}"[:500]))


def _tuned(tuned: Tuned) -> str:
    return f"{tuned.check.version}/{tuned.parameters.digest()}"


def _type_of(entry: bytes) -> str:
    """An entry's type, without reading the rest: canonical JSON ends with its last key, which is `type`."""
    return entry.rpartition(b'"type":"')[2].removesuffix(b'"}').decode("utf-8", "replace")
