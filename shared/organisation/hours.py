"""When the organisation works, as its file says it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared.calendar import Calendar, Day, DayKind, Windows, Zone, is_known_country, official_calendar
from shared.organisation.part import Part
from shared.organisation.text import Text

_LONGEST = 60


def _known_country(country: str) -> str:
    if not is_known_country(country):
        raise ValueError(f"{country!r} is no country with known holidays: write a code such as CN or TW")
    return country


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
    weekend: frozenset[Annotated[int, Field(ge=0, le=6)]] | None = None
    """Weekly days off, Monday is 0; where absent, the country's."""
    closures: tuple[OwnDays, ...] = ()
    make_up_days: tuple[OwnDays, ...] = ()
    announced_until: int | None = None
    """The last year whose holidays are known to be announced; where absent, what the holiday tables say."""

    def calendar(self) -> Calendar:
        """Its materialised calendar."""
        closed = {
            d: Day(kind=DayKind.CLOSURE, name=dict(o.names.root)) for o in self.closures for d in o.days()
        }
        extra = {
            d: Day(kind=DayKind.EXTRA_DAY, name=dict(o.names.root))
            for o in self.make_up_days
            for d in o.days()
        }
        return official_calendar(
            zone=self.zone,
            windows=self.windows,
            country=self.country,
            weekend=self.weekend,
            own_days=closed | extra,
            announced_until=self.announced_until,
        )
