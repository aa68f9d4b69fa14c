"""Looking at a page as a browser shows it, and saying what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from shared.organisation.text import Language
from tests.living import PASSWORD, Living

PHONE = 360
SCREENS = {"desk": (1280, 900), "phone": (PHONE, 740)}
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
SHOTS = "THROUGHLINE_SCREENSHOTS"
"""In the environment: a folder, such as `build/screenshots`, in which every page is kept as a picture."""

_STANDS_THERE = """() => [...document.querySelectorAll('h1,h2,h3,label,legend,button,main a,th,dt,summary')]
    .filter(one => one.checkVisibility()).map(one => one.innerText.trim())"""
_WIDEST = """() => [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.skip'))
    .map(one => one.tagName.toLowerCase() + (one.className ? '.' + one.className : '')).slice(0, 4).join(' ')"""


class Eye:
    """Somebody at a browser, reading in one language. `wrong` is what they found."""

    def __init__(self, context: BrowserContext, url: str, language: Language, who: str) -> None:
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self._url = url
        self._language = language
        self._who = who
        self._errors: list[str] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._errors.append(str(error)))
        self.page.on("response", self._on_response)

    def _on_console(self, message: ConsoleMessage) -> None:
        of_this_page = message.location.get("url") == self.page.url  # that it is a 404 is checked elsewhere
        if message.type in ("error", "warning") and not of_this_page:
            self._errors.append(message.text)

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self._errors.append(f"{response.status} for {response.url}")

    def go(self, address: str, *, status: int = 200) -> None:
        """Open a page and look at it."""
        response = self.page.goto(self._url + address)
        got = response.status if response else 0
        if got != status:
            self.wrong.append(f"{address}: answered {got}, not {status}")
        self.look(address)

    def look(self, address: str) -> None:
        """Look at the page that is open, at a desk in daylight and on a phone in the dark."""
        self.wrong += [f"{address}: console: {error}" for error in self._errors]
        self._errors.clear()
        language = self.page.get_attribute("html", "lang")
        if language != self._language:
            self.wrong.append(f"{address}: is in {language}, not in {self._language}")
        for screen, (width, height) in SCREENS.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.emulate_media(color_scheme="light" if screen == "desk" else "dark")
            self._accessible(f"{address} ({screen})")
            self._keep(address, screen)
        self._fits(address)

    def _accessible(self, where: str) -> None:
        found = Axe().run(self.page, options=WCAG).response["violations"]
        for violation in found:
            nodes = "; ".join(f"{node['target'][0]}: {_why(node)}" for node in violation["nodes"][:3])
            self.wrong.append(f"{where}: {violation['id']}: {nodes}")

    def _fits(self, address: str) -> None:
        width = self.page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE:
            widest = self.page.evaluate(_WIDEST)
            self.wrong.append(f"{address}: {width} px wide on a phone: {widest}")

    def _keep(self, address: str, screen: str) -> None:
        if folder := os.environ.get(SHOTS):
            name = address.strip("/").replace("/", "-").replace("?", "-")[:60] or "home"
            path = Path(folder) / self._who / f"{name}.{self._language}.{screen}.png"
            self.page.screenshot(path=path, full_page=True)

    def stands_there(self) -> list[str]:
        """Headings, labels, buttons, links: what one finds one's way by."""
        found: list[str] = self.page.evaluate(_STANDS_THERE)
        return found

    def sign_in(self, person: str) -> None:
        """By the form, as people do."""
        self.page.goto(f"{self._url}/sign-in")
        self.page.fill("[name=login]", person)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("main button")
        assert not self.page.url.endswith("/sign-in"), "signing in failed"


def _why(node: dict[str, object]) -> str:
    return " ".join(str(node.get("failureSummary", "")).split())[:200]


@contextmanager
def eye(
    browser: Browser, house: Living, language: Language, role: str | None, *, script: bool = True
) -> Iterator[Eye]:
    """A fresh browser, signed in as somebody of a role; without script where told."""
    context = browser.new_context(java_script_enabled=script)
    try:
        context.set_default_timeout(30_000)
        context.add_cookies([{"name": "lang", "value": language, "url": house.url}])
        looking = Eye(context, house.url, language, role or "sender")
        if role is not None:
            looking.sign_in(house.of_role[role])
        yield looking
    finally:
        context.close()
