"""Topic `findings`, owned by the audit: what the trail says of itself."""

from __future__ import annotations

from typing import Literal

from shared.events.envelope import Event


class KeyIntroduced(Event, type="trail.key_introduced", topic="findings"):
    """A key by which receipts are signed from here on, as a C2SP verifier key."""

    use: Literal["receipt"]
    vkey: str


class TrailTicked(Event, type="trail.ticked", topic="findings"):
    """Time passed with nothing else to record: time in the trail moves by ticks."""

    case_count: int | None = None
