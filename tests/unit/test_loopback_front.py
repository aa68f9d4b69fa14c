"""The small proxy before a cluster on loopback: everything goes through as it is, to who serves it and is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

from deploy.loopback.front import Front
from tests.installations import in_a_loop

NOBODY = "http://127.0.0.1:9"


def says(name: str) -> FastAPI:
    """A service that says who it is and what it was asked."""
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "HEAD"])
    async def answer(request: Request, path: str) -> Response:
        body = await request.body()
        return Response(
            body,
            418 if "teapot" in path else 200,
            {
                "x-who": name,
                "x-asked": f"{request.method} {request.url.path}?{request.url.query}",
                "x-from": request.headers["x-forwarded-for"],
                "set-cookie": "lang=en",
            },
        )

    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def a_front(**instances: list[str]) -> AsyncIterator[httpx.AsyncClient]:
    front = Front(instances)
    transport = httpx.ASGITransport(front, client=("192.0.2.7", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://front") as client:
        yield client
    await front.close()


@in_a_loop
async def test_each_address_leads_to_its_service_with_body_query_status_and_cookies() -> None:
    async with (
        served(says("intake")) as intake,
        served(says("routing")) as routing,
        a_front(intake=[intake], routing=[routing]) as client,
    ):
        large = bytes(range(256)) * 4096
        answer = await client.post("/v1/messages?a=1&b=%2F", content=large)
        assert answer.content == large
        assert answer.headers["x-who"] == "intake"
        assert answer.headers["x-asked"] == "POST /v1/messages?a=1&b=%2F"
        assert answer.headers["x-from"] == "192.0.2.7"
        assert answer.cookies["lang"] == "en"
        answer = await client.get("/cases/teapot%2Fof")
        assert (answer.status_code, answer.headers["x-who"]) == (418, "routing")
        assert (await client.head("/track")).headers["x-who"] == "routing"


@in_a_loop
async def test_who_is_not_there_is_passed_over_and_where_nobody_is_senders_are_told_to_come_again() -> None:
    async with (
        served(says("intake")) as intake,
        a_front(intake=[NOBODY, intake, NOBODY], audit=[NOBODY]) as client,
    ):
        for _ in range(4):
            assert (await client.post("/v1/messages", content=b"once")).content == b"once"
        answer = await client.get("/console")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
