"""The ways through the pages, each shown to whom its right is given and where this installation serves it."""

from __future__ import annotations

from fastapi import FastAPI

from shared.rights import Principal, Right, may, rights_of_routes

NAV = (
    ("/", "write", Right.PUBLIC),
    ("/track", "track", Right.PUBLIC),
    ("/cases", "cases", Right.CASES_READ),
    ("/queue", "queue", Right.CASES_DISPATCH),
    ("/decisions", "decisions", Right.CASES_DIRECT),
    ("/quarantine", "quarantine", Right.QUARANTINE),
    ("/console", "console", Right.CONSOLE),
    ("/findings", "findings", Right.CASES_DIRECT),
    ("/outbox", "outbox", Right.DELIVERIES_READ),
)
"""Address, word (`nav.<word>`), right."""


def served_together(app: FastAPI) -> None:
    """The ways that an application does not serve itself stand at the same address all the same: others serve them."""
    app.state.served = frozenset(path for path, *_ in NAV)


def served(app: FastAPI) -> frozenset[str]:
    """The addresses that an installation answers; looked up once."""
    if not hasattr(app.state, "served"):
        app.state.served = frozenset(
            name.partition(" ")[2] for name in rights_of_routes(app) if name.startswith("GET")
        )
    found: frozenset[str] = app.state.served
    return found


def nav_for(app: FastAPI, principal: Principal) -> list[tuple[str, str]]:
    """Address and word of each way that is open to somebody."""
    there = served(app)
    return [(path, word) for path, word, right in NAV if path in there and may(principal, right)]


_HOMES = (("/queue", Right.CASES_DISPATCH), ("/cases", Right.CASES_HANDLE), ("/console", Right.CONSOLE))
"""What waits for somebody, before what they may also read: queue, own cases, what is late."""


def home_of(app: FastAPI, principal: Principal) -> str:
    """Where somebody's work begins: what waits for them, else their first own way through the pages."""
    for path, right in _HOMES:
        if path in served(app) and may(principal, right):
            return path
    everybodys = {path for path, _, right in NAV if right is Right.PUBLIC}
    return next((path for path, _ in nav_for(app, principal) if path not in everybodys), "/account")
