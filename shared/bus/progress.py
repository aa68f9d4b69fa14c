"""How far a group is on one stream of events: everything below the lowest open one is answered."""

from __future__ import annotations

from datetime import datetime


class Progress:
    """One stream's positions: what is taken up, what of it is still open.

    `first` is the first position to be taken; positions are taken upwards, and may have gaps.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self._open: dict[int, tuple[datetime, str]] = {}

    @property
    def next(self) -> int:
        """The position after the last one taken."""
        return self._next

    @property
    def answered(self) -> int:
        """Everything below this position is answered: where another would go on."""
        return next(iter(self._open), self._next)

    @property
    def open(self) -> int:
        """How many are taken and not yet answered."""
        return len(self._open)

    def passed(self, position: int) -> None:
        """Taken, and nothing to answer."""
        self._next = position + 1

    def take(self, position: int, time: datetime, topic: str) -> None:
        """Taken, and open until `done`."""
        self._next = position + 1
        self._open[position] = time, topic

    def done(self, position: int) -> None:
        """Answered, or kept where it is found again."""
        del self._open[position]

    def oldest(self) -> datetime | None:
        """When the longest open one happened."""
        return next((time for time, _ in self._open.values()), None)

    def waits_for(self) -> str | None:
        """Of which topic the event is that is to be answered next."""
        return next((topic for _, topic in self._open.values()), None)
