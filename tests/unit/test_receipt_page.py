"""What the receipt page says before there is a proof, when there should be one, and when the trail can't make it."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from html import unescape
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.audit.evidence import Evidence
from services.audit.log import TlogProof, leaf_hash
from services.audit.pages import FOLDER
from services.audit.pages.receipt import Receipts, receipt_page
from services.audit.trail import Trail
from shared.clock import SimulatedClock
from shared.content.embedded import EmbeddedContent
from shared.keys import Keys
from shared.organisation import LANGUAGES, Language, load
from shared.receipts import open_receipt, receipt_signer
from shared.service import House
from shared.settings import SAMPLE_ORGANISATION, Settings
from shared.store import Step
from shared.store.sqlite import SqliteStore
from shared.web.pages import Pages, install
from tests.installations import THINGS, in_a_loop
from tests.unit.trail_samples import ARRIVAL, SIGNER, Life, a_trail, received, take

RECEIPTS = receipt_signer(SIGNER.name, bytes(32))
MESSAGE = Life().emit("msg_1", received()).records[0]
PAGE = f"/receipt/{MESSAGE.subject}"


@dataclass
class Place:
    """The receipt's pages over a store that has one message."""

    client: httpx.AsyncClient
    clock: SimulatedClock
    trail: Trail

    async def page(self, language: Language = "en") -> str:
        answer = await self.client.get(PAGE, params={"lang": language})
        assert answer.status_code == 200, answer.text
        return answer.text


@asynccontextmanager
async def place(directory: Path) -> AsyncIterator[Place]:
    store = SqliteStore(directory, [THINGS])
    await store.open()
    try:
        await store.commit(Step(THINGS, MESSAGE.subject, 0, b"{}", (MESSAGE,)))
        clock = SimulatedClock(ARRIVAL)
        content = EmbeddedContent(store, directory / "content")
        keys = Keys(directory / "keys")
        settings = Settings(origin=SIGNER.name)
        house = House(settings, clock, store, content, keys, load(SAMPLE_ORGANISATION), directory)
        async with a_trail(directory) as trail:
            app, routes = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter()
            install(app, house)
            receipts = Receipts(house, trail, Evidence(trail.directory, SIGNER.verifier), RECEIPTS)
            receipt_page(routes, Pages(house, FOLDER), receipts, "http://here.example")
            app.include_router(routes)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here.example") as client:
                yield Place(client, clock, trail)
    finally:
        await store.close()


def texts(page: str) -> dict[str, str]:
    """What stands in the fields that the check reads."""
    found = re.findall(r'<textarea class="evidence" id="the-([a-z-]+)"[^>]*>([^<]*)</textarea>', page)
    return {name: unescape(text) for name, text in found}


@in_a_loop
async def test_within_the_delay_it_says_when_the_proof_will_be_and_afterwards_that_the_promise_is_broken(
    tmp_path: Path,
) -> None:
    async with place(tmp_path) as here:
        page = await here.page()
        assert "There is no proof yet. By 30 September 2026, 16:01" in page
        assert (texts(page)["proof"], texts(page)["entry"]) == ("", "")
        held = texts(page)["receipt"].encode()
        promised = open_receipt(held, [RECEIPTS.verifier])
        assert (promised.message, promised.time) == (MESSAGE.subject, MESSAGE.time)
        here.clock.advance_to(ARRIVAL + timedelta(seconds=61))
        page = await here.page()
        assert "The promise is broken" in page
        assert "The receipt is your evidence" in page
        assert texts(page)["receipt"].encode() == held


@in_a_loop
async def test_with_the_proof_the_page_carries_all_that_is_checked(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        await take(here.trail, [MESSAGE])
        await here.trail.publish()
        found = texts(await here.page())
        assert found["entry"].encode() == MESSAGE.value
        proof = TlogProof.parse(found["proof"].encode())
        assert proof.verify(leaf_hash(MESSAGE.value), SIGNER.verifier).state.size == 1
        assert (found["log-key"], found["receipt-key"]) == (SIGNER.verifier.vkey, RECEIPTS.verifier.vkey)
        assert found["given"] == ""


@in_a_loop
async def test_a_damaged_trail_is_said_and_no_broken_promise_is_claimed(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        await take(here.trail, [MESSAGE])
        await here.trail.publish()
        (here.trail.directory / "tile/entries/000.p/1").unlink()
        here.clock.advance_to(ARRIVAL + timedelta(days=1))
        page = await here.page()
        assert "its files are damaged here" in page
        assert "The promise is broken" not in page


@pytest.mark.parametrize("language", LANGUAGES)
@in_a_loop
async def test_the_file_needs_nothing_else_and_runs_nothing_else(tmp_path: Path, language: Language) -> None:
    async with place(tmp_path) as here:
        answer = await here.client.get(f"{PAGE}/saved.html", params={"lang": language})
    html = answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="msg_1.receipt.html"'
    assert f'<html lang="{language}">' in html
    assert re.findall(r"<(?:link|img|iframe)|\bsrc=|@import|url\(", html) == []
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    for tag in ("style", "script"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in unescape(policy[1])
    assert "default-src 'none'" in unescape(policy[1])


@in_a_loop
async def test_of_what_is_no_message_of_ours_there_is_no_page(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        for address in ("/receipt/msg_2", "/receipt/case_1", "/receipt/msg_2/saved.html"):
            assert (await here.client.get(address)).status_code == 404
