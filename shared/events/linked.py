"""Topic `cases`, owned by routing: cases that have to do with one another."""

from __future__ import annotations

from typing import Literal

from shared.events.cases import CaseEvent
from shared.events.content import ContentRef
from shared.events.messages import Kind

Relation = Literal["related", "parent", "part"]


class CaseMerged(CaseEvent, type="case.merged", topic="cases"):
    """It is the same matter as another case, which goes on for both."""

    into: str
    """The other case's id."""
    into_ref: str


class CaseJoined(CaseEvent, type="case.joined", topic="cases"):
    """Another case was merged into this one: its sender hears what this one's hears."""

    case: str
    ref: str


class CaseLinked(CaseEvent, type="case.linked", topic="cases"):
    """It has to do with another case; both say so."""

    case: str
    ref: str
    relation: Relation
    """What the other case is to this one."""
    answers: bool = False
    """The other case said so first."""


class CaseSplit(CaseEvent, type="case.split", topic="cases"):
    """Part of the matter goes its own way, as a case of its own."""

    part: str
    """The new case's id."""
    department: str | None = None
    """Who leads it; the coordinator dispatches it where nobody is named."""
    kind: Kind
    words: ContentRef
    """What the part is about: content of the shape `Note`."""
