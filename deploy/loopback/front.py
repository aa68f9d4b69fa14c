"""One port before the services of a cluster: a small reverse proxy for loopback, where a site has its own.

It splits by `services.ways`, takes an instance that answers, and passes everything through as it is. Whoever has a real
proxy (nginx, an ingress) sets it up from the same table.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import httpx

from services.ways import service_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_OF_A_CONNECTION = {
    *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer"),
    *(b"transfer-encoding", b"upgrade"),
}
"""RFC 9110, section 7.6.1: these are not passed on."""
_AWAY = b'{"type":"about:blank","status":503,"title":"Nobody answers","detail":"Try again in a moment."}'


class Front:
    """An ASGI application. `instances` are the addresses of each service's, `http://127.0.0.1:8081` and so on."""

    def __init__(self, instances: Mapping[str, Sequence[str]]) -> None:
        self._instances = instances
        self._turn: dict[str, Iterator[int]] = {name: itertools.count() for name in instances}
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=2), trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        for address in self._in_turn(service_of(scope["path"])):
            try:
                answer = await self._client.send(self._request(scope, receive, address), stream=True)
            except httpx.ConnectError:
                continue  # nothing was sent yet: the next one is asked
            except httpx.HTTPError:
                break
            await _pass_on(answer, send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": 503,
                "headers": [(b"content-type", b"application/problem+json"), (b"retry-after", b"1")],
            }
        )
        await send({"type": "http.response.body", "body": _AWAY})

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    def _in_turn(self, name: str) -> list[str]:
        every = self._instances[name]
        first = next(self._turn[name]) % len(every)
        return [*every[first:], *every[:first]]

    def _request(self, scope: Scope, receive: Receive, address: str) -> httpx.Request:
        query = scope["query_string"]
        url = httpx.URL(address).copy_with(raw_path=scope["raw_path"] + (b"?" + query if query else b""))
        headers = [(name, value) for name, value in scope["headers"] if name not in _OF_A_CONNECTION]
        host, _ = scope["client"]
        headers += [(b"x-forwarded-for", host.encode()), (b"x-forwarded-proto", b"http")]
        content = _body(receive) if _has_body(scope) else None
        return httpx.Request(scope["method"], url, headers=headers, content=content)


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        part = await receive()
        if part["type"] == "http.disconnect":
            raise httpx.ReadError("whoever asked is gone")
        yield part.get("body", b"")
        if not part.get("more_body"):
            return


async def _pass_on(answer: httpx.Response, send: Send) -> None:
    headers = [
        (name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _OF_A_CONNECTION
    ]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    try:
        async for part in answer.aiter_raw():
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        await answer.aclose()
    await send({"type": "http.response.body", "body": b""})
