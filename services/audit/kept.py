"""What the projection keeps: of entries, cases, what is owed in them, messages that are not settled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Unsettled(NamedTuple):
    """A message that waits to be settled, or in quarantine for a person to look."""

    day: str
    endpoint: str
    state: str


@dataclass(slots=True, kw_only=True)
class Changed:
    """What is new of a case; None where it stays as it was."""

    kind: str | None = None
    promise: int | None = None
    state: str | None = None
    holder: str | None = None
    pause: str | None = None
    """Why its clock stands still; empty while it runs."""


@dataclass(slots=True, kw_only=True)
class Opened(Changed):
    """A case that begins; `arrived` in milliseconds since 1970, as `promise`."""

    ref: str
    channel: str
    arrived: int


class Owed(NamedTuple):
    """Something that is owed in a case; times are milliseconds since 1970."""

    kind: str
    owner: str
    since: int
    due: int
    binding: int
    """1 where it can be late; 0 also while it stands still."""
    stage: int
    """How far it has aged (`projection.STAGES`)."""
    rung: int
    """The last rung of its ladder that fell; -1 before the first."""
    still: int
    """1 while the case's clock stands still: it goes on under another id."""

    def aged(self, stage: int, rung: int) -> Owed:
        """The same once that rung has fallen."""
        return self._replace(stage=max(self.stage, stage), rung=max(self.rung, rung))


class Listed(NamedTuple):
    """An entry, as queries find it; of one that is no event of ours nothing but its place is known."""

    at: int
    aggregate: str | None = None
    time: int | None = None
    """Milliseconds since 1970."""
    type: str | None = None
    department: str | None = None
    """Who led the case that it belongs to, once it had happened: a department's id, or `coordinator`. What came before
    its case was opened is nobody's."""


class Earlier(Protocol):
    """What the batches before have left."""

    def matter(self, aggregate: str) -> str | None:
        """The case that an aggregate belongs to."""
        ...

    def unsettled(self, message: str) -> Unsettled | None:
        """A message that is not settled."""
        ...

    def holder(self, case: str) -> str | None:
        """Who holds a case."""
        ...

    def owed(self, case: str) -> Iterable[tuple[str, Owed]]:
        """What is owed in a case, by the obligation's id."""
        ...
