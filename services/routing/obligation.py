"""Somebody owes something by a time: the one mechanism for every deadline (mechanism M14)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from shared.events.obligations import OF_SUPERVISION, Ended, ObligationKind, Started

COORDINATOR = "coordinator"
"""The post that owes what no department does."""
SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Obligation:
    """One that is open. What ended is in the case's events; a breach stays with the case."""

    id: str
    """What is owed and the how manyeth obligation of its case it is: `resolve-4`."""
    owner: str
    since: datetime
    due: datetime
    limit: str
    binding: bool = True
    ladder: str | None = None
    paused: int = 0
    next_rung: int | None = None
    next_at: datetime | None = None
    about: str | None = None

    @property
    def kind(self) -> ObligationKind:
        """What is owed."""
        return cast(ObligationKind, self.id.partition("-")[0])

    @classmethod
    def started(cls, event: Started) -> Obligation:
        """As the event that began it says."""
        return cls(
            event.id,
            event.owner,
            event.since,
            event.due,
            event.limit,
            event.binding,
            event.ladder,
            event.paused,
            event.next_rung,
            event.next_at,
            event.about,
        )


def ending(
    obligations: Iterable[Obligation],
    now: datetime,
    how: Literal["met", "cancelled", "lapsed", "paused", "extended", "moved"],
    *kinds: ObligationKind,
) -> list[Ended]:
    """The end of those of these kinds that are open; where none is named, of all but what supervision asks."""
    return [
        ended(one, now, how)
        for one in obligations
        if (one.kind in kinds if kinds else one.kind not in OF_SUPERVISION)
    ]


def ended(
    one: Obligation,
    now: datetime,
    how: Literal["met", "cancelled", "lapsed", "paused", "extended", "moved"],
) -> Ended:
    """The end of one."""
    return Ended(id=one.id, how=how, late=one.binding and now > one.due)
