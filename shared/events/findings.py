"""Topic `findings`, owned by the audit: what supervision found, demanded and decided (mechanisms M15, M32).

A finding accuses nobody by algorithm: it is raised, the department explains, a person confirms or dismisses it. Only
confirmed ones count.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.events.content import ContentRef
from shared.events.envelope import Event, Part

Dismissal = Literal["explained", "not_so", "sender_caused", "outside_influence", "other"]
Measure = Literal["none", "reminded", "criticised", "training", "accountability"]
"""What follows for whoever answers for it; a person's decision, recorded."""


class Evidence(Part):
    """An entry on which a finding rests."""

    index: int
    event: str
    """The event's id."""


class Figure(Part):
    """A number that a check found, by name; seconds, counts or basis points, as the check's doc says."""

    name: str
    value: int


class FindingRaised(Event, type="finding.raised", topic="findings"):
    """A check found something doubtful (疑點). Its id follows from the check and what it is about."""

    check: str
    version: int
    parameters: str
    """The digest of the parameters that the check ran with."""
    key: str
    """What makes it one finding of its check."""
    case: str | None = None
    department: str | None = None
    """Who is asked to explain it; `coordinator` too. Nobody is where it is about no department."""
    person: str | None = None
    """The officer whom it is about, by an opaque id."""
    since: datetime
    """From when on it could be seen."""
    as_of: int
    """The size of the tree in which it was seen."""
    evidence: tuple[Evidence, ...]
    figures: tuple[Figure, ...] = ()


class FindingAsked(Event, type="finding.asked", topic="findings"):
    """The case that it is about has asked the department, or moved the time by which it explains; or asks nobody."""

    department: str
    due: datetime | None = None
    """Until when it explains; absent where nobody is asked."""


class FindingExplained(Event, type="finding.explained", topic="findings"):
    """The department says how it came."""

    actor: str
    department: str
    words: ContentRef


class FindingConfirmed(Event, type="finding.confirmed", topic="findings"):
    """A person looked at it and says that it is so (屬實): it counts from here on."""

    actor: str
    words: ContentRef


class FindingDismissed(Event, type="finding.dismissed", topic="findings"):
    """A person looked at it and says that it is not."""

    actor: str
    reason: Dismissal
    words: ContentRef


class ExclusionAsked(Event, type="exclusion.asked", topic="findings"):
    """Somebody asks that a case, an unreasonable demand, be left out of the figures. An aggregate of its own."""

    actor: str
    case: str
    words: ContentRef


class ExclusionDecided(Event, type="exclusion.decided", topic="findings"):
    """Another person decided. What is left out is counted beside the figure that it is left out of."""

    actor: str
    granted: bool
    words: ContentRef


class OrderIssued(Event, type="order.issued", topic="findings"):
    """A supervisor demands that something be put right (督辦單): routing starts the obligation to do so."""

    actor: str
    case: str
    department: str
    finding: str | None = None
    limit: str
    """How long it has: `5wd`."""
    words: ContentRef


class OrderTaken(Event, type="order.taken", topic="findings"):
    """The case that it is about demands it of the department, or moved the time; or there is no such department."""

    due: datetime | None = None
    """Until when it is put right; absent where nobody owes it."""


class OrderAnswered(Event, type="order.answered", topic="findings"):
    """The department says what it put right (整改回覆單)."""

    actor: str
    department: str
    words: ContentRef


class OrderAccepted(Event, type="order.accepted", topic="findings"):
    """It is put right."""

    actor: str
    words: ContentRef


class OrderRefused(Event, type="order.refused", topic="findings"):
    """It is not: the obligation begins anew."""

    actor: str
    limit: str
    words: ContentRef


class OrderConcluded(Event, type="order.concluded", topic="findings"):
    """What followed from it, for those who answer for it."""

    actor: str
    measure: Measure
    words: ContentRef


class ProbePlanted(Event, type="probe.planted", topic="findings"):
    """Somebody will test the house with a message that only supervisors can tell apart (M32)."""

    actor: str
    commitment: str
    """`HMAC-SHA256(salt, message id)`: which message it is shows when the salt is told."""
    secret: ContentRef | None = None
    """Which message, and the salt, for supervisors: content of the shape `ProbeSecret`."""


class ProbeRevealed(Event, type="probe.revealed", topic="findings"):
    """Which message it was. The case is left out of the figures from its beginning."""

    actor: str
    message: str
    salt: str
    words: ContentRef | None = None
    """What was seen."""


class SampleAnnounced(Event, type="sample.announced", topic="findings"):
    """Cases will be drawn at random by the root of a checkpoint that nobody knows yet (M32)."""

    actor: str
    count: int
    since: datetime
    until: datetime
    """Of the cases that were closed in this time …"""
    department: str | None = None
    """… and led by this department last; of all where none is named."""
    size: int
    """The first checkpoint that is of more entries than this, and covers this entry, draws."""


class SampleDrawn(Event, type="sample.drawn", topic="findings"):
    """The cases that were drawn: anybody who has the entries can draw them again."""

    checkpoint: str
    """The one that drew them, as it was signed."""
    of: int
    """How many cases there were to draw from."""
    cases: tuple[str, ...]
