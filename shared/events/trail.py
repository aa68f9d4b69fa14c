"""Topic `findings`, owned by the audit: what the trail says of itself."""

from __future__ import annotations

from typing import Literal

from shared.events.envelope import Event


class KeyIntroduced(Event, type="trail.key_introduced", topic="findings"):
    """A key that signs from here on, as a C2SP verifier key: receipts, or checkpoints."""

    use: Literal["receipt", "log"]
    vkey: str


class KeyRetired(Event, type="trail.key_retired", topic="findings"):
    """A key that signs nothing any more. What it signed before this entry holds."""

    use: Literal["receipt", "log"]
    vkey: str


class TrailTicked(Event, type="trail.ticked", topic="findings"):
    """Time passed: time in the trail moves by ticks. Its aggregate's id follows from the instant."""


class GenerationOpened(Event, type="trail.generation_opened", topic="findings"):
    """A restore lost events: what stood above this checkpoint of the generation before is gone from here.

    The first entry of a generation. Deliveries are held until a person has looked.
    """

    generation: int
    """Counts from 1; this is the second or a later one."""
    last_known: str
    """The newest checkpoint of the generation before that is known, as it was signed."""
    kept: int
    """How many of its entries were restored."""
