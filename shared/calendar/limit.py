"""A limit: how much time somebody has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from shared.calendar.errors import LimitError


class Unit(StrEnum):
    """`wm`, `wh` and `wd` are working minutes, hours and days; the others are plain time, for posts manned
    24/7.
    """

    WORKING_MINUTES = "wm"
    WORKING_HOURS = "wh"
    WORKING_DAYS = "wd"
    MINUTES = "min"
    HOURS = "h"
    DAYS = "d"


_SECONDS = {
    Unit.WORKING_MINUTES: 60,
    Unit.WORKING_HOURS: 3_600,
    Unit.MINUTES: 60,
    Unit.HOURS: 3_600,
    Unit.DAYS: 86_400,
}
_PATTERN = re.compile(r"(\d{1,5})(wm|wh|wd|min|h|d)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A positive number of one unit, written `30wm`, `4wh`, `5wd`, `15min`, `2h` or `7d`."""

    number: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.number < 1:
            raise LimitError(
                f"a limit of {self.number}{self.unit} gives nobody any time: write at least 1{self.unit}"
            )

    @classmethod
    @lru_cache(1024)
    def parse(cls, text: str) -> Limit:
        """Read a limit as the organisation file writes it; raises `LimitError`."""
        found = _PATTERN.fullmatch(text.strip())
        if found is None:
            raise LimitError(
                f"{text!r} is no limit: write a whole number and wm, wh or wd (working time) "
                "or min, h or d (plain time), such as 4wh or 15min"
            )
        return cls(int(found[1]), Unit(found[2]))

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"

    @property
    def is_working(self) -> bool:
        """Whether it is counted in working time."""
        return self.unit.startswith("w")

    @property
    def counts_days(self) -> bool:
        """Whether it ends at the close of a working day rather than after a sum of seconds."""
        return self.unit is Unit.WORKING_DAYS

    @property
    def seconds(self) -> int:
        """Its length in working or plain seconds; raises `LimitError` for working days, which vary."""
        if self.counts_days:
            raise LimitError(
                f"{self} has no length in seconds: a working day is as long as its calendar says"
            )
        return self.number * _SECONDS[self.unit]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> Limit:
            return value if isinstance(value, cls) else cls.parse(str(value))

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.to_string_ser_schema()
        )
