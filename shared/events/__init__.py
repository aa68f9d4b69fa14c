"""The published language: the envelope and every event type. Services know each other by this alone."""

from shared.events import (
    cases,
    content,
    deliveries,
    facts,
    findings,
    linked,
    messages,
    organisation,
    supervised,
    trail,
)
from shared.events.envelope import (
    REGISTRY,
    Event,
    EventRefused,
    Part,
    Record,
    canonical,
    emit,
    timestamp,
)

TOPICS = ("messages", "cases", "rounds", "organisation", "deliveries", "publications", "findings")
"""Every topic, each with one owner (DESIGN.md section 4)."""

__all__ = [
    "REGISTRY",
    "TOPICS",
    "Event",
    "EventRefused",
    "Part",
    "Record",
    "canonical",
    "cases",
    "content",
    "deliveries",
    "emit",
    "facts",
    "findings",
    "linked",
    "messages",
    "organisation",
    "supervised",
    "timestamp",
    "trail",
]
