"""Cases over HTTP: who sees them, what may be done, what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.routing.api import router
from shared import rights
from shared.content.words import Sender
from shared.rights.gate import CSRF_HEADER
from shared.web import problems
from tests.installations import in_a_loop
from tests.unit.routing_room import Room, room


@dataclass
class Asking:
    """The API over a room, and who asks."""

    here: Room
    app: FastAPI
    gate: rights.Gate
    client: httpx.AsyncClient

    def as_(self, person: str) -> None:
        """From here on this person asks."""
        session, token = self.gate.sessions.issue(person, 0)
        self.client.cookies.set(self.gate.cookie, token)
        self.client.headers[CSRF_HEADER] = self.gate.sessions.csrf(session.id)


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[tuple[Room, httpx.AsyncClient, Asking]]:
    async with room(directory) as here:
        app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        gate = rights.Gate(
            here.house.settings, here.house.keys, here.clock, here.house.organisation, "http://here.example"
        )
        rights.install(app, gate)
        problems.install(app)
        app.include_router(router(here.office))
        rights.check_routes(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here.example") as client:
            yield here, client, Asking(here, app, gate, client)


@in_a_loop
async def test_an_officer_sees_and_handles_the_cases_of_the_own_department_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        roof = (await here.case(await here.arrives("The roof leaks"))).ref
        asking.as_("water-officer")
        assert (await client.get("/v1/cases")).json()["cases"] == []
        assert (await client.get("/v1/cases?department=housing")).status_code == 404
        assert (await client.get(f"/v1/cases/{roof}")).status_code == 404
        assert (await client.post(f"/v1/cases/{roof}/accept", json={})).status_code == 404
        asking.as_("housing-officer")
        assert [one["ref"] for one in (await client.get("/v1/cases")).json()["cases"]] == [roof]
        done = await client.post(f"/v1/cases/{roof}/accept", json={})
        assert (done.status_code, done.json()["state"]) == (200, "accepted")
        assert (
            await client.post(f"/v1/cases/{roof}/assign", json={"department": "water"})
        ).status_code == 403
        asking.as_("leader-one")
        assert (await client.post(f"/v1/cases/{roof}/answer", json={"text": "x"})).status_code == 403


@in_a_loop
async def test_a_case_shows_why_who_by_when_and_what_was_written(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        ref = (await here.case(await here.arrives("The roof leaks", subject="Roof"))).ref
        asking.as_("housing-officer")
        await client.post(f"/v1/cases/{ref}/accept", json={})
        await client.post(f"/v1/cases/{ref}/answer", json={"text": "A carpenter comes", "final": False})
        answer = await client.get(f"/v1/cases/{ref.lower()}")
        shown = answer.json()
        assert answer.headers["ETag"] == '"4"'
        assert shown["explanation"]["words"] == ["roof"]
        assert shown["messages"][0]["text"] == "The roof leaks"
        assert shown["messages"][0]["sender"]["email"] == "wang@citizen.example"
        assert [one["kind"] for one in shown["obligations"]] == ["promise", "resolve"]
        assert [one["sequence"] for one in shown["timeline"]] == [1, 2, 3, 4]
        assert (shown["timeline"][-1]["actor"], shown["timeline"][-1]["text"]) == (
            "housing-officer",
            "A carpenter comes",
        )
        assert {"contact", "ask", "assist", "extend", "answer"} <= set(shown["commands"])
        assert not {"assign", "sign-off", "suspend"} & set(shown["commands"])


@in_a_loop
async def test_a_command_is_done_once_under_its_key_and_not_on_an_old_version(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        ref = (await here.case(await here.arrives())).ref
        asking.as_("housing-officer")
        old = await client.post(f"/v1/cases/{ref}/accept", json={}, headers={"If-Match": '"1"'})
        assert old.status_code == 412
        for repeated in (False, True):
            done = await client.post(
                f"/v1/cases/{ref}/accept", json={}, headers={"Idempotency-Key": "k", "If-Match": '"2"'}
            )
            assert (done.status_code, done.json()["version"], done.json()["repeated"]) == (200, 3, repeated)
        refused = await client.post(f"/v1/cases/{ref}/accept", json={})
        assert refused.status_code == 409
        assert refused.json()["rule"] == "accept-not-while-accepted"
        assert "application/problem+json" in refused.headers["Content-Type"]


@in_a_loop
async def test_lists_come_by_what_is_owed_next_page_by_page_and_filtered(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        for number in range(5):
            await here.arrives("The roof leaks", kind="problem" if number % 2 else "enquiry")
            here.clock.advance_to(here.clock.now() + timedelta(minutes=3))
        asking.as_("desk-officer")
        dues: list[str] = []
        cursor, pages = "", 0
        while cursor is not None:
            page = (
                await client.get("/v1/cases", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
            ).json()
            dues += [one["due"] for one in page["cases"]]
            assert page["count"] == 5
            cursor, pages = page["next"], pages + 1
        assert (len(dues), pages) == (5, 3)
        assert dues == sorted(dues)
        assert len((await client.get("/v1/cases?kind=enquiry")).json()["cases"]) == 3
        assert (await client.get("/v1/cases?overdue=true")).json()["cases"] == []
        here.clock.advance_to(here.clock.now() + timedelta(days=8, hours=3))
        asking.as_("desk-officer")
        late = (await client.get("/v1/cases?overdue=true")).json()["cases"]
        assert late
        assert all(one["overdue"] and one["owes"] == "accept" for one in late)
        assert (await client.get("/v1/cases?cursor=nonsense")).status_code == 400
        assert (await client.get("/v1/cases?state=lost")).status_code == 422


@in_a_loop
async def test_a_case_is_found_by_what_it_is_taken_for_and_says_who_owes_what(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        ref = (await here.case(await here.arrives())).ref
        await here.arrives()
        asking.as_("desk-officer")
        body = {"urgent": True, "case_class": "major"}
        assert (await client.post(f"/v1/cases/{ref}/classify", json=body)).status_code == 200
        for query in ("urgent=true", "class=major", "category=repairs&urgent=true"):
            assert [one["ref"] for one in (await client.get(f"/v1/cases?{query}")).json()["cases"]] == [ref]
        assert (await client.get("/v1/cases?category=supply")).json()["cases"] == []
        asking.as_("housing-officer")
        shown = (await client.get(f"/v1/cases/{ref}")).json()
        assert (shown["urgent"], shown["case_class"], shown["category_names"]) == (
            True,
            "major",
            {"en": "Repairs"},
        )
        owed = {one["kind"]: (one["owner_names"].get("en"), one["yours"]) for one in shown["obligations"]}
        assert owed["resolve"] == ("Housing", True)
        assert owed["promise"] == ("desk-officer", False)


@in_a_loop
async def test_the_sender_follows_the_case_and_closes_it_with_a_yes(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        ref = (await here.case(await here.arrives())).ref
        code = here.tracking_code(here.received[0])
        asking.as_("housing-officer")
        await client.post(f"/v1/cases/{ref}/accept", json={"text": "for our eyes only"})
        await client.post(f"/v1/cases/{ref}/answer", json={"text": "Repaired", "resolved": True})
        client.cookies.clear()
        told = (await client.get(f"/v1/track/{code}")).json()
        assert [one["what"] for one in told["entries"]] == ["received", "assigned", "answer"]
        assert (told["department"], told["entries"][-1]["text"], told["asks_feedback"]) == (
            "Housing",
            "Repaired",
            True,
        )
        assert "our eyes" not in str(told)
        heard = await client.post(f"/v1/track/{code}/feedback", json={"solved": True, "text": "Thank you"})
        assert heard.json() == {"ref": ref, "state": "closed"}
        garbled = code[:-1] + ("1" if code.endswith("0") else "0")
        assert (await client.get(f"/v1/track/{garbled}")).status_code == 404
        assert (await client.get("/v1/cases")).status_code == 401


@in_a_loop
async def test_who_reports_wrongdoing_is_named_to_the_coordinator_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as (here, client, asking):
        ref = (
            await here.case(await here.arrives(kind="report", sender=Sender(email="x@citizen.example")))
        ).ref
        asking.as_("desk-officer")
        assert (await client.get(f"/v1/cases/{ref}")).json()["messages"][0]["sender"]
        await client.post(f"/v1/cases/{ref}/assign", json={"department": "housing"})
        asking.as_("housing-officer")
        assert (await client.get(f"/v1/cases/{ref}")).json()["messages"][0]["sender"] is None


@in_a_loop
async def test_every_command_stands_in_the_openapi_with_its_body_and_errors(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, _, asking):
        api = asking.app.openapi()
        command = api["paths"]["/v1/cases/{ref}/uphold-return"]["post"]
        assert command["requestBody"]["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/UpholdReturn"
        }
        assert {"200", "403", "404", "409", "412"} <= set(command["responses"])
