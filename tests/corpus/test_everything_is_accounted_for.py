"""Real mails, calls and citizens' messages through the real doors: each ends somewhere, for a reason, in the trail."""

from __future__ import annotations

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest
import uvicorn

from services.audit.log import TlogProof, Verifier, leaf_hash
from services.embedded import embedded
from services.intake.message import MESSAGES, messages
from services.intake.records import kind_of, parse_map
from services.intake.smtp import SmtpDoor
from services.sending.balance import Balance, Outcome
from services.sending.lanes import WIDTH, Sending, Source
from services.sending.over_http import HttpDoor
from services.sending.over_smtp import SmtpDoor as MailDoor
from services.sending.patience import Patience
from shared.aggregate import Aggregates
from shared.events.messages import MessageQuarantined, MessageRefused
from shared.events.trail import KeyIntroduced
from shared.receipts import open_receipt
from shared.runner import Embedded
from shared.settings import Settings
from tests.corpus_data import corpus
from tests.installations import in_a_loop

pytestmark = pytest.mark.long

ZH = "text=留言详情,subject=留言主题,external_id=留言编号,occurred_at=留言时间"
TABLES = {
    ("zh_messages", "labelled_train.csv"): ZH,
    ("zh_messages", "replies_train.csv"): ZH,
    ("zh_messages", "hot_topics_train.csv"): ZH,
    ("en_311", "nyc311_2020.csv"): "text=Descriptor+Resolution Description,subject=Complaint Type",
    ("en_311", "nyc311_2012_socrata.json"): "text=descriptor+resolution_description,subject=complaint_type",
    (
        "en_311",
        "baltimore311_2018_a.csv",
    ): "text=SRType+Outcome,external_id=SRRecordID,occurred_at=CreatedDate",
    (
        "en_311",
        "boston311-100.csv",
    ): "text=case_title+closure_reason,external_id=case_enquiry_id,occurred_at=open_dt",
}
INPUTS = {"mail": 434, "transcripts": 138, "en_311": 7_600, "zh_messages": 7_615}
"""What the corpus holds: mails, calls, rows (`../shared/data/README.md`)."""

NOT_FOR_PEOPLE = {"", "unstated", "invalid", "unreadable", "server_error", "answer_not_understood"}


