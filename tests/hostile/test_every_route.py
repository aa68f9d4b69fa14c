"""Whatever route there is, or will be: who may not, does not; and nobody reads another department's case by it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.embedded import embedded
from services.routing.handlers import CASE_KIND
from shared.aggregate import Aggregates
from shared.embedded import Embedded
from shared.rights import Gate, may, person
from shared.rights.gate import CSRF_HEADER
from shared.rights.policy import RIGHTS_OF_ROLE
from shared.settings import Settings
from shared.web.limit import MOST
from tests.hostile.every_route import Ask, asks
from tests.installations import in_a_loop
from tests.people_house import HTML

STRANGER, OWNER, COORDINATOR = "labour-officer-1", "housing-officer-1", "coordination-officer-1"
SECRET = "zirkonium"
LAMP = {
    "kind": "problem",
    "subject": f"路燈不亮 {SECRET}",
    "text": f"路燈不亮 {SECRET}",
    "sender": {"name": SECRET, "email": f"{SECRET}@citizen.example", "phone": "555 0199"},
}
FORGED = ("", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYXlvciJ9.", "\u00e9" * 10, "x" * 5000)
GARBLED = (
    "",
    "x",
    "..",
    "%2e%2e",
    "%00",
    "'--",
    "\U0001f4a1",
    "x" * 90,
    "x" * 5000,
    "a/b",
    "{}",
    "%0d%0aX:1",
)
WORDS = (" ", "\x1f\t\n", "\x00", "\ud800", "x" * 30_000, "\U0001f4a1\u202e")
HUGE = "9" * 40
CURSORS = ["x", "-1", HUGE, f"{HUGE}-x", f"{HUGE}.x", "1.", "1-", "\u0661-x", "\x00"]
CURSORS += [
    urlsafe_b64encode(json.encode()).decode().rstrip("=")
    for json in ("5", "null", "[]", '["a"]', "[true,1]", f'[{HUGE},"x"]', '[1e999,"x"]', '[-1,"x"]', "{")
]


@dataclass
class Place:
    """An installation with one case in it, which is housing's."""

    one: Embedded
    app: FastAPI
    client: httpx.AsyncClient
    ref: str
    case: str
    message: str
    code: str
    delivery: str

    @property
    def gate(self) -> Gate:
        gate: Gate = self.app.state.gate
        return gate

    @property
    def gaps(self) -> dict[str, str]:
        """What stands in an address, as the case's own department would have it."""
        return {
            "ref": self.ref,
            "message_id": self.message,
            "code": self.code,
            "command": "accept",
            "name": "style.css",
            "path": "0/000",
            "message": self.message,
            "number": "1",
            "sequence": "1",
            "delivery_id": self.delivery,
            "group": "routing",
            "key_id": "0e8d9abf",
            "finding": f"finding_{self.case[5:]}",
            "order": f"order_{self.case[5:]}",
            "exclusion": f"exclusion_{self.case[5:]}",
            "sample": f"sample_{self.case[5:]}",
            "probe": f"probe_{self.case[5:]}",
            "key": self.case,
        }

    def as_(self, who: str | None, *, csrf: bool = True) -> None:
        """From here on this person asks."""
        self.client.cookies.clear()
        self.client.headers.pop(CSRF_HEADER, None)
        if who is not None:
            session, token = self.gate.sessions.issue(who, 1)
            self.client.cookies.set(self.gate.cookie, token)
            if csrf:
                self.client.headers[CSRF_HEADER] = self.gate.sessions.csrf(session.id)

    async def version(self) -> int:
        """How much has happened to the case."""
        return (await Aggregates(CASE_KIND, self.one.store, self.one.clock).load(self.case)).version


@asynccontextmanager
async def place(directory: Path) -> AsyncIterator[Place]:
    async with embedded(Settings(data=directory, smtp_port=0)) as one:
        app = one.app()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=one.house.public_url) as client:
            sent = (await client.post("/v1/messages", json=LAMP)).json()
            await one.idle()
            ref = (await client.get(f"/v1/track/{sent['tracking']}")).json()["ref"]
            case = await one.store.claimed(f"ref:{ref}")
            assert case is not None
            here = Place(one, app, client, ref, case, sent["message_id"], sent["tracking"], "")
            here.gate.stands = None  # no accounts are needed here
            here.as_(COORDINATOR)
            sent_out = (await client.get("/v1/deliveries", params={"case": ref})).json()["deliveries"]
            here.delivery = sent_out[0]["id"]
            yield here


@in_a_loop
async def test_nobody_gets_past_a_route_that_asks_for_a_right_whatever_their_cookie_says(
    tmp_path: Path,
) -> None:
    async with place(tmp_path) as here:
        closed = [ask for ask in asks(here.app, here.gaps) if not may(here.gate.anybody, ask.right)]
        assert len(closed) > 20
        for ask in closed:
            for cookie in FORGED:
                here.as_(None)
                forged = {b"Cookie": f"{here.gate.cookie}={cookie}".encode()}
                answer = await here.client.request(ask.method, ask.path, headers=forged)
                assert answer.status_code == 401, (str(ask), cookie[:20])
            assert (await ask.by(here.client, **HTML)).status_code == 303, ask
            assert (await ask.by(here.client, Authorization="Bearer tl_x_y")).status_code == 401, ask


