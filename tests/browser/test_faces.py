"""Every page, for everybody it is open to, in three languages: no error, accessible, fit for a phone."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser

from shared.organisation.text import LANGUAGES, Language
from shared.rights.policy import RIGHTS_OF_ROLE
from tests.browser.looking import Eye, eye
from tests.browser.ways import page_routes, ways
from tests.living import Living

pytestmark = pytest.mark.browser

ROLES = (None, *RIGHTS_OF_ROLE)


def open_to(house: Living, role: str | None, beside: set[str] | None = None) -> dict[str, str]:
    """The pages that somebody of a role can reach, with their routes."""
    if role is not None:
        with house.signed_in(house.of_role[role]) as client:
            return ways(house.app, client, "/", "/account", beside=beside)
    codes = house.tracking
    given = [f"/track/{code}" for code in codes.values()] + [f"/received/{codes['new']}", "/sign-in"]
    with httpx.Client(base_url=house.url, timeout=60, trust_env=False) as client:
        return ways(house.app, client, "/", *given, beside=beside)


def test_a_fault_is_seen(chromium: Browser, house: Living) -> None:
    bad = """<h1>A</h1><img src="/no-such-picture.png"><p style="color: red"><font color="#bbb">pale</font></p>
        <table width="500"><tr><td>wide</table>"""
    with eye(chromium, house, "en", None) as looking:
        looking.page.goto(f"{house.url}/healthz")
        looking.page.set_content(bad, wait_until="networkidle")
        looking.look("/bad")
    wrong = "\n".join(looking.wrong)
    for fault in (
        "404 for",
        "inline style",
        "is in None",
        "image-alt",
        "color-contrast",
        "px wide on a phone",
    ):
        assert fault in wrong, wrong


def test_every_page_there_is_can_be_reached_by_somebody(house: Living) -> None:
    beside: set[str] = set()
    reached = {route for role in ROLES for route in open_to(house, role, beside).values()} | beside
    assert page_routes(house.app) - reached == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES)
def test_no_page_has_a_fault(chromium: Browser, house: Living, role: str | None, language: Language) -> None:
    with eye(chromium, house, language, role) as looking:
        for address in open_to(house, role):
            looking.go(address)
    assert not looking.wrong, "\n".join(looking.wrong)


@pytest.mark.parametrize("role", ROLES)
def test_without_script_nothing_is_missing(chromium: Browser, house: Living, role: str | None) -> None:
    with (
        eye(chromium, house, "zh-Hans", role) as with_script,
        eye(chromium, house, "zh-Hans", role, script=False) as without,
    ):
        for address in open_to(house, role):
            with_script.page.goto(house.url + address)
            without.page.goto(house.url + address)
            missing = set(with_script.stands_there()) - set(without.stands_there())
            assert not missing, f"{address}: {missing}"
            assert without.page.inner_text("h1").strip(), address


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_goes_wrong_is_said_on_a_page_without_a_fault(
    chromium: Browser, house: Living, language: Language
) -> None:
    with eye(chromium, house, language, None) as sender:
        sender.go("/nothing-is-here", status=404)
        sender.go("/track/KQ7M-no-such-code", status=404)
        sender.page.goto(f"{house.url}/")
        sender.page.fill("[name=text]", " ")
        sender.page.fill("[name=email]", "a@b")
        sender.page.click("main form button")
        assert sender.page.locator("[aria-invalid]").count(), "the form was to be refused"
        sender.look("/ refused")
        sender.page.goto(f"{house.url}/sign-in")
        sender.page.fill("[name=login]", "nobody")
        sender.page.fill("[name=password]", "wrong")
        sender.page.click("main form button")
        assert sender.page.locator("[role=alert]").count()
        sender.look("/sign-in refused")
    with eye(chromium, house, language, "officer") as officer:
        officer.go("/quarantine", status=403)
        _refused_password(officer, house)
        _refused_command(officer, house)
    assert not (wrong := sender.wrong + officer.wrong), "\n".join(wrong)


def _refused_password(officer: Eye, house: Living) -> None:
    officer.page.goto(f"{house.url}/account")
    officer.page.fill("[name=current]", "wrong")
    officer.page.fill("[name=new]", "lantern-river-43")
    officer.page.click("main form button")
    officer.look("/account refused")


def _refused_command(officer: Eye, house: Living) -> None:
    """An answer is sent on a page that meanwhile is old."""
    tracking = house.tracking["answered"]
    ref = httpx.get(f"{house.url}/v1/track/{tracking}", trust_env=False).json()["ref"]
    officer.page.goto(f"{house.url}/cases/{ref}")
    officer.page.evaluate(
        """ref => { const form = document.querySelector('header form');
            form.action = `/cases/${ref}/accept`; form.submit(); }""",
        ref,
    )
    officer.page.wait_for_url(f"**/cases/{ref}/accept")
    officer.look("/cases refused")