@dataclass
class Account:
    """One folder's inputs and what became of them."""

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(attached, new, quarantined or refused; why) → how many"""
    details: dict[str, str] = field(default_factory=dict)


@dataclass
class Sent:
    """Everything handed over, in the order it was answered."""

    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)

    def book(self, source: Source, outcome: Outcome, where: str) -> None:
        self.outcomes.append((source.path.relative_to(corpus()).parts[0], outcome))


@asynccontextmanager
async def installation(data: Path) -> AsyncIterator[tuple[Embedded, str]]:
    """All four services behind their real doors, on free ports."""
    door = socket.create_server(("127.0.0.1", 0), backlog=256)
    port = door.getsockname()[1]
    async with embedded(Settings(data=data, port=port, smtp_port=0)) as one:
        config = uvicorn.Config(one.app(), log_config=None, access_log=False, lifespan="off", loop="none")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            yield one, f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await serving


async def hand_over(one: Embedded, url: str) -> Sent:
    """Send it all as `throughline send` does, one run for each `--map`."""
    sent = Sent()
    smtp_port = next(
        beside.port
        for service in one.services
        for beside in service.companions
        if isinstance(beside, SmtpDoor)
    )
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for spec, paths in runs().items():
            doors = [MailDoor("127.0.0.1", smtp_port, "line@localhost", Patience()) for _ in range(WIDTH)]
            sending = Sending(
                HttpDoor(client, Patience()), doors, parse_map(spec or None), None, ZoneInfo("UTC"), sent.book
            )
            await sending.all([Source(path, kind_of(path), Balance(path.name)) for path in paths])
    return sent


def runs() -> dict[str, list[Path]]:
    """What is sent under which `--map`."""
    mails = [path for path in corpus("mail").rglob("*") if path.is_file()]
    calls = [
        path
        for path in corpus("transcripts").rglob("*")
        if path.is_file() and not (path.parent.name == "wpt-cue-parsing" and path.suffix == ".json")
    ]
    found = {"": sorted(mails + calls)}
    for parts, spec in TABLES.items():
        found.setdefault(spec, []).append(corpus(*parts))
    return found


async def accounts(one: Embedded, sent: Sent) -> tuple[dict[str, Account], set[str]]:
    """What became of each input, and the ids of what was accepted."""
    kept = Aggregates(messages(one.house.clock.now() - one.house.clock.now()), one.store, one.clock)
    found: dict[str, Account] = {folder: Account() for folder in INPUTS}
    seen: set[str] = set()
    for folder, outcome in sent.outcomes:
        message_id = id_of(outcome)
        account = found[folder]
        if message_id is None:
            account.ends["refused" if outcome.end == "refused" else outcome.end, outcome.reason] += 1
            account.details.setdefault(outcome.reason, outcome.detail)
        elif message_id in seen:
            account.ends["attached", "repeated"] += 1
        else:
            state = (await kept.load(message_id)).state
            assert state is not None
            first = (await one.store.history(message_id))[0].data
            why = first.reason if isinstance(first, MessageRefused | MessageQuarantined) else state.outcome
            end = {"unverified": "attached", "delivery": "attached"}.get(state.outcome, state.outcome)
            account.ends[end, why] += 1
            seen.add(message_id)
    return found, seen


def id_of(outcome: Outcome) -> str | None:
    """The message that the door said it kept."""
    said = re.search(r"\bmsg_\w+", outcome.detail)
    return outcome.message_id or (said and said[0])


async def evidence(url: str, ids: set[str]) -> dict[str, tuple[bytes, bytes]]:
    """The receipt and the proof of each message, as anybody can have them."""
    found: dict[str, tuple[bytes, bytes]] = {}
    waiting = iter(sorted(ids))

    async def fetch(client: httpx.AsyncClient) -> None:
        for message_id in waiting:
            receipt = await client.get(f"/v1/receipts/{message_id}")
            proof = await client.get(f"/v1/proofs/{message_id}")
            assert (receipt.status_code, proof.status_code) == (200, 200), message_id
            found[message_id] = receipt.content, proof.content

    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        await asyncio.gather(*(fetch(client) for _ in range(8)))
    return found


@in_a_loop
async def test_every_input_ends_somewhere_for_a_reason_and_what_is_accepted_is_provably_in_the_trail(
    tmp_path: Path,
) -> None:
    async with installation(tmp_path) as (one, url):
        sent = await hand_over(one, url)
        await one.idle()
        found, ids = await accounts(one, sent)
        committed = await one.store.count(MESSAGES, cap=2**53)
        proofs = await evidence(url, ids)
        log_key = Verifier.parse((await get(url, "/trail/vkey")).decode().strip())
        keys = [record.data for record in await one.store.history("trail")]
    show(found)

    assert {folder: account.ends.total() for folder, account in found.items()} == INPUTS
    for account in found.values():
        ends = {end for end, _ in account.ends}
        assert ends <= {"attached", "new", "quarantined", "refused"}, ends
        refused = {why for end, why in account.ends if end == "refused"}
        assert not refused & NOT_FOR_PEOPLE, refused
        assert all(len(detail.split()) > 4 for detail in account.details.values()), account.details
    assert committed == len(ids)

    # From here on nothing runs: only bytes that a stranger can hold, and two public keys.
    receipt_keys = [Verifier.parse(key.vkey) for key in keys if isinstance(key, KeyIntroduced)]
    for message_id, (note, proof_bytes) in proofs.items():
        receipt = open_receipt(note, receipt_keys)
        proof = TlogProof.parse(proof_bytes)
        assert proof.extra is not None
        assert receipt.message == message_id == orjson.loads(proof.extra)["subject"]
        assert receipt.leaf == leaf_hash(proof.extra)
        proof.verify(receipt.leaf, log_key, origin=receipt.origin)
    assert set(proofs) == ids


async def get(url: str, path: str) -> bytes:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        return (await client.get(path)).content


def show(found: dict[str, Account]) -> None:
    """The account, for the record: counts and codes, never words."""
    for folder, account in found.items():
        for (end, why), count in sorted(account.ends.items()):
            print(f"{folder:12} {end:12} {why:24} {count:6}")
