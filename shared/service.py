"""What a service is, and what all services stand on.

Every service has the same front door: `services/<name>/__init__.py` holds `service(house) -> Service`, which states
what it subscribes to, what it publishes, its HTTP routes, its timers and what runs beside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter, FastAPI

from shared.bus import Inlet, Subscription, Tap
from shared.clock import Clock
from shared.content import ContentStore
from shared.content.derived import Derived
from shared.generation import trail_origin
from shared.keys import Keys
from shared.organisation import Organisation
from shared.settings import Settings
from shared.store import Collection, Document, Store
from shared.store.registers import Registers

MOST_FIRED_AT_ONCE = 512


@dataclass(frozen=True)
class House:
    """What all services stand on. Built once by a runner; nothing in it decides anything."""

    settings: Settings
    clock: Clock
    store: Store
    content: ContentStore
    keys: Keys
    organisation: Organisation
    directory: Path
    """Where a service may keep files of its own, in a folder of its name."""
    registers: Registers | None = None
    """What the instances of a service agree on; None where there can be but one of each."""
    again: Callable[[str], Awaitable[None]] | None = None
    """Has all events of an aggregate handed over once more, where they travel by a road on which one could be lost."""
    derived: Derived = field(default_factory=Derived)
    """Where services say how that is forgotten which they keep and which derives from content."""
    alone: bool = False
    """Whether nobody else can be at work on the store: this process holds the lock of its directory, so that whatever
    an earlier one had under way is over."""

    @property
    def public_url(self) -> str:
        """The address in links to people, without a slash at its end."""
        return (self.settings.public_url or f"http://{self.settings.host}:{self.settings.port}").rstrip("/")

    @property
    def origin(self) -> str:
        """The name of the installation's trail, which is also its log key's name."""
        return trail_origin(self.settings, self.organisation.id, self.directory)


@dataclass(frozen=True)
class Timer:
    """Who is called for documents of a collection that are due. Firing is a command like any other: at least once."""

    collection: Collection
    fire: Callable[[str, datetime], Awaitable[None]]
    offer: Callable[[Document], None] = lambda _: None
    """Hears what was read of each of them, just before."""
    stands: Callable[[], Awaitable[bool]] | None = None
    """Whether it stands still now, whatever is due: asked before each look."""


class Companion(Protocol):
    """What runs beside the handlers: an SMTP server, a sender."""

    async def start(self) -> None:
        """Begin; return once it is ready."""
        ...

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, return."""
        ...

    async def idle(self) -> None:
        """Return once nothing is under way."""
        ...

    def ready(self) -> str | None:
        """Why it is not ready, or None where it is."""
        ...


@dataclass(frozen=True)
class Service:
    """A service's front door."""

    name: str
    publishes: tuple[str, ...]
    subscriptions: Sequence[Subscription] = ()
    tap: Tap | None = None
    inlet: Inlet | None = None
    """Takes what other programs post straight to the bus."""
    timers: Sequence[Timer] = ()
    routers: Sequence[APIRouter] = ()
    companions: Sequence[Companion] = field(default_factory=tuple)
    needs_bus: bool = True
    """Whether it is of no use while events do not travel. What a door takes meanwhile waits in the store."""
    prepare: Callable[[], Awaitable[None]] | None = None
    """Called once the store is open, before anything is handed over."""
    wire: Callable[[FastAPI], None] | None = None
    """Called once with the application, before its routes are served."""
    late: Callable[[], list[str]] = list
    """What does not get on though it serves, a sentence each."""
    close: Callable[[], Awaitable[None]] | None = None
    """Called once nothing more is handed over, while the store is still open."""
