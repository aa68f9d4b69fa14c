"""What happens as an obligation ages (mechanism M12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, get_args

from pydantic import Field, GetCoreSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema, core_schema

from shared.calendar import Calendar, Limit, due, fraction_point
from shared.organisation.part import Part

Post = Literal[
    "holder", "deputy", "head", "leader", "principal", "group", "coordinator", "supervisors", "heads"
]
POSTS: tuple[Post, ...] = get_args(Post)
"""`group` is the leading group, `heads` the heads of all departments: what all are told of (通報)."""

Action = Literal["remind", "warn", "breach", "escalate", "circulate"]

DEEMED = "deemed"
"""The ladder of an acceptance that lapses into being accepted (視同簽收), which no organisation writes itself."""

SUPERVISION = "supervision"
"""The ladder of what supervision asks: `ladders` may have one of that name, else it climbs the usual one."""

_DUE = 10_000


@dataclass(frozen=True, slots=True)
class RungTime:
    """When a rung falls: at a share of the time (`75%`, in basis points) or so long after the due instant
    (`+1wd`).
    """

    basis_points: int
    offset: Limit | None = None

    @classmethod
    def parse(cls, text: str) -> RungTime:
        """Read a rung's time as the organisation file writes it; raises `ValueError`."""
        if text.startswith("+"):
            return cls(_DUE, Limit.parse(text[1:]))
        share = re.fullmatch(r"(\d{1,3})%", text)
        if share is None or not 0 < int(share[1]) <= 100:
            raise ValueError(
                f"{text!r} is no time of a rung: write a share such as 75% or an offset such as +1wd"
            )
        return cls(int(share[1]) * 100)

    def __str__(self) -> str:
        return f"+{self.offset}" if self.offset else f"{self.basis_points // 100}%"

    def instant(
        self, calendar: Calendar, start: datetime, end: datetime, limit: Limit, paused: int = 0
    ) -> datetime:
        """When it falls for an obligation that runs from `start` to `end` under that limit, in UTC.

        `paused`: the seconds by which pauses have moved its end, as the limit counts them.
        """
        if self.offset:
            return due(calendar, end, self.offset)
        return fraction_point(calendar, start, end, limit, self.basis_points, paused=paused)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: object) -> RungTime:
            return value if isinstance(value, cls) else cls.parse(str(value))

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.to_string_ser_schema()
        )


class Rung(Part):
    """At this time, this is done, and these are told.

    `to` names posts of the department that holds the case (`holder`, `deputy`, `head`, `leader`), the
    `principal` leader, the leading `group`, the `coordinator`, the `supervisors`, the `heads` of all departments, or
    a post of one certain department as `housing/head`.
    """

    at: RungTime
    action: Action
    to: tuple[str, ...] = Field(min_length=1)
    times: int = Field(1, ge=1, le=50)
    """So often, at one, two, three … times the offset."""

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, to: object) -> object:
        return [to] if isinstance(to, str) else to

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        before, exactly = self.at.basis_points < _DUE, self.at.offset is None
        fits = {
            "remind": before,
            "warn": before,
            "breach": not before and exactly,
            "escalate": not exactly,
            "circulate": not exactly,
        }
        if not fits[self.action]:
            raise ValueError(
                f"{self.action} does not fit {self.at}: remind and warn stand before 100%, breach at 100%, "
                "escalate and circulate after it, at an offset such as +1wd"
            )
        if self.times > 1 and exactly:
            raise ValueError(f"{self.at} can't be repeated: only an offset such as +1wd can")
        return self

    def each(self) -> Iterator[Rung]:
        """Its repetitions, one by one."""
        for n in range(1, self.times + 1):
            offset = self.at.offset
            at = self.at if offset is None else RungTime(_DUE, Limit(offset.number * n, offset.unit))
            yield self.model_copy(update={"at": at, "times": 1})
