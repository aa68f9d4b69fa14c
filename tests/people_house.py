"""An application with sign-in on the real store, under the sample organisation and a simulated clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel

from services.routing.people import COLLECTIONS, People, router
from shared.clock import SimulatedClock
from shared.content.embedded import EmbeddedContent
from shared.keys import Keys
from shared.organisation import Organisation, load
from shared.rights import Principal, Right, may_see_case, requires
from shared.service import House
from shared.settings import SAMPLE_ORGANISATION, Settings
from shared.store import Unavailable
from shared.store.sqlite import SqliteStore
from shared.web.pages import Pages, install
from shared.web.problems import not_found

START = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
OFFICER, OTHER_OFFICER, ADMIN, SUPERVISOR = (
    "housing-officer-1",
    "labour-officer-1",
    "system-admin",
    "supervision-officer",
)
PASSWORD = "lantern-river-42"
HTML = {"Accept": "text/html"}


@cache
def organisation() -> Organisation:
    return load(SAMPLE_ORGANISATION)


class Thing(BaseModel):
    """Something with a field that can be wrong."""

    number: int


def things(house: House) -> APIRouter:
    """A few routes such as services have."""
    routes, pages = APIRouter(), Pages(house)

    @routes.get("/open")
    async def for_everybody(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> dict[str, str]:
        return {"who": principal.id}

    @routes.post("/open")
    async def said_by(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> dict[str, str]:
        return {"who": principal.id}

    @routes.post("/things")
    async def a_thing(
        thing: Thing, principal: Annotated[Principal, requires(Right.SUBMIT)]
    ) -> dict[str, int]:
        return {"number": thing.number}

    @routes.get("/cases")
    async def cases(
        request: Request, principal: Annotated[Principal, requires(Right.CASES_READ)]
    ) -> Response:
        return pages.render(request, "base.html")

    @routes.get("/cases/{department}")
    async def case(department: str, principal: Annotated[Principal, requires(Right.CASES_READ)]) -> str:
        if not may_see_case(principal, department=department):
            raise not_found("case")
        return department

    @routes.post("/cases/{department}")
    async def handled(department: str, principal: Annotated[Principal, requires(Right.CASES_HANDLE)]) -> str:
        return principal.id

    @routes.get("/breaks")
    async def breaks(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> None:
        raise RuntimeError("the secret inside")

    @routes.get("/full")
    async def full(principal: Annotated[Principal, requires(Right.PUBLIC)]) -> None:
        raise Unavailable("disk full")

    return routes


@dataclass
class Town:
    """The application, and what stands behind it."""

    app: FastAPI
    house: House
    people: People
    clock: SimulatedClock
    store: SqliteStore

    def browser(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """Somebody at a network address, with cookies of their own."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url=self.house.public_url)

    @asynccontextmanager
    async def signed_in(self, person: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser in which somebody has signed in; its CSRF token goes with everything."""
        async with self.browser() as browser:
            answer = await browser.post("/v1/sign-in", json={"login": person, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield browser


@asynccontextmanager
async def town(
    directory: Path,
    *,
    public_url: str = "http://town.example",
    people: Sequence[str] = (OFFICER, OTHER_OFFICER, ADMIN, SUPERVISOR),
) -> AsyncIterator[Town]:
    settings = Settings(data=directory, org=SAMPLE_ORGANISATION, public_url=public_url)
    clock = SimulatedClock(START)
    store = SqliteStore(directory, COLLECTIONS)
    await store.open()
    try:
        content = EmbeddedContent(store, directory / "content")
        house = House(settings, clock, store, content, Keys(directory / "keys"), organisation(), directory)
        desk = People(house)
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        install(app, house)
        app.include_router(router(house, desk))
        app.include_router(things(house))
        desk.wire(app)
        for person in people:
            await desk.create(person, PASSWORD)
        yield Town(app, house, desk, clock, store)
    finally:
        await store.close()
