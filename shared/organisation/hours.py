"""When the organisation works, as its file says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared.calendar import Calendar, Day, DayKind, Windows, Zone, is_known_country, official_calendar
from shared.organisation.part import Part
from shared.organisation.text import Text

_LONGEST = 60
_REMEMBERED = 32

NO_HOLIDAYS = "none"
"""A department's `country` where no holiday holds, whatever the organisation's country is."""

_ROUND_THE_CLOCK: dict[str, object] = {
    "windows": ["00:00-24:00"],
    "weekend": [],
    "country": NO_HOLIDAYS,
    "closures": [],
    "make_up_days": [],
}


def _known_country(country: str) -> str:
    if not is_known_country(country):
        raise ValueError(f"{country!r} is no country with known holidays: write a code such as CN or TW")
    return country


def _country_or_none(country: str) -> str:
    return country if country == NO_HOLIDAYS else _known_country(country)


Weekend = frozenset[Annotated[int, Field(ge=0, le=6)]]


class OwnDays(Part):
    """A day, or the days from `day` to `until`, that differ from the state's calendar."""

    day: date
    until: date | None = None
    names: Text

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.until and not 0 <= (self.until - self.day).days < _LONGEST:
            raise ValueError(
                f"{self.day} until {self.until} runs backwards or over more than {_LONGEST} days"
            )
        return self

    def days(self) -> Iterator[date]:
        """Each of them."""
        for n in range(((self.until or self.day) - self.day).days + 1):
            yield self.day + timedelta(n)


class Hours(Part):
    """Zone, daily windows, the country whose holidays hold, and the organisation's own exceptions."""

    zone: Zone
    windows: Windows
    country: Annotated[str, AfterValidator(_known_country)] | None = None
    weekend: Weekend | None = None
    """Weekly days off, Monday is 0; where absent, the country's, and Saturday and Sunday without a country."""
    closures: tuple[OwnDays, ...] = ()
    make_up_days: tuple[OwnDays, ...] = ()
    announced_until: int | None = None
    """The last year whose holidays are known to be announced; where absent, what the holiday tables say."""

    def calendar(self) -> Calendar:
        """Its materialised calendar. Equal hours share one, for making it costs about half a second."""
        return _materialised(self.model_dump_json())


class OwnHours(Part):
    """How a department's hours differ from the organisation's. What is absent is as there.

    Written as the one word `round-the-clock`, every second of every day is working time, whatever holidays and
    closures there are. A list replaces the organisation's list; with another `country` (`none`: without holidays)
    its weekend holds too, unless `weekend` is written.
    """

    zone: Zone | None = None
    windows: Windows | None = None
    country: Annotated[str, AfterValidator(_country_or_none)] | None = None
    weekend: Weekend | None = None
    closures: tuple[OwnDays, ...] | None = None
    make_up_days: tuple[OwnDays, ...] | None = None
    announced_until: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_a_word(cls, written: object) -> object:
        if not isinstance(written, str):
            return written
        if written != "round-the-clock":
            raise ValueError(
                f"{written!r} is no calendar: write round-the-clock, or what differs from the organisation's"
            )
        return _ROUND_THE_CLOCK

    def over(self, general: Hours) -> Hours:
        """These hours, completed from the organisation's."""
        own = {name: value for name, value in self if value is not None}
        if self.country is not None:
            country = None if self.country == NO_HOLIDAYS else self.country
            own = {"weekend": None, "announced_until": None} | own | {"country": country}
        return general.model_copy(update=own)


@lru_cache(maxsize=_REMEMBERED)
def _materialised(written: str) -> Calendar:
    hours = Hours.model_validate_json(written)
    return official_calendar(
        zone=hours.zone,
        windows=hours.windows,
        country=hours.country,
        weekend=hours.weekend,
        own_days=_named(hours.closures, DayKind.CLOSURE) | _named(hours.make_up_days, DayKind.EXTRA_DAY),
        announced_until=hours.announced_until,
    )


def _named(own: tuple[OwnDays, ...], kind: DayKind) -> dict[date, Day]:
    return {day: Day(kind=kind, name=dict(one.names.root)) for one in own for day in one.days()}
