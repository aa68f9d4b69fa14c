"""Everything the trail has of one case, each entry verified as it is read, and what is missing between them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from services.audit.evidence import Evidence, Examined
from services.audit.lookup import Lookup, Standing
from shared.events import Record
from shared.events.cases import CaseAssigned

MOST_SHOWN = 1000


@dataclass(frozen=True)
class Line:
    """One entry."""

    index: int
    subject: str
    """The case, or the message or delivery that belongs to it."""
    record: Record | None
    """What it says; None where it is no event, or another's."""
    problem: str | None
    """Why it is not verified."""

    @property
    def verified(self) -> bool:
        """Whether it is what was signed."""
        return self.problem is None


@dataclass(frozen=True)
class Hole:
    """Events that must have been, for later ones are there, and that the trail does not have."""

    subject: str
    first: int
    last: int


@dataclass(frozen=True)
class Timeline:
    """A case as the trail has it."""

    standing: Standing
    as_of: int
    """How many of the trail's entries were looked through for it."""
    lines: list[Line | Hole]
    unsigned: int
    """Entries that wait for the next checkpoint."""
    following: int | None
    """Where to go on reading, in a case of more than `MOST_SHOWN` entries."""

    @property
    def entries(self) -> list[Line]:
        """The entries alone."""
        return [one for one in self.lines if isinstance(one, Line)]

    @property
    def holes(self) -> list[Hole]:
        """What is missing."""
        return [one for one in self.lines if isinstance(one, Hole)]

    @property
    def unverified(self) -> list[Line]:
        """The entries that are not what was signed."""
        return [one for one in self.entries if not one.verified]

    @property
    def departments(self) -> set[str]:
        """The departments that ever led it, as verified entries say."""
        events = [
            one.record.data for one in self.entries if one.verified and one.record and known(one.record)
        ]
        return {event.department for event in events if isinstance(event, CaseAssigned)}


def known(record: Record) -> bool:
    """Whether an event has the form of its type."""
    try:
        _ = record.data
    except ValueError:
        return False
    return True


def timeline(path: Path, evidence: Evidence, ref: str, size: int) -> Timeline | None:
    """The case that has a ref, under a published tree of `size`; None where there is none. Not for the event loop."""
    with closing(Lookup.open(path)) as index:
        as_of, standing = index.size, index.standing(ref)
        if standing is None:
            return None
        found = index.whose(index.related(standing.id), MOST_SHOWN + 1)
    signed = [(at, subject) for at, subject in found if at < size]
    shown = signed[:MOST_SHOWN]
    examined = evidence.examine([at for at, _ in shown], size)
    lines = [_line(one, subject) for one, (_, subject) in zip(examined, shown, strict=True)]
    following = signed[MOST_SHOWN][0] if len(signed) > MOST_SHOWN else None
    return Timeline(standing, as_of, with_holes(lines), len(found) - len(signed), following)


def _line(examined: Examined, subject: str) -> Line:
    if examined.value is None:
        return Line(examined.index, subject, None, examined.problem)
    record = Record.of(examined.value)
    if record is None:
        return Line(examined.index, subject, None, examined.problem)
    if record.subject != subject:
        told = f"the index expects an entry of {subject} here, and it is one of {record.subject}"
        return Line(examined.index, subject, None, examined.problem or told)
    return Line(examined.index, subject, record, examined.problem)


def with_holes(lines: Sequence[Line]) -> list[Line | Hole]:
    """The same, with what is missing of each aggregate before the entry that shows it."""
    last: dict[str, int] = {}
    found: list[Line | Hole] = []
    for line in lines:
        expected = last.get(line.subject, 0) + 1
        # What a changed entry says of its place counts for nothing: it stands where one was expected.
        place = line.record.sequence if line.record and line.verified else expected
        if place > expected:
            found.append(Hole(line.subject, expected, place - 1))
        last[line.subject] = max(place, expected - 1)
        found.append(line)
    return found
