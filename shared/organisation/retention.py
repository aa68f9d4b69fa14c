"""How long the words of a closed case must be kept, by its kind, whoever asks for their erasure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from shared.events.messages import Kind

_PERIOD = re.compile(r"([1-9]\d{0,4})([dy])", re.ASCII)
_MOST_YEARS = 200


def _period(text: str) -> str:
    found = _PERIOD.fullmatch(text)
    if found is None or (found[2] == "y" and int(found[1]) > _MOST_YEARS):
        raise ValueError(f"{text!r} is no period: write days or years after closing, such as 90d or 2y")
    return text


Period = Annotated[str, AfterValidator(_period)]
"""Plain days or calendar years, counted from when a case was closed: `90d`, `2y`."""

Retention = Mapping[Kind | Literal["any"], Period]
"""Periods by kind of case; `any` for all others. Where none stands, nothing must be kept once a case is closed."""


def over(period: str, closed: datetime, zone: ZoneInfo) -> datetime:
    """When a period that runs from `closed` is over; the end of February 29 is March 1 where there is none."""
    found = _PERIOD.fullmatch(period)
    assert found is not None
    count = int(found[1])
    if found[2] == "d":
        return closed + timedelta(days=count)
    local = closed.astimezone(zone)
    try:
        ends = local.replace(year=local.year + count)
    except ValueError:
        ends = local.replace(year=local.year + count, month=3, day=1)
    return ends.astimezone(closed.tzinfo)