@in_a_loop
async def test_each_role_is_refused_where_its_right_is_missing(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        organisation = here.one.house.organisation
        for role in RIGHTS_OF_ROLE:
            having = [one.id for one in organisation.people if role in organisation.roles(one.id)]
            who = min(having, key=lambda one: len(organisation.roles(one)))
            principal = person(organisation, who)
            assert principal is not None
            here.as_(who)
            for ask in asks(here.app, here.gaps):
                if not may(principal, ask.right):
                    assert (await ask.by(here.client)).status_code == 403, (role, str(ask))


@in_a_loop
async def test_a_form_without_its_token_does_nothing_on_any_route_that_needs_a_right(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        for ask in asks(here.app, here.gaps):
            if ask.method not in {"GET", "HEAD"} and not may(here.gate.anybody, ask.right):
                for who in (OWNER, COORDINATOR, "intake-clerk", "system-admin"):
                    here.as_(who, csrf=False)
                    answer = await ask.by(here.client)
                    assert answer.status_code == 403, (who, str(ask))
                    assert answer.json()["type"].endswith((":form-expired", ":not-allowed")), str(ask)
        assert await here.version() == 2


def queries(here: Place) -> list[dict[str, str]]:
    """Ways to ask for the case beside its address."""
    asked = (
        {"case": here.ref},
        {"ref": here.ref},
        {"department": "housing"},
        {"q": SECRET},
        {"id": here.case},
    )
    return [{}, *asked]


def is_the_senders(ask: Ask) -> bool:
    """Opened by the tracking code, which only the sender holds."""
    return "{code}" in ask.route


@in_a_loop
async def test_no_route_shows_or_touches_another_departments_case(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        for query in queries(here):
            for ask in asks(here.app, here.gaps, query):
                if is_the_senders(ask) or ask.path == "/v1/sign-out":
                    continue
                for headers in ({}, HTML):
                    here.as_(STRANGER)
                    answer = await ask.by(here.client, **headers)
                    if "{ref}" in ask.route:
                        assert answer.status_code in {403, 404}, (str(ask), answer.text[:200])
                    told = answer.text
                    for name, value in query.items():
                        told = told.replace(
                            f"{name}={value}", ""
                        )  # what was asked, in a link to ask it again
                    assert SECRET not in told, (str(ask), query)
                    assert here.ref not in told or answer.status_code >= 400, (str(ask), query)
        assert await here.version() == 2, "the case is as it was"
        here.as_(OWNER)
        assert SECRET in (await here.client.get(f"/cases/{here.ref}", headers=HTML)).text


@in_a_loop
async def test_by_a_case_of_ones_own_nothing_of_another_is_opened(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        mine = (await here.client.post("/v1/messages", json={"text": "A question"})).json()
        await here.one.idle()
        ref = (await here.client.get(f"/v1/track/{mine['tracking']}")).json()["ref"]
        here.as_(COORDINATOR)
        given = await here.client.post(f"/v1/cases/{ref}/assign", json={"department": "labour"})
        assert given.status_code == 200
        here.as_(STRANGER)
        assert (await here.client.get(f"/v1/cases/{ref}")).status_code == 200
        for ask in asks(here.app, here.gaps | {"ref": ref}):
            if "{ref}" in ask.route and ask.method == "GET":
                assert SECRET not in (await ask.by(here.client)).text, str(ask)


@in_a_loop
async def test_words_that_are_none_or_too_many_are_refused_and_no_failure(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        here.as_(OWNER)
        assert (await here.client.post(f"/v1/cases/{here.ref}/accept", json={})).status_code == 200
        for words in WORDS:
            for ask in asks(here.app, here.gaps):
                if ask.method == "POST" and ask.path not in {"/sign-out", "/v1/sign-out"}:
                    for who in (None, OWNER, COORDINATOR, "intake-clerk"):
                        here.as_(who)
                        answer = await ask.saying(words).by(here.client)
                        assert answer.status_code < 500, (str(ask), words[:9])


@in_a_loop
async def test_a_garbled_name_in_an_address_is_nothing_and_no_failure(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        codes = [here.code[:-1], here.code + "2", here.code[:-1] + ("2" if here.code[-1] != "2" else "3")]
        codes += [here.code[:5] + here.code[6:], here.message, here.ref]
        for garbled in (*GARBLED, *codes):
            for ask in asks(here.app, dict.fromkeys(here.gaps, garbled)):
                if "{" in ask.route:
                    for who in (None, OWNER, COORDINATOR, "intake-clerk"):
                        here.as_(who)
                        answer = await ask.by(here.client)
                        assert answer.status_code < 500, (str(ask), garbled[:20])
                        assert SECRET not in answer.text or garbled == here.ref, (str(ask), garbled[:20])


@in_a_loop
async def test_a_made_up_cursor_is_refused_or_ends_the_list_and_is_no_failure(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        for cursor in CURSORS:
            for ask in asks(here.app, here.gaps, {"cursor": cursor}):
                if ask.method == "GET":
                    for who in (COORDINATOR, "intake-clerk", "supervision-officer"):
                        here.as_(who)
                        answer = await ask.by(here.client)
                        assert answer.status_code < 500, (str(ask), cursor)


@in_a_loop
async def test_no_route_reads_a_body_further_than_it_may(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        most = max(MOST, here.one.settings.max_body)
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += MOST
                yield b" " * MOST

        for ask in asks(here.app, here.gaps):
            if ask.method in {"POST", "PUT", "PATCH", "DELETE"}:
                here.as_(COORDINATOR)
                sent, json = 0, {"Content-Type": "application/json"}
                answer = await here.client.request(ask.method, ask.path, content=endless(), headers=json)
                assert answer.status_code < 500, str(ask)
                assert sent < 10 * most, str(ask)
                if ask.body is not None:
                    assert answer.status_code == 413, (str(ask), answer.text)
