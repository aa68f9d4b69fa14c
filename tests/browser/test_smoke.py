"""One look with a real browser in the fast suite; the rest is in `make test-all`."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.browser.looking import eye
from tests.living import LAMP, Living


def test_somebody_writes_and_an_officer_answers_and_no_page_has_a_fault(
    chromium: Browser, house: Living
) -> None:
    with eye(chromium, house, "zh-Hant", None) as sender:
        sender.go("/")
        sender.page.fill("[name=subject]", LAMP["subject"])
        sender.page.fill("[name=text]", LAMP["text"])
        sender.page.click("main form button")
        sender.look("/received")
        house.idle()
        sender.page.click("main dl a")
        sender.look("/track")
        ref = sender.page.inner_text("h1 .ref")
        with eye(chromium, house, "zh-Hans", "officer") as officer:
            officer.go(f"/cases/{ref}")
            officer.page.click(f"form[action$='/{ref}/accept'] button")
            officer.page.fill("#answer-text", "路灯修好了。")
            officer.page.click(f"form[action$='/{ref}/answer'] button")
            officer.look("/cases")
        house.idle()
        sender.page.reload()
        assert "路灯修好了。" in sender.page.inner_text("main")
    assert not (wrong := sender.wrong + officer.wrong), "\n".join(wrong)
