"""A case's page with everything on it, for each whom it waits for: accessible, by keyboard, in three languages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser

from shared.organisation.text import LANGUAGES, Language
from tests.browser.looking import Eye, eye
from tests.living import LAMP, WANG, Living, living

pytestmark = pytest.mark.browser

OPEN_ALL = "() => document.querySelectorAll('main details').forEach(one => { one.open = true })"
OPTIONS = {
    "text": "路燈的電纜斷了，如何處理？",
    "options": [
        {"name": "開挖道路", "pros": "一勞永逸", "cons": "費用較高", "risks": "交通受阻"},
        {"name": "架空電纜", "pros": "三天可成", "risks": "颱風"},
    ],
    "preferred": 2,
}
WORDS = {"text": "請協助查明電纜是誰的。"}


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """An installation in which one case waits for everybody, and one is answered, split and reviewed."""
    with living(tmp_path_factory.mktemp("busy")) as here:
        here.fill()
        for name in ("waits", "answered twice"):
            here.tracking[name] = here.write(LAMP | {"sender": WANG, "external_id": name})
        give(here, "waits", "accept", {})
        give(here, "waits", "assist", WORDS | {"department": "city-management"})
        give(here, "waits", "escalate", OPTIONS | {"case_class": "hard"})
        give(here, "waits", "consult", OPTIONS | {"to": "leader"})
        give(here, "waits", "extend", {"text": "要訂購燈具。"})
        give(here, "answered twice", "accept", {})
        give(here, "answered twice", "split", {"text": "另有工資問題。", "department": "labour"})
        give(here, "answered twice", "answer", {"text": "路燈修好了。"})
        code = here.tracking["answered twice"]
        httpx.post(
            f"{here.url}/v1/track/{code}/feedback", json={"solved": False, "text": "又滅了"}, trust_env=False
        )
        here.idle()
        yield here


def give(here: Living, name: str, command: str, body: object) -> None:
    """The officer does something with a case."""
    with here.signed_in(here.of_role["officer"]) as officer:
        done = officer.post(f"/v1/cases/{here.ref(here.tracking[name])}/{command}", json=body)
        assert done.status_code == 200, (command, done.text)
    here.idle()


def look_at_all(looking: Eye, address: str) -> None:
    """Look at a page, with all that can be opened opened."""
    looking.go(address)
    looking.page.evaluate(OPEN_ALL)
    looking.look(f"{address} all open")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ["officer", "leader", "principal", "coordinator", "supervisor"])
def test_every_form_of_a_case_is_accessible(
    chromium: Browser, busy: Living, role: str, language: Language
) -> None:
    with eye(chromium, busy, language, role) as looking:
        for name in ("waits", "answered twice"):
            look_at_all(looking, f"/cases/{busy.ref(busy.tracking[name])}")
    assert not looking.wrong, "\n".join(looking.wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_senders_page_with_parts_and_a_review_is_accessible(
    chromium: Browser, busy: Living, language: Language
) -> None:
    with eye(chromium, busy, language, None) as looking:
        for name in ("waits", "answered twice"):
            look_at_all(looking, f"/track/{busy.tracking[name]}")
    assert not looking.wrong, "\n".join(looking.wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_with_options_stands_beside_them(
    chromium: Browser, busy: Living, language: Language
) -> None:
    with eye(chromium, busy, language, "officer") as looking:
        address = f"/cases/{busy.ref(busy.tracking['waits'])}"
        looking.page.goto(busy.url + address)
        looking.page.evaluate(OPEN_ALL)
        form = looking.page.locator("form[action$='/consult']")
        form.evaluate("one => { one.noValidate = true }")
        form.locator("[name=options-1-name]").fill("開挖道路")
        form.locator("button").click()
        assert looking.page.locator("#consult-options-error").count() == 1
        assert looking.page.locator("[name=options-1-name]").first.is_visible()
        looking.page.evaluate(OPEN_ALL)
        looking.look(f"{address} refused")
    assert not looking.wrong, "\n".join(looking.wrong)


def test_a_leader_chooses_by_keyboard_alone(chromium: Browser, busy: Living) -> None:
    with eye(chromium, busy, "zh-Hans", "principal") as looking:
        page = looking.page
        page.goto(f"{busy.url}/cases/{busy.ref(busy.tracking['waits'])}")
        reached = tab_to(looking, "choice")
        assert reached == "choice"
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        assert tab_to(looking, "text") == "text"
        page.keyboard.type("先架空，再開挖。")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**done=advise")
        assert "先架空，再開挖。" in page.inner_text("main")
        assert "1. 開挖道路" in page.inner_text("main")


def tab_to(looking: Eye, name: str) -> str | None:
    """Press Tab until a field of that name has the focus."""
    for _ in range(60):
        looking.page.keyboard.press("Tab")
        now: str | None = looking.page.evaluate("document.activeElement.getAttribute('name')")
        if now == name:
            return now
    return None
