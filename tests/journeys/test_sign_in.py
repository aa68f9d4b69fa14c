"""People sign in and do what their post lets them do; machines come with keys; everybody else stays outside."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from services.routing.people import AccountRefused, ensure_sample_users
from services.routing.people.attempts import LIMITS, WINDOW
from shared.rights import check_routes
from shared.rights.known import Known
from shared.web.pages import install
from tests.installations import in_a_loop
from tests.people_house import (
    ADMIN,
    HTML,
    OFFICER,
    OTHER_OFFICER,
    PASSWORD,
    START,
    SUPERVISOR,
    Town,
    things,
    town,
)

SIGN_IN = {"login": OFFICER, "password": PASSWORD}


def _token(page: str) -> str:
    return page.partition('name="csrf" value="')[2].partition('"')[0]


@in_a_loop
async def test_an_officer_signs_in_on_the_page_and_comes_back_to_where_they_wanted(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        sent_away = await browser.get("/cases?state=new", headers=HTML)
        assert sent_away.status_code == 303
        page = await browser.get(sent_away.headers["Location"], headers=HTML)
        assert 'name="next" value="/cases?state=new"' in page.text
        entered = await browser.post("/sign-in", data=SIGN_IN | {"next": "/cases?state=new"}, headers=HTML)
        assert (entered.status_code, entered.headers["Location"]) == (303, "/cases?state=new")
        cookie = entered.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        cases = await browser.get("/cases?state=new", headers=HTML)
        assert cases.status_code == 200
        assert 'href="/cases" aria-current="page"' in cases.text
        assert "/console" not in cases.text
        gone = await browser.post("/sign-out", data={"csrf": _token(cases.text)}, headers=HTML)
        assert gone.status_code == 303
        assert (await browser.get("/cases", headers=HTML)).status_code == 303


@in_a_loop
async def test_who_asked_for_no_page_begins_where_their_work_is(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        for login, home in ((OFFICER, "/cases"), (ADMIN, "/account")):
            entered = await browser.post("/sign-in", data={"login": login, "password": PASSWORD})
            assert entered.headers["Location"] == home


@in_a_loop
async def test_a_program_is_told_to_sign_in_and_a_page_asks_for_it(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        answer = await browser.get("/cases")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["type"].endswith(":sign-in-needed")


@in_a_loop
async def test_unknown_closed_and_wrong_are_one_answer(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        await place.people.close(OTHER_OFFICER, "test")
        answers = []
        for login, password in ((OFFICER, "wrong"), ("no-such-person", "wrong"), (OTHER_OFFICER, PASSWORD)):
            async with place.browser() as browser:
                answer = await browser.post("/v1/sign-in", json={"login": login, "password": password})
                assert answer.status_code == 401
                assert "Set-Cookie" not in answer.headers
                answers.append(answer.text)
        assert len(set(answers)) == 1


@in_a_loop
async def test_somebody_signs_in_by_mail_address_too(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        mail = place.house.organisation.person[OFFICER].mail
        answer = await browser.post("/v1/sign-in", json={"login": mail.upper(), "password": PASSWORD})
        assert answer.json()["person"] == OFFICER


@in_a_loop
async def test_each_may_what_their_role_says_and_another_departments_case_is_not_there(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as place:
        for person, path, status in (
            (OFFICER, "/cases/housing", 200),
            (OFFICER, "/cases/labour", 404),
            (OTHER_OFFICER, "/cases/housing", 404),
            (SUPERVISOR, "/cases/housing", 200),
            (ADMIN, "/cases/housing", 403),
        ):
            async with place.signed_in(person) as browser:
                assert (await browser.get(path)).status_code == status, (person, path)


@in_a_loop
async def test_a_form_of_another_site_does_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser:
        token = browser.headers.pop("X-CSRF-Token")
        assert (await browser.post("/cases/housing", data={"csrf": token})).status_code == 200
        assert (await browser.post("/cases/housing", headers={"X-CSRF-Token": token})).status_code == 200
        for wrong in ({}, {"csrf": ""}, {"csrf": token[:-1]}):
            refused = await browser.post("/cases/housing", data=wrong)
            assert refused.status_code == 403
            assert refused.json()["type"].endswith(":form-expired")
        assert (await browser.get("/cases/housing")).status_code == 200, "looking needs no token"


@in_a_loop
async def test_a_public_form_needs_no_token_but_is_then_nobodys(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser:
        assert (await browser.post("/open")).json() == {"who": OFFICER}
        del browser.headers["X-CSRF-Token"]
        assert (await browser.post("/open")).json() == {"who": "nobody"}


@in_a_loop
async def test_signing_in_again_begins_a_new_session_and_ends_the_old_one(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser, place.browser() as thief:
        name = place.app.state.gate.cookie
        thief.cookies.set(name, browser.cookies[name])
        assert (await thief.get("/cases/housing")).status_code == 200
        old = browser.cookies[name]
        await browser.post("/v1/sign-in", json=SIGN_IN)
        assert browser.cookies[name] != old
        assert (await thief.get("/cases/housing")).status_code == 401


@in_a_loop
async def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser, place.browser() as thief:
        name = place.app.state.gate.cookie
        thief.cookies.set(name, browser.cookies[name])
        assert (await browser.post("/v1/sign-out")).status_code == 204
        assert name not in browser.cookies
        assert (await thief.get("/cases/housing")).status_code == 401


@in_a_loop
async def test_a_new_password_ends_all_other_sessions(tmp_path: Path) -> None:
    async with (
        town(tmp_path) as place,
        place.signed_in(OFFICER) as one,
        place.signed_in(OFFICER) as two,
    ):
        short = await one.post("/v1/password", json={"current": PASSWORD, "new": "short"})
        assert short.status_code == 422
        wrong = await one.post("/v1/password", json={"current": "wrong", "new": "another-good-one"})
        assert wrong.status_code == 401
        changed = await one.post("/v1/password", json={"current": PASSWORD, "new": "another-good-one"})
        assert changed.status_code == 200
        assert (await one.get("/cases/housing")).status_code == 200
        assert (await two.get("/cases/housing")).status_code == 401
        assert (await two.post("/v1/sign-in", json=SIGN_IN)).status_code == 401


@in_a_loop
async def test_the_own_password_is_changed_on_the_page(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser:
        page = await browser.get("/account?lang=en")
        assert "contact officer" in page.text
        form = {"csrf": _token(page.text), "current": PASSWORD, "new": "another-good-one"}
        del browser.headers["X-CSRF-Token"]
        done = await browser.post("/account/password", data=form, follow_redirects=True)
        assert done.status_code == 200
        assert "All your other sessions have ended" in done.text


@in_a_loop
async def test_a_closed_account_is_out_at_once(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser:
        await place.people.close(OFFICER, "test")
        assert (await browser.get("/cases/housing")).status_code == 401
        await place.people.reopen(OFFICER, "test")
        assert (await browser.get("/cases/housing")).status_code == 401, "the old session stays ended"
        assert (await browser.post("/v1/sign-in", json=SIGN_IN)).status_code == 200


@in_a_loop
async def test_a_session_ends_by_itself(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.signed_in(OFFICER) as browser:
        place.clock.advance_to(START + timedelta(hours=place.house.settings.session_hours))
        assert (await browser.get("/cases/housing")).status_code == 401


async def _fail(place: Town, times: int, address: str = "192.0.2.1") -> None:
    async with place.browser(address) as browser:
        for _ in range(times):
            answer = await browser.post("/v1/sign-in", json={"login": OFFICER, "password": "wrong"})
            assert answer.status_code == 401


@in_a_loop
async def test_who_guesses_must_wait_and_is_told_how_long(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        await _fail(place, LIMITS["both"])
        refused = await browser.post("/v1/sign-in", json=SIGN_IN)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) == WINDOW.total_seconds()
        assert "15 min" in refused.json()["detail"]
        page = await browser.post("/sign-in", data=SIGN_IN, headers=HTML | {"Accept-Language": "zh-CN"})
        assert page.status_code == 429
        assert "15 分钟" in page.text
        async with place.browser("192.0.2.99") as elsewhere:
            entered = await elsewhere.post("/v1/sign-in", json=SIGN_IN)
            assert entered.status_code == 200, "a stranger's guesses lock nobody out"
        place.clock.advance_to(START + WINDOW)
        assert (await browser.post("/v1/sign-in", json=SIGN_IN)).status_code == 200


@in_a_loop
async def test_slips_before_the_right_password_are_forgotten(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        for _ in range(2):
            await _fail(place, LIMITS["both"] - 1)
            assert (await browser.post("/v1/sign-in", json=SIGN_IN)).status_code == 200


@in_a_loop
async def test_every_service_knows_at_once_whose_session_and_key_hold_no_more(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        place.store.only_writer = False  # each service is a process of its own
        beside = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        install(beside, place.house)
        beside.include_router(things(place.house))
        Known.of(place.house).wire(beside)
        async with (
            httpx.AsyncClient(
                transport=httpx.ASGITransport(beside), base_url=place.house.public_url
            ) as elsewhere,
            place.signed_in(OFFICER) as browser,
        ):
            key = await place.people.issue_key("watch", ["cases.read"], ADMIN)
            asking = {"Authorization": f"Bearer {key}"}
            elsewhere.cookies.update(browser.cookies)
            assert (await elsewhere.get("/open")).json() == {"who": OFFICER}
            assert (await elsewhere.get("/cases/housing", headers=asking)).status_code != 401
            await browser.post("/v1/sign-out")
            await place.people.revoke_key(key, ADMIN)
            assert (await elsewhere.get("/open")).json() != {"who": OFFICER}
            assert (await elsewhere.get("/cases/housing", headers=asking)).status_code == 401


@in_a_loop
async def test_a_machine_may_what_its_key_carries_until_it_is_revoked(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as caller:
        key = await place.people.issue_key("front-desk", ["cases.read"], "test")
        caller.headers["Authorization"] = f"Bearer {key}"
        assert (await caller.get("/cases/housing")).status_code == 200
        assert (await caller.post("/cases/housing")).status_code == 403
        for wrong in (key[:-1] + ("0" if key[-1] != "0" else "1"), "tl_", "tl_x_y", "something else", ""):
            caller.headers["Authorization"] = f"Bearer {wrong}"
            refused = await caller.get("/open")
            assert (refused.status_code, refused.json()["type"][-16:]) == (401, "key-not-accepted"), wrong
        await place.people.revoke_key(key, "test")
        caller.headers["Authorization"] = f"Bearer {key}"
        assert (await caller.get("/cases/housing")).status_code == 401


@in_a_loop
async def test_a_key_is_refused_where_it_would_carry_too_much_or_has_no_proper_name(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        for name, rights in (
            ("a", ["people.manage"]),
            ("a", []),
            ("a", ["nonsense"]),
            ("Two Words", ["cases.read"]),
        ):
            with pytest.raises(AccountRefused):
                await place.people.issue_key(name, rights, "test")


@in_a_loop
async def test_neither_password_nor_secret_stands_in_any_event(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        key = await place.people.issue_key("front-desk", ["messages.submit"], "test")
        await place.people.set_password(OFFICER, "another-good-one", OFFICER)
        values = [record.value for _, record in place.store.events_after(0, 1000)]
        assert len(values) == 6
        for value in values:
            for secret in (b"argon2", b"_hash", PASSWORD.encode(), key.rpartition("_")[2].encode()):
                assert secret not in value


@in_a_loop
async def test_over_https_the_cookie_is_bound_to_the_host_and_to_https(tmp_path: Path) -> None:
    async with town(tmp_path, public_url="https://town.example") as place, place.browser() as browser:
        cookie = (await browser.post("/v1/sign-in", json=SIGN_IN)).headers["Set-Cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie


@in_a_loop
async def test_another_sites_sign_in_form_is_refused(tmp_path: Path) -> None:
    async with town(tmp_path) as place, place.browser() as browser:
        answer = await browser.post("/sign-in", data=SIGN_IN, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


@in_a_loop
async def test_sample_users_are_made_once_and_can_sign_in(tmp_path: Path) -> None:
    async with town(tmp_path / "used") as place:
        assert await ensure_sample_users(place.house) == [], "there are accounts already"
    async with town(tmp_path / "fresh", people=()) as place:
        users = await ensure_sample_users(place.house)
        assert {login for login, _, _ in users} == set(place.house.organisation.person)
        assert len({password for _, password, _ in users}) == len(users)
        assert await ensure_sample_users(place.house) == []
        login, password, role = users[0]
        async with place.browser() as browser:
            entered = await browser.post("/v1/sign-in", json={"login": login, "password": password})
            assert ", ".join(entered.json()["roles"]) == role


@in_a_loop
async def test_every_route_of_sign_in_names_its_right(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        check_routes(place.app)
