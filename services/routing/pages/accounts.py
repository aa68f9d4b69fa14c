"""A case's time account as the page draws and says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request

from services.routing.account import Account, Holder, Time
from shared.calendar import Interval, Limit
from shared.organisation import Organisation
from shared.organisation.text import Language
from shared.web.pages import Pages
from shared.web.spans import span

WIDTH = 1000
"""How wide the bar is drawn, in units of its own."""
_THINNEST = 3
_SHADES = 6
"""How many departments have a shade of their own in the style; after that they begin again."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of the bar."""

    x: int
    width: int
    shade: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a picture needs: a shade for each holder, and where each stretch stands."""

    shades: dict[Holder, str]
    bars: Sequence[Bar]


def drawn(account: Account) -> Drawn:
    """The bar, from arrival to the end of the account; what is very short can still be seen."""
    shades: dict[Holder, str] = {}
    for total in account.totals:
        holder = total.holder
        departments = sum(one.role == "department" for one in shades)
        number = departments % _SHADES + 1
        shades[holder] = f"department-{number}" if holder.role == "department" else holder.role
    whole = max(account.end - account.begin, timedelta(milliseconds=1))
    bars = []
    for one in account.held:
        x, end = ((at - account.begin) * WIDTH // whole for at in (one.begin, one.end))
        bars.append(Bar(min(x, WIDTH - _THINNEST), max(end - x, _THINNEST), shades[one.holder]))
    return Drawn(shades, bars)


class AccountWords:
    """Says the parts of an account in the reader's language."""

    def __init__(self, pages: Pages, organisation: Organisation, language: Language) -> None:
        self._pages = pages
        self._organisation = organisation
        self._language = language
        self._zone = ZoneInfo(organisation.hours.zone)

    def _word(self, key: str, **values: object) -> str:
        return self._pages.word(self._language, key, **values)

    def holder(self, holder: Holder) -> str:
        """Who had it."""
        if holder.role == "coordinator":
            return self._word("coordinator")
        if holder.role != "department":
            return self._word(f"account.{holder.role}")
        found = self._organisation.department.get(holder.department or "")
        return found.names.get(self._language) if found else str(holder.department)

    def wall(self, time: Time) -> str:
        """A time on the clock."""
        return span(self._pages, self._language, timedelta(milliseconds=time.wall))

    def worked(self, milliseconds: int) -> str:
        """Working time, in hours: no working day has twenty-four."""
        return span(self._pages, self._language, timedelta(milliseconds=milliseconds), days=False)

    def limit(self, text: str) -> str:
        """A limit in words."""
        limit = Limit.parse(text)
        one = "one_" if limit.number == 1 else ""
        return self._word(f"limit.{one}{limit.unit}", number=limit.number)

    def reason(self, interval: Interval) -> str:
        """Why an interval counts or does not; with the day's own name, where it has one."""
        said = [self._word(f"counting.{interval.reason}")]
        names = interval.name
        if names:
            said.append(names.get(self._language) or names.get("en") or next(iter(names.values())))
        if interval.provisional:
            said.append(self._word("account.provisional"))
        return " · ".join(said)

    def machine(self, at: datetime) -> str:
        """An instant on the organisation's clock, for programs."""
        return at.astimezone(self._zone).isoformat()

    def moment(self, at: datetime) -> str:
        """An instant in short."""
        local = at.astimezone(self._zone)
        weekday = self._word(f"weekday.{local.isoweekday()}")
        return self._word("account.stamp", weekday=weekday, date=f"{local:%m-%d}", time=f"{local:%H:%M}")

    def until(self, begin: datetime, end: datetime) -> str:
        """The end of a time: on the day it began, the hour alone; the day's last instant is its 24:00."""
        first, last = begin.astimezone(self._zone), end.astimezone(self._zone)
        if first.date() == last.date():
            return f"{last:%H:%M}"
        just_before = (end - timedelta(milliseconds=1)).astimezone(self._zone)
        if first.date() == just_before.date() and (last.hour, last.minute) == (0, 0):
            return "24:00"
        return self.moment(end)

    def course(self, account: Account) -> str:
        """Who had it in turn, as whoever can't see the bar is told."""
        parts = [f"{self.holder(one.holder)} {self.wall(one.time)}" for one in account.held]
        return self._word("account.bar", told="; ".join(parts))


def account_parts(
    pages: Pages, organisation: Organisation, request: Request, account: Account
) -> dict[str, Any]:
    """What `case/account.html` needs besides the case."""
    return {
        "drawn": drawn(account),
        "say": AccountWords(pages, organisation, pages.language(request)),
    }
