"""Obligations as events tell of them: somebody owes something by a time (DESIGN.md section 1, mechanism M14)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.envelope import Part

ObligationKind = Literal[
    "dispatch",
    "accept",
    "contact",
    "resolve",
    "callback",
    "promise",
    "silence",
    "assist",
    "reply",
    "pause",
    "extension",
    "signoff",
    "review",
    "opinion",
    "inspect",
    "explain",
    "rectify",
]
"""What can be owed in a case.

`reply`: the sender's, to a question that suspended the case. `pause`: what ends an approved pause. `extension`,
`signoff`, `review`, `opinion`: a decision on more time, a draft, a sender's "no", what was asked upwards. `inspect`: to
look whether what is called solved is. `explain`, `rectify`: to say how that came which supervision found, to put
right what it demanded.
"""

OF_SUPERVISION: frozenset[ObligationKind] = frozenset({"explain", "rectify"})
"""What supervision asks of a case beside its own course: also of a closed one, and no close ends it."""

Action = Literal["remind", "warn", "breach", "escalate", "circulate", "lapse"]
"""`circulate`: all are told who is late (通報)."""


class Started(Part):
    """An obligation begins: `owner` owes `kind` by `due`."""

    id: str
    kind: ObligationKind
    owner: str
    """A department's id, `coordinator`, `sender`, or a post as the organisation file writes it (`housing/head`)."""
    since: datetime
    due: datetime
    limit: str
    binding: bool = True
    """Binding obligations breach and climb; others lapse."""
    ladder: str | None = None
    """The ladder that it climbs, where it is not the organisation's usual one."""
    paused: int = 0
    """Seconds by which pauses have moved its end: counted ones of its calendar, plain ones for a plain limit."""
    next_rung: int | None = None
    next_at: datetime | None = None
    """When the ladder's next rung is due."""
    about: str | None = None
    """The finding or order that it is owed for, where the same can be owed for several."""


class Ended(Part):
    """An obligation ends: met, or no longer owed. `paused`, `extended` and `moved` ones begin anew with another end."""

    id: str
    how: Literal["met", "cancelled", "lapsed", "paused", "extended", "moved"]
    late: bool = False


class Rung(Part):
    """One rung of one obligation's ladder that fell due."""

    obligation: str
    kind: ObligationKind
    owner: str
    due: datetime
    rung: int
    action: Action
    at: datetime
    """The instant it fell due, which may be before it was noticed."""
    late: bool = False
    """It was missed while nothing ran, and a later rung of the same obligation stands for it."""
    next_rung: int | None = None
    next_at: datetime | None = None


class Notice(Part):
    """One person is told of what the event says, in one notice."""

    person: str
    rungs: tuple[int, ...] = ()
    """Which of the event's rungs, by their place in its list."""
    at: datetime | None = None
    """Not before then: the post's hours begin. Absent: at once."""
    digest: bool = False
    """With whatever else the person's digest of that instant holds, in one mail."""
