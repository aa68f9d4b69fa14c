"""All routes of an installation, each as a request that could be made: a route that can't be asked fails the test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from fastapi import FastAPI

from shared.rights import Right, rights_of_routes

FORM = {
    "text": "x",
    "code": "x",
    "department": "housing",
    "reason": "other",
    "outcome": "reached",
    "solved": "yes",
}
FORM |= {"text": "x", "subject": "x", "login": "x", "password": "x", "current": "x", "new": "x" * 20}

_WORDS = {"text", "subject", "login", "password", "current", "new", "name"}


@dataclass(frozen=True)
class Ask:
    """One route as a request."""

    method: str
    route: str
    path: str
    right: Right
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    """JSON of the API's own example; None where it is a page's form, or nothing."""

    form: Mapping[str, str] = field(default_factory=lambda: FORM)
    """What a page's form sends."""

    def saying(self, words: str) -> Ask:
        """The same request with other words wherever words stand."""
        form = {name: words.encode("utf-8", "replace").decode() for name in FORM if name in _WORDS}
        body = self.body and {name: words if name in _WORDS else value for name, value in self.body.items()}
        return replace(self, form=dict(self.form) | form, body=body)

    async def by(self, client: httpx.AsyncClient, **headers: str) -> httpx.Response:
        """The answer."""
        sent: dict[str, Any] = {}
        if self.body is not None:
            sent = {"content": json.dumps(self.body)}  # may hold what is no Unicode, escaped
            headers.setdefault("Content-Type", "application/json")
        elif self.method == "POST":
            sent = {"data": self.form}
        return await client.request(self.method, self.path, params=self.query, headers=headers, **sent)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


def asks(app: FastAPI, gaps: Mapping[str, str], query: Mapping[str, str] | None = None) -> Iterator[Ask]:
    """Every route, its gaps filled. Raises KeyError for a gap that nobody has thought of."""
    api = app.openapi()["paths"]
    for name, right in rights_of_routes(app).items():
        methods, _, route = name.partition(" ")
        assert right is not None
        path = re.sub(r"\{(\w+)(:path)?\}", lambda gap: gaps[gap[1]], route)
        for method in methods.split(","):
            operation = api.get(route.replace(":path", ""), {}).get(method.lower(), {})
            yield Ask(method, route, path, right, query or {}, body_of(operation))


def body_of(operation: Mapping[str, Any]) -> Any:
    """The example of a request's body, where it is JSON."""
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return media and media["example"]
