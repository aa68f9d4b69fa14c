"""The door out: what happened → deliveries.

What it hears and publishes stands in `front`, which is loaded when it is asked for: the process that talks to the relay
is made of parts of this package, and serves nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.notify.front import COLLECTIONS, KIND, Delivery, service

__all__ = ["COLLECTIONS", "KIND", "Delivery", "service"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("services.notify.front"), name)
