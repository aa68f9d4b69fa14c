"""The door in: channels → messages; receipts; quarantine; the balance of what came in.

What it hears and publishes stands in `front`, which is loaded when it is asked for: `throughline send` reads files with
parts of this package, and serves nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.intake.front import COLLECTIONS, service

__all__ = ["COLLECTIONS", "service"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("services.intake.front"), name)
