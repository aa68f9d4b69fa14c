"""Topic `cases`, owned by routing: what supervision asks of a case, and what it is answered (mechanism M15).

Each follows from a finding or an order of the audit (`findings.py`); the deadline is the case's, as all deadlines are.
"""

from __future__ import annotations

from shared.events.cases import CaseEvent
from shared.events.content import ContentRef


class ExplanationAsked(CaseEvent, type="case.explanation_asked", topic="cases"):
    """A department is asked how what a check found came about.

    Where nothing starts, nobody is asked: it is no department of the organisation's, or may know nothing of the case.
    """

    finding: str
    check: str
    department: str
    """Or `coordinator`."""


class CaseExplained(CaseEvent, type="case.explained", topic="cases"):
    """The department says how it came."""

    finding: str
    department: str
    words: ContentRef


class CaseOrdered(CaseEvent, type="case.ordered", topic="cases"):
    """A department must put something right (督辦單).

    Where nothing starts, the department is none of the organisation's.
    """

    order: str
    department: str
    limit: str
    words: ContentRef
    again: bool = False
    """What it did was not enough."""


class CaseRectified(CaseEvent, type="case.rectified", topic="cases"):
    """The department says what it put right (整改回覆單)."""

    order: str
    department: str
    words: ContentRef


class DemandDropped(CaseEvent, type="case.demand_dropped", topic="cases"):
    """Supervision decided without it: the explanation or the rectification is no longer owed."""

    about: str
    """The finding or the order."""
    department: str
