"""Accounts for the sample organisations, so that whoever starts it can look around at once."""

from __future__ import annotations

import asyncio

from services.routing.people.passwords import readable
from services.routing.people.people import People
from shared.service import House
from shared.settings import SAMPLE_ORGANISATIONS


async def ensure_sample_users(house: House) -> list[tuple[str, str, str]]:
    """Login, password and roles of the accounts made just now: a sample organisation's people, at its first start.

    Empty for any other organisation, and where there are accounts. Nobody can find the passwords out later:
    `throughline user password` gives a new one.
    """
    if house.settings.org.resolve() not in SAMPLE_ORGANISATIONS:
        return []
    people = People(house)
    if await people.all_accounts():
        return []
    users = [(one.id, readable(), _roles(house, one.id)) for one in house.organisation.people]
    await asyncio.gather(*(people.create(login, password) for login, password, _ in users))
    return users


def _roles(house: House, person: str) -> str:
    return ", ".join(sorted(house.organisation.roles(person)))
