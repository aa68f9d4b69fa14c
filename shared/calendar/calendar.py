"""A materialised calendar: which seconds are working time, for every day it knows."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_serializer, model_validator

from shared.calendar.errors import BeyondCalendarError
from shared.calendar.timeline import Span, Timeline, instant

_WINDOW = re.compile(r"(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)")
_DAY_SECONDS = 86_400


class Window(BaseModel):
    """Part of a working day, from `opens` up to `closes`, in seconds of the local wall clock."""

    model_config = ConfigDict(frozen=True)

    opens: int = Field(ge=0, lt=_DAY_SECONDS)
    closes: int = Field(gt=0, le=_DAY_SECONDS)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _WINDOW.fullmatch(value.strip())
        if found is None:
            raise ValueError(f"{value!r} is no window: write it as 09:00-12:00")
        hour, minute, last_hour, last_minute = map(int, found.groups())
        if minute > 59 or last_minute > 59 or hour > 23 or last_hour * 60 + last_minute > 1_440:
            raise ValueError(f"{value!r} is no window: times run from 00:00 to 24:00")
        return {"opens": hour * 3_600 + minute * 60, "closes": last_hour * 3_600 + last_minute * 60}

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError(
                f"{self} runs past midnight or backwards: end it at 24:00 and begin another window at 00:00"
            )
        return self

    @model_serializer
    def __str__(self) -> str:
        return "-".join(f"{t // 3_600:02}:{t % 3_600 // 60:02}" for t in (self.opens, self.closes))


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{zone!r} is no time zone: write an IANA name such as Asia/Shanghai") from error
    return zone


def _in_order(windows: tuple[Window, ...]) -> tuple[Window, ...]:
    for earlier, later in pairwise(windows):
        if later.opens < earlier.closes:
            raise ValueError(
                f"{later} begins before {earlier} has ended: put windows in order, without overlap"
            )
    return windows


Zone = Annotated[str, AfterValidator(_known_zone)]
Windows = Annotated[tuple[Window, ...], Field(min_length=1), AfterValidator(_in_order)]


class DayKind(StrEnum):
    """Why a day differs from the week's pattern."""

    HOLIDAY = "holiday"
    MAKE_UP_DAY = "make_up_day"
    CLOSURE = "closure"
    EXTRA_DAY = "extra_day"

    @property
    def is_working(self) -> bool:
        """A make-up day is the state's, an extra working day the organisation's own."""
        return self in {DayKind.MAKE_UP_DAY, DayKind.EXTRA_DAY}


class Day(BaseModel):
    """A day that differs from the week's pattern, and its name by language (`zh-Hant`, `zh-Hans`, `en`)."""

    model_config = ConfigDict(frozen=True)

    kind: DayKind
    name: dict[str, str] = Field(default_factory=dict)


class Calendar(BaseModel):
    """Zone, windows and day types from `first` to `last`; a value, so that a version of it can be kept by its
    digest.

    `weekend` holds the weekly days off (Monday is 0), `days` what differs from that. Days after
    `announced_until` are provisional: their holidays were computed, not announced.
    """

    model_config = ConfigDict(frozen=True)

    zone: Zone
    windows: Windows
    weekend: frozenset[int] = frozenset({5, 6})
    days: dict[date, Day] = Field(default_factory=dict)
    first: date
    last: date
    announced_until: date | None = None

    @model_serializer(mode="plain")
    def _canonical(self) -> dict[str, object]:
        return {
            "zone": self.zone,
            "windows": [str(window) for window in self.windows],
            "weekend": sorted(self.weekend),
            "days": {day.isoformat(): self.days[day].model_dump(mode="json") for day in sorted(self.days)},
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "announced_until": self.announced_until.isoformat() if self.announced_until else None,
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON (sorted keys, RFC 8785), in hexadecimal."""
        return hashlib.sha256(orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS)).hexdigest()

    @cached_property
    def tz(self) -> tzinfo:
        """Its time zone."""
        return ZoneInfo(self.zone)

    def local(self, moment: datetime) -> datetime:
        """The same instant on the organisation's clock."""
        return moment.astimezone(self.tz)

    def is_working_day(self, day: date) -> bool:
        """Whether anybody works on that day; raises `BeyondCalendarError` for a day it does not know."""
        if not self.first <= day <= self.last:
            raise BeyondCalendarError(f"the calendar knows {self.first} to {self.last}, not {day}")
        special = self.days.get(day)
        return special.kind.is_working if special else day.weekday() not in self.weekend

    def is_provisional(self, day: date) -> bool:
        """Whether that day's type was computed because its year is not announced yet."""
        return self.announced_until is not None and day > self.announced_until

    @cached_property
    def timeline(self) -> Timeline:
        """Every working second it knows, laid end to end."""
        return Timeline(self._spans(), first=self._at(self.first, 0), last=self._at(self.last, _DAY_SECONDS))

    @cached_property
    def explained(self) -> dict[date, Any]:
        """What `explain` remembers of its days."""
        return {}

    def _spans(self) -> list[Span]:
        days = (self.first + timedelta(n) for n in range((self.last - self.first).days + 1))
        spans = (
            Span(self._at(day, window.opens), self._at(day, window.closes), day.toordinal())
            for day in days
            if self.is_working_day(day)
            for window in self.windows
        )
        # A window that daylight saving skips whole has no seconds.
        return [span for span in spans if span.begin < span.end]

    def _at(self, day: date, seconds: int) -> int:
        return instant(datetime(day.year, day.month, day.day, tzinfo=self.tz) + timedelta(seconds=seconds))
