"""An installation whose checkpoints are cosigned: promises are kept with and without witnesses, and all can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client import generate_latest

from services.audit.cosigning import cosigning_of
from services.audit.log import TlogProof, Verifier, WitnessBook, WitnessSigner, leaf_hash
from services.audit.log.witness_http import application
from services.audit.log_keys import signers
from services.embedded import embedded
from services.routing.people import People
from shared import metrics
from shared.embedded import Embedded
from shared.keys import Keys
from shared.settings import NotTold, Settings
from tests.commands import throughline
from tests.installations import in_a_loop
from tests.living import PASSWORD
from tests.serving import on_a_port

KEYS = [WitnessSigner(f"witness.example/w{number}", bytes([number]) * 32) for number in (1, 2, 3)]


@asynccontextmanager
async def witnesses(directory: Path, log: Verifier, *keys: WitnessSigner) -> AsyncIterator[list[str]]:
    """Real ones on ports of their own, as the setting names them."""
    async with AsyncExitStack() as stack:
        named = []
        for key in keys:
            book = stack.enter_context(WitnessBook(directory / key.name, key, [log]))
            named.append(
                f"{await stack.enter_async_context(on_a_port(application(book)))} {key.verifier.vkey}"
            )
        yield named


def settings(tmp_path: Path, *named: str) -> Settings:
    return Settings(data=tmp_path / "data", smtp_port=0, witnesses=", ".join(named), trail_entries="public")


def log_key(tmp_path: Path) -> Verifier:
    data = tmp_path / "data"
    made = signers("sample-county.example/throughline", Keys(data / "keys"), data / "audit" / "log")
    return made[0].verifier


async def write(one: Embedded, url: str) -> str:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        answer = await client.post("/v1/messages", json={"subject": "Lamp", "text": "It is dark."})
        assert answer.status_code == 202, answer.text
        await one.idle()
        return str(answer.json()["message_id"])


def named(keys: list[WitnessSigner], needed: int) -> list[str]:
    return [word for key in keys for word in ("--witness", key.verifier.vkey)] + ["--policy", str(needed)]


@in_a_loop
async def test_proofs_carry_the_cosignatures_and_a_policy_is_checked_with_them(tmp_path: Path) -> None:
    log = log_key(tmp_path)
    async with (
        witnesses(tmp_path, log, *KEYS[:2]) as there,
        embedded(settings(tmp_path, *there)) as one,
        on_a_port(one.app()) as url,
    ):
        message = await write(one, url)
        proof = await asyncio.to_thread(httpx.get, f"{url}/v1/proofs/{message}", trust_env=False)
        shown = TlogProof.parse(proof.content)
        policy = one.services[-1].companions[0].cosigning.policy  # type: ignore[attr-defined]
        shown.verify(leaf_hash(shown.extra or b""), log, policy=policy)
        assert len(policy.cosigned(shown.checkpoint)) == 2
        ready = await asyncio.to_thread(httpx.get, f"{url}/readyz", trust_env=False)
        assert ready.json()["late"] == []
        verify = ("trail", "verify", f"{url}/trail", "--vkey", log.vkey)
        code, said = await asyncio.to_thread(throughline, *verify, *named(KEYS[:2], 2))
        assert (code, said.count("cosigned by witness.example/")) == (0, 2)
        code, said = await asyncio.to_thread(throughline, *verify, *named(KEYS, 3))
        assert (code, "witness.example/w3 did not" in said) == (1, True)


@in_a_loop
async def test_without_its_witnesses_it_goes_on_and_says_so_until_they_are_back(tmp_path: Path) -> None:
    log = log_key(tmp_path)
    async with witnesses(tmp_path, log, KEYS[0]) as there:
        pass  # it is away
    async with embedded(settings(tmp_path, *there)) as one, on_a_port(one.app()) as url:
        message = await write(one, url)
        proof = await asyncio.to_thread(httpx.get, f"{url}/v1/proofs/{message}", trust_env=False)
        assert proof.status_code == 200, "the promise of a receipt does not wait for a witness"
        ready = (await asyncio.to_thread(httpx.get, f"{url}/readyz", trust_env=False)).json()
        assert ready["ok"]
        (late,) = ready["late"]
        assert "without the 1 cosignatures that are wanted" in late
        assert KEYS[0].name in late
        exposed = generate_latest(metrics.REGISTRY).decode()
        assert "throughline_trail_uncosigned_seconds 0.0\n" not in exposed
        vkeys = named(KEYS[:1], 1)
        code, said = await asyncio.to_thread(
            throughline, "trail", "verify", f"{url}/trail", "--vkey", log.vkey, *vkeys
        )
        assert (code, "too few witnesses cosigned" in said) == (1, True)
    async with (
        witnesses(tmp_path, log, KEYS[0]) as back,
        embedded(settings(tmp_path, *back)) as one,
        on_a_port(one.app()) as url,
    ):
        # Nothing new came: what is published is cosigned all the same.
        while (
            not one.services[-1]
            .companions[0]
            .cosigning.policy.met(  # type: ignore[attr-defined]
                (tmp_path / "data/audit/log/checkpoint").read_bytes()
            )
        ):
            await one.services[-1].companions[0].idle()
        ready = (await asyncio.to_thread(httpx.get, f"{url}/readyz", trust_env=False)).json()
        assert ready["late"] == []


@in_a_loop
async def test_the_console_says_in_each_language_who_cosigned_or_that_too_few_did(tmp_path: Path) -> None:
    log = log_key(tmp_path)
    async with witnesses(tmp_path / "gone", log, KEYS[1]) as gone:
        pass
    async with (
        witnesses(tmp_path, log, KEYS[0]) as there,
        embedded(settings(tmp_path, *there, *gone)) as one,
        on_a_port(one.app()) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        supervisor = next(
            person.id
            for person in one.house.organisation.people
            if "supervisor" in one.house.organisation.roles(person.id)
        )
        await People(one.house).create(supervisor, PASSWORD)
        await write(one, url)
        assert (
            await client.post("/v1/sign-in", json={"login": supervisor, "password": PASSWORD})
        ).status_code == 200

        async def console(language: str) -> str:
            client.cookies.set("lang", language)
            return (await client.get("/console", headers={"Accept": "text/html"})).text

        for language, who, too_few in (
            ("en", "Witnesses", "1 of the 2 cosignatures that are wanted"),
            ("zh-Hant", "見證方", "需要 2 份見證簽署，目前 1 份"),
            ("zh-Hans", "见证方", "需要 2 份见证签名，目前 1 份"),
        ):
            page = await console(language)
            assert who in page
            assert KEYS[0].name in page
            assert KEYS[1].name not in page
            assert too_few in page


def test_witnesses_that_are_named_wrongly_are_said_at_the_start(tmp_path: Path) -> None:
    key = KEYS[0].verifier.vkey
    assert cosigning_of(Settings(data=tmp_path), tmp_path) is None
    for wrong in (key, "http://127.0.0.1:1", f"http://127.0.0.1:1 {key}x", f"http://a {key}, http://b {key}"):
        with pytest.raises(NotTold, match="THROUGHLINE_WITNESSES is a comma-separated list"):
            cosigning_of(Settings(data=tmp_path, witnesses=wrong), tmp_path)
    with pytest.raises(NotTold, match="2 of 1"):
        cosigning_of(Settings(data=tmp_path, witnesses=f"http://a {key}", witness_policy=2), tmp_path)
