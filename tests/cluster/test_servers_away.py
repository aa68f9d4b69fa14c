"""The broker or the store is away: what can be kept is kept, senders of what can't are told, and all of it goes on."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

import httpx
import pytest

from deploy.loopback import kafka, mongo
from deploy.loopback.services import why_not
from tests.cluster.house import Cluster, cluster, until
from tests.installations import in_a_loop
from tests.servers import here

pytestmark = pytest.mark.cluster

LAMP = (
    b"From: wang@citizen.example\r\nTo: line@county.example\r\nSubject: lamp\r\n"
    b"Message-ID: <lamp@c.example>\r\n\r\nDark.\r\n"
)


async def health(there: Cluster, name: str) -> tuple[int, dict[str, list[str]]]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(f"{there.running.of[name][0].url}/readyz")
    return answer.status_code, answer.json()


@pytest.mark.parametrize("seconds", [30, pytest.param(60, marks=pytest.mark.long)])
@in_a_loop
async def test_with_the_broker_away_intake_goes_on_accepting_and_all_of_it_is_settled_in_order(
    tmp_path: Path, mongo_url: str, seconds: int
) -> None:
    async with (
        here(kafka, tmp_path / "kafka") as broker,
        cluster(tmp_path / "services", broker.address, mongo_url) as there,
    ):
        accepted = [(await there.write(text="before"))["message_id"]]
        await there.case_of(accepted[0])
        await broker.kill()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            started = time.monotonic()
            accepted.append((await there.write(text=f"while it is away, {len(accepted)}"))["message_id"])
            assert time.monotonic() - started < 5
            await asyncio.sleep(0.2)
        assert (await health(there, "intake"))[0] == 200
        await broker.start()
        accepted.append((await there.write(text="after"))["message_id"])
        for id in accepted:
            assert (await there.case_of(id))[1] == "new"
        for one in there.running.every:
            await until(partial(_ready, one.url), what=f"{one.server.name} gets on")
        await until(lambda: _proved(there, accepted), what="every message is in the trail")


async def _ready(url: str) -> bool:
    return await why_not(url) == ""


async def _proved(there: Cluster, accepted: list[str]) -> bool:
    return all([(await there.client.get(f"/v1/proofs/{id}")).status_code == 200 for id in accepted])


@in_a_loop
async def test_intake_that_starts_while_the_broker_is_away_takes_messages_and_says_what_is_late(
    tmp_path: Path, mongo_url: str
) -> None:
    async with (
        here(kafka, tmp_path / "kafka") as broker,
        cluster(tmp_path / "services", broker.address, mongo_url) as there,
    ):
        intake = there.running.of["intake"][0].server
        await broker.kill()
        await intake.stop()
        await intake.start()
        message = (await there.write(text="while nothing travels"))["message_id"]
        status, said = await health(there, "intake")
        assert status == 200
        assert "events do not travel" in said["late"][0]
        await broker.start()
        assert (await there.case_of(message))[1] == "new"


@in_a_loop
async def test_with_the_store_away_senders_are_told_to_come_again_and_nothing_accepted_is_lost(
    tmp_path: Path, kafka_address: str
) -> None:
    async with (
        here(mongo, tmp_path / "mongo") as store,
        cluster(tmp_path / "services", kafka_address, store.address) as there,
    ):
        if not store.ours:
            pytest.skip("a MongoDB that was there already is not ours to kill")
        accepted = [(await there.write(text=f"before, {number}"))["message_id"] for number in range(20)]
        await store.kill()
        answer = await there.client.post("/v1/messages", json={"text": "now", "external_id": "now"})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        with pytest.raises(AssertionError, match=r"4\.3\.1 Nothing can be kept now"):
            await there.mail(LAMP)

        async def said() -> bool:
            status, what = await health(there, "intake")
            return status == 503 and any("the store has not answered" in one for one in what["reasons"])

        await until(said, what="intake says that the store is away")
        await store.start()
        accepted.append((await there.write(text="now", external_id="now"))["message_id"])
        accepted.append(await there.mail(LAMP))
        for id in accepted:
            assert (await there.case_of(id))[1] == "new"
        await until(lambda: _ready(there.running.of["intake"][0].url), what="intake is ready again")
