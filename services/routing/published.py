"""Which version of the organisation holds: an entry of the trail whenever it changes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shared.aggregate import Kind
from shared.events import Event, Record
from shared.events.organisation import OrganisationPublished
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


ORGANISATIONS = Collection("organisation")
ORGANISATION = Kind(ORGANISATIONS, "/routing", Published, _evolve)
