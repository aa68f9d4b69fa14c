"""nginx, as it is deployed, leads every address to who answers it, and passes on what was asked."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from services.ways import WAYS, service_of
from tests.composed import OURS
from tests.installations import in_a_loop
from tests.nginx import proxy
from tests.unit.test_loopback_front import says, served

pytestmark = pytest.mark.cluster


@in_a_loop
async def test_every_address_leads_to_who_answers_it_as_it_was_asked(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        doors = {
            name: (await stack.enter_async_context(served(says(name)))).removeprefix("http://")
            for name in OURS
        }
        address = await stack.enter_async_context(proxy(tmp_path, doors))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, trust_env=False))
        asked = [path for prefix in WAYS for path in (prefix, f"{prefix.rstrip('/')}/x", f"{prefix}x")]
        answers = await asyncio.gather(*(client.get(path) for path in [*asked, "/casework", "/nowhere"]))
        for answer in answers:
            assert answer.headers["x-who"] == service_of(answer.request.url.path), answer.request.url

        large = bytes(range(256)) * 4096
        answer = await client.post(
            "/v1/cases/a%2Fb/answer?a=1&b=%2F", content=large, headers={"X-Forwarded-For": "192.0.2.9"}
        )
        assert (answer.headers["x-who"], answer.content) == ("routing", large)
        assert answer.headers["x-asked"] == "POST /v1/cases/a/b/answer?a=1&b=%2F"  # as the service decodes it
        assert answer.headers["x-from"] == "127.0.0.1"  # who really asks, whatever they say of themselves
        assert (await client.get("/metrics")).status_code == 404
