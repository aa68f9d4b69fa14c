"""Which pages are open to whom: everything that can be reached by links from the navigation on."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI
from starlette.routing import compile_path

from shared.rights import rights_of_routes

OF_ONE_KIND = 3
"""So many pages of one route and one set of query fields are looked at: three cases, not all of them."""
NO_PAGES = {"/static/{name}", "/openapi.json", "/asyncapi.json"}
SKIPPED = {"lang"}


class Links(HTMLParser):
    """Where the links of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.beside: list[str] = []
        """What a page leads to without a page there: what a form is sent to, files."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        address = (
            attributes.get("href") if tag == "a" else attributes.get("action") if tag == "form" else None
        )
        if address:
            (self.beside if tag == "form" or "download" in attributes else self.found).append(address)


def page_routes(app: FastAPI) -> set[str]:
    """The addresses, with their gaps, under which an application has pages."""
    documented = set(app.openapi()["paths"])
    named = {name.removeprefix("GET ") for name in rights_of_routes(app) if name.startswith("GET ")}
    found = {name.replace(":path}", "}") for name in named}
    return found - documented - NO_PAGES


def route_of(address: str, routes: set[str]) -> str | None:
    """The page's route that an address belongs to; one without gaps comes first."""
    path = urlsplit(address).path
    fitting = [route for route in routes if compile_path(route)[0].match(path)]
    return min(fitting, key=lambda route: route.count("{"), default=None)


def ways(
    app: FastAPI,
    client: httpx.Client,
    *begin: str,
    most: int = OF_ONE_KIND,
    beside: set[str] | None = None,
) -> dict[str, str]:
    """Every page that can be reached from the beginnings on, with its route.

    `beside` hears the routes that pages lead to without a page there.
    """
    routes, waiting = page_routes(app), list(begin)
    found: dict[str, str] = {}
    of_kind: Counter[tuple[str, frozenset[str]]] = Counter()
    while waiting:
        address = waiting.pop(0)
        route = route_of(address, routes)
        fields = {part.partition("=")[0] for part in urlsplit(address).query.split("&") if part}
        kind = (route or "", frozenset(fields))
        if route is None or address in found or fields & SKIPPED or of_kind[kind] >= most:
            continue
        of_kind[kind] += 1
        answer = client.get(address, headers={"Accept": "text/html"})
        assert answer.status_code == 200, f"a link leads to {address}, which answers {answer.status_code}"
        found[address] = route
        if answer.headers["Content-Type"].startswith("text/html"):
            links = Links()
            links.feed(answer.text)
            waiting += [_local(link, address, client) for link in links.found]
            if beside is not None:
                beside |= {route_of(link, routes) or "" for link in links.beside}
    return found


def _local(link: str, at: str, client: httpx.Client) -> str:
    """A link as an address of this installation; empty for one that leads elsewhere."""
    url = httpx.URL(str(client.base_url)).join(at).join(link)
    here = str(client.base_url).rstrip("/")
    return url.raw_path.decode() if str(url).startswith(here) else ""
