"""The supervision checks, one file each (mechanism M15). Pure."""

from __future__ import annotations

from typing import Any

from services.audit.checks.check import Check
from services.audit.checks.hole import Hole

CHECKS: tuple[Check[Any], ...] = (Hole(),)
"""In the order in which they are listed for people."""
