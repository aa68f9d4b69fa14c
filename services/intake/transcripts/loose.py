"""Looking into JSON that promises nothing: what has the wrong type counts as absent."""

from __future__ import annotations

import math
from typing import Any

MAX_MS = 10**10
"""About four months; a later time is a mistake of the file."""


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_dicts(value: Any) -> list[dict[str, Any]]:
    """The objects in an array; whatever else is in it is left out."""
    return [each for each in as_list(value) if isinstance(each, dict)]


def first(value: Any) -> dict[str, Any]:
    """The first element of an array if that is an object, else an empty one."""
    return as_dict(value[0]) if isinstance(value, list) and value else {}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def milliseconds(value: Any, *, unit: int = 1000) -> int | None:
    """A time as services write it: a number in `unit` ms, `"1.3s"`, `{"seconds": …, "nanos": …}`."""
    if isinstance(value, dict):
        whole, rest = milliseconds(value.get("seconds", 0)), milliseconds(value.get("nanos", 0), unit=1)
        return None if whole is None or rest is None else whole + rest // 1_000_000
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        time = float(value[:40].strip().removesuffix("s") if isinstance(value, str) else value) * unit
    except (ValueError, OverflowError):
        return None
    return round(time) if math.isfinite(time) and 0 <= time <= MAX_MS else None
