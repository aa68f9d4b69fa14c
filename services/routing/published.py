"""Which version of the organisation holds: an entry of the trail whenever it changes; and the calendars of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict

from services.routing.course import versions
from services.routing.obligation import COORDINATOR
from shared.aggregate import Aggregates, Kind
from shared.events import Event, Record
from shared.events.organisation import CalendarsKept, OfficeCalendar, OrganisationPublished
from shared.organisation import Calendars, Organisation
from shared.service import House
from shared.store import Collection


class Published(BaseModel):
    """The version that holds, and the digest of its calendar."""

    model_config = ConfigDict(frozen=True)

    version: str
    calendar: str


def publish(state: Published | None, version: str, calendar: str) -> list[Event]:
    """An event where the version or its calendar is not the one that holds already."""
    if state == Published(version=version, calendar=calendar):
        return []
    return [OrganisationPublished(version=version, calendar=calendar)]


def _evolve(state: Published | None, event: Event, record: Record) -> Published:
    assert isinstance(event, OrganisationPublished), f"{record.id} is {record.type}"
    return Published(version=event.version, calendar=event.calendar)


def _kept(state: Calendars | None, event: Event, record: Record) -> Calendars:
    assert isinstance(event, CalendarsKept), f"{record.id} is {record.type}"
    return Calendars.model_validate_json(event.kept)


ORGANISATIONS = Collection("organisation")
CALENDARS = Collection("calendars")
ORGANISATION = Kind(ORGANISATIONS, "/routing", Published, _evolve)
KEPT = Kind(CALENDARS, "/routing", Calendars, _kept)
_ORGANISATION_ID = "org"


class Versions:
    """The versions of the organisation that ever held here."""

    def __init__(self, house: House) -> None:
        self._clock = house.clock
        self._organisation = house.organisation
        self._published: Aggregates[Published] = Aggregates(ORGANISATION, house.store, house.clock)
        self._calendars: Aggregates[Calendars] = Aggregates(KEPT, house.store, house.clock)

    async def publish(self) -> None:
        """Say which organisation and calendar hold from here on, where they changed; first keep its calendars."""
        organisation = self._organisation
        await self._calendars.answer(_id(organisation.version), "kept", lambda _, __: _keeping(organisation))
        version, calendar = organisation.version, organisation.calendar.digest
        await self._published.answer(
            _ORGANISATION_ID,
            f"start/{version}/{self._clock.now().isoformat()}",
            lambda state, _: publish(state, version, calendar),
        )

    async def change(self) -> str:
        """Names the change by which the version that holds came to hold: another one if it ever returns."""
        return f"{self._organisation.version}/{(await self._published.load(_ORGANISATION_ID)).version}"

    async def named_in(self, records: Iterable[Record]) -> Callable[[str], Calendars]:
        """The calendars of the versions that a case's records name; of one that was not kept, those that hold now."""
        now = self._organisation.all_calendars
        found = {self._organisation.version: now}
        for version in versions(records):
            if version and version not in found:
                found[version] = (await self._calendars.load(_id(version))).state or now
        return lambda version: found.get(version, now)


def _id(version: str) -> str:
    return f"calendars_{version}"


def _keeping(organisation: Organisation) -> list[Event]:
    calendars = organisation.all_calendars
    offices = {COORDINATOR: calendars.usual, **calendars.own}
    return [
        CalendarsKept(
            version=organisation.version,
            calendars=[OfficeCalendar(office=office, calendar=digest) for office, digest in offices.items()],
            kept=calendars.model_dump_json(),
        )
    ]
