"""Lengths of time as people say them: two units at most, of plain time."""

from __future__ import annotations

from datetime import timedelta

from shared.organisation import Language
from shared.web.pages import Pages

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def span(pages: Pages, language: Language, length: timedelta, *, days: bool = True) -> str:
    """`3 days 4 hours`; what is less than a second or negative is none.

    Without `days` it is said in hours: no working day has twenty-four.
    """
    left = max(0, round(length.total_seconds()))
    parts: list[tuple[str, int]] = []
    for name, seconds in _UNITS if days else _UNITS[1:]:
        count, rest = divmod(left, seconds)
        if count or (parts and len(parts) < 2) or name == "second":
            parts.append((name, count))
        left = rest
    told = [
        pages.word(language, f"span.{name}{'' if count == 1 else 's'}", count=count)
        for name, count in parts[:2]
        if count or len(parts) == 1
    ]
    return told[0] if len(told) == 1 else pages.word(language, "span.two", larger=told[0], smaller=told[1])
