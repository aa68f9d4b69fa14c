"""What the trail has of a case is fetched with its proofs and checked offline; what is changed or missing is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from services import cli_trail_case
from services.audit.log import Signer, TlogProof
from services.cli import app as command_line
from services.embedded import embedded
from services.routing.people import People
from shared.events import Record
from shared.rights import Right
from shared.settings import Settings
from tests.installations import in_a_loop
from tests.serving import on_a_port

LAMP = {"text": "The street light is dark", "sender": {"email": "wang@citizen.example"}}


async def say(*words: str, code: int = 0) -> str:
    """Give a command; what it says."""
    ran = await asyncio.to_thread(CliRunner().invoke, command_line, ["trail", *words])
    assert ran.exit_code == code, (words, ran.output)
    return ran.output


@dataclass(frozen=True)
class Town:
    """An installation behind a port, a case in it, and a key that reads the trail."""

    url: str
    vkey: str
    receipt_vkey: str
    key: str
    sent: Mapping[str, str]
    ref: str


@asynccontextmanager
async def town(directory: Path) -> AsyncIterator[Town]:
    settings = Settings(data=directory / "data", port=0, smtp_port=0)
    async with (
        embedded(settings) as one,
        on_a_port(one.app()) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        sent = (await http.post("/v1/messages", json=LAMP)).json()
        await http.post("/v1/messages", json=LAMP | {"external_id": "another"})
        await one.idle()
        ref = (await http.get(f"/v1/track/{sent['tracking']}")).json()["ref"]
        vkey, receipt_vkey = [
            (await http.get(f"/trail/{name}")).text.strip() for name in ("vkey", "receipt-vkey")
        ]
        key = await People(one.house).issue_key("auditor", [Right.TRAIL_READ], "operator")
        yield Town(url, vkey, receipt_vkey, key, sent, ref)


@in_a_loop
async def test_a_case_is_proved_by_its_ref_and_checked_without_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_trail_case, "_AT_ONCE", 3)  # so that it takes several pages
    folder = tmp_path / "proofs"
    async with town(tmp_path) as here:
        said = await say("prove", here.ref, "--to", here.url, "--key", here.key, "--out", str(folder))
        listed = await asked(here)
    proofs = sorted(folder.glob("*.tlog-proof"))
    assert len(proofs) == len(listed) > 4
    assert f"{len(proofs)} entries with their proofs" in said
    checked = await say("check", str(folder), "--vkey", here.vkey)
    assert f"All {len(proofs)} entries are in " in checked
    assert f"proved   {here.sent['message_id']}: 2 events" in checked
    again = await say("prove", here.ref, "--to", here.url, "--out", str(folder), code=2)
    assert "name another folder" in again


async def asked(here: Town) -> list[int]:
    async with httpx.AsyncClient(base_url=here.url) as http:
        headers = {"Authorization": f"Bearer {here.key}"}
        answer = await http.get("/v1/trail", params={"case": here.ref, "limit": 1000}, headers=headers)
    return [one["index"] for one in answer.json()["entries"]]


@in_a_loop
async def test_a_proof_that_was_changed_or_taken_away_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "proofs"
    async with town(tmp_path) as here:
        await say("prove", here.ref, "--to", here.url, "--key", here.key, "--out", str(folder))
    path = next(one for one in folder.iterdir() if sequence(one) == (here.sent["message_id"], 1))
    whole = path.read_bytes()
    path.unlink()
    missing = await say("check", str(folder), "--vkey", here.vkey, code=1)
    assert f"MISSING  {here.sent['message_id']}: 1 of 2" in missing
    path.write_bytes(whole.replace(b"\nindex ", b"\nindex 1"))
    wrong = await say("check", str(folder), "--vkey", here.vkey, code=1)
    assert f"WRONG    {path.name}: " in wrong
    path.write_bytes(whole)
    stranger = Signer(here.vkey.partition("+")[0], bytes(32)).verifier.vkey
    assert "no known key signed" in await say("check", str(folder), "--vkey", stranger, code=1)
    await say("check", str(folder), "--vkey", here.vkey)


def sequence(path: Path) -> tuple[str, int]:
    """Whose event a proof is of, and which."""
    record = Record.read("", TlogProof.parse(path.read_bytes()).extra or b"")
    return record.subject, record.sequence


@in_a_loop
async def test_who_has_no_key_or_names_no_case_is_told_what_to_do(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        to = ("--to", here.url, "--out", str(tmp_path / "none"))
        assert "`trail.read` is needed" in await say("prove", here.ref, *to, code=1)
        unknown = await say("prove", "K7QM-2XPA-B", *to, "--key", here.key, code=1)
        assert "No such case" in unknown
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty").mkdir()
    assert "there are no proofs" in await say("check", str(tmp_path / "empty"), "--vkey", here.vkey, code=2)


@in_a_loop
async def test_a_message_is_proved_and_checked_against_its_receipt(tmp_path: Path) -> None:
    receipt, proof = tmp_path / "a.receipt", tmp_path / "a.tlog-proof"
    async with town(tmp_path) as here:
        await say("prove", here.sent["message_id"], "--to", here.url, "--out", str(proof))
    receipt.write_text(here.sent["receipt"])
    keys = ("--vkey", here.vkey, "--receipt-vkey", here.receipt_vkey)
    assert "Kept: " in await say("check", str(receipt), str(proof), *keys)
    receipt.write_text(here.sent["receipt"].replace("merge delay 60 s", "merge delay 61 s"))
    assert "it does not hold" in await say("check", str(receipt), str(proof), *keys, code=1)
    assert "--receipt-vkey" in await say("check", str(receipt), str(proof), "--vkey", here.vkey, code=2)
