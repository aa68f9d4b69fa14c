"""A message's whole way through four processes: in by HTTP and by mail, answered, out to a mail server, proved."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from services.audit.log import TlogProof, Verifier, leaf_hash
from services.routing.people.people import OPERATOR
from shared.receipts import open_receipt
from tests.cluster.house import Cluster, cluster, until
from tests.installations import in_a_loop

pytestmark = pytest.mark.cluster

WANG = "wang@citizen.example"
LAMP = (
    "From: Wang <wang@citizen.example>\r\nTo: line@county.example\r\nSubject: lamp\r\n"
    "Message-ID: <lamp-1@citizen.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n路燈不亮\r\n"
).encode()


async def proof_of(there: Cluster, message_id: str) -> bytes:
    """The proof, once a checkpoint covers the message."""

    async def proved() -> bytes | None:
        answer = await there.client.get(f"/v1/proofs/{message_id}")
        return answer.content if answer.status_code == 200 else None

    found: bytes = await until(proved, what=f"{message_id} is proved")
    return found


async def key(there: Cluster, name: str) -> Verifier:
    return Verifier.parse((await there.client.get(f"/trail/{name}")).text.strip())


async def holds(there: Cluster, message_id: str, receipt: str) -> None:
    """What the receipt promised is in the trail: checked with public keys alone."""
    promised = open_receipt(receipt.encode(), [await key(there, "receipt-vkey")])
    shown = TlogProof.parse(await proof_of(there, message_id))
    assert shown.extra is not None
    assert (promised.message, leaf_hash(shown.extra)) == (message_id, promised.leaf)
    shown.verify(promised.leaf, await key(there, "vkey"))


async def answer(officer: httpx.AsyncClient, ref: str) -> None:
    """The department takes the case and answers it."""
    for command, body in (("accept", {}), ("answer", {"text": "路燈修好了。", "resolved": True})):
        done = await officer.post(f"/v1/cases/{ref}/{command}", json=body)
        assert done.status_code == 200, (ref, command, done.text)


@in_a_loop
async def test_a_message_and_a_mail_are_settled_answered_delivered_and_proved(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url) as there:
        written = await there.write(
            subject="路燈不亮", text="路燈不亮", sender={"email": WANG, "language": "zh-Hant"}
        )
        mailed = await there.mail(LAMP)
        refs = [await there.case_of(id) for id in (written["message_id"], mailed)]
        assert [outcome for _, outcome in refs] == ["new", "new"]

        async with there.signed_in("housing-officer-1") as officer:
            for ref, _ in refs:
                await answer(officer, ref)
                page = await officer.get(f"/cases/{ref}", headers={"Accept": "text/html"})
                assert "/console" not in page.text  # it is not theirs to see
        tracked = (await there.client.get(f"/v1/track/{written['tracking']}")).json()
        assert (tracked["state"], tracked["ref"]) == ("answered", refs[0][0])

        await until(lambda: arrived(there, 4), what="two acknowledgements and two answers are delivered")
        assert set(there.sink.by_id.values()) == {1}
        for ref, _ in refs:
            assert sum(ref in str(mail["Subject"]) for mail in there.sink.to(WANG)) == 2

        receipt = (await there.client.get(f"/v1/receipts/{mailed}")).text
        for id, signed in ((written["message_id"], written["receipt"]), (mailed, receipt)):
            await holds(there, id, signed)


async def arrived(there: Cluster, count: int) -> bool:
    return len(there.sink.mails) >= count


@in_a_loop
async def test_who_signs_in_at_one_service_is_known_to_all_until_they_sign_out(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url) as there:
        html = {"Accept": "text/html"}
        async with there.signed_in("supervision-officer") as supervisor:
            front_page = await supervisor.get("/", headers=html)
            assert 'href="/console"' in front_page.text  # intake's page leads to the audit's
            assert (await supervisor.get("/console", headers=html)).status_code == 200
            assert (await supervisor.get("/v1/balance")).status_code == 200
            copy = {"Cookie": "; ".join(f"{name}={value}" for name, value in supervisor.cookies.items())}
            assert (await supervisor.post("/v1/sign-out")).is_success
            for path in ("/console", "/v1/balance"):
                assert (await there.client.get(path, headers=copy)).status_code == 401
        machine = {"Authorization": f"Bearer {await there.people.issue_key('w', ['trail.read'], OPERATOR)}"}
        assert (await there.client.get("/v1/trail", headers=machine)).status_code == 200
        assert (await there.client.get("/v1/trail")).status_code == 401


@in_a_loop
async def test_told_to_end_each_service_finishes_and_the_next_life_has_everything(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    async with cluster(tmp_path, kafka_address, mongo_url) as there:
        accepted = [(await there.write(text=f"lamp {number}"))["message_id"] for number in range(50)]
        for one in there.running.every:
            process = one.server._process
            assert process is not None
            await one.server.stop()
            assert process.returncode == 0, one.server.log and one.server.log.read_text()[-2000:]
        for one in there.running.every:
            await one.server.start()
        for id in accepted:
            assert (await there.case_of(id))[1] == "new"
        await proof_of(there, accepted[-1])
