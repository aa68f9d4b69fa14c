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

from services.audit.evidence import Evidence
from services.audit.log import TlogProof, Verifier, leaf_hash
from services.audit.trail import Trail
from services.embedded import embedded
from services.intake.balance import balance as intake_balance
from services.intake.message import MESSAGES, messages
from services.intake.pages import looking as intake_pages
from services.intake.records import kind_of, parse_map
from services.intake.smtp import SmtpDoor
from services.sending.balance import Balance, Outcome
from services.sending.lanes import WIDTH, Sending, Source
from services.sending.over_http import HttpDoor
from services.sending.over_smtp import SmtpDoor as MailDoor
from services.sending.patience import Patience
from shared.aggregate import Aggregates
from shared.embedded import Embedded
from shared.events.messages import MessageQuarantined, MessageRefused
from shared.receipts import open_receipt
from shared.settings import Settings
from shared.web.problems import TYPE_PREFIX
from shared.web.words import read_words
from tests.corpus_data import corpus
from tests.installations import LONG_RUN, ends_within

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
ENDS = ("attached", "new", "quarantined", "refused")
INPUTS = {"mail": 434, "transcripts": 138, "en_311": 7_600, "zh_messages": 7_615}
"""What the corpus holds: mails, calls, rows (`../shared/data/README.md`)."""

NOT_FOR_PEOPLE = {"", "unstated", "invalid", "not-valid", "internal", "server_error", "answer_not_understood"}
"""Reasons that tell nobody what to do."""

REPEATED = ("attached", "repeated")


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
            reason = outcome.reason.removeprefix(TYPE_PREFIX)
            account.ends[outcome.end, reason] += 1
            account.details.setdefault(reason, outcome.detail)
        elif message_id in seen:
            account.ends[REPEATED] += 1
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


def kept_by_end(found: dict[str, Account]) -> dict[str, int]:
    """How many messages were kept, by what became of them: without repeats, and without what the door refused."""
    kept: Counter[str] = Counter(dict.fromkeys(ENDS, 0))
    for account in found.values():
        for (end, why), count in account.ends.items():
            if (end, why) != REPEATED and why not in account.details:
                kept[end] += count
    return dict(kept)


async def receipts(url: str, sent: Sent, ids: set[str]) -> dict[str, bytes]:
    """What each sender holds: the receipt in the answer, or for a mail the one to be had under its id."""
    found: dict[str, bytes] = {}
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for _, outcome in sent.outcomes:
            message_id = id_of(outcome)
            if message_id is None or message_id in found:
                continue
            if outcome.receipt:
                found[message_id] = outcome.receipt.encode()
            else:
                answer = await client.get(f"/v1/receipts/{message_id}")
                assert answer.status_code == 200, message_id
                found[message_id] = answer.content
    assert set(found) == ids
    return found


async def proofs(one: Embedded, url: str, ids: set[str], log: Verifier) -> dict[str, bytes]:
    """The proof of each, made as `GET /v1/proofs/{id}` makes it; of some it is asked there, too."""
    trail = next(
        beside for service in one.services for beside in service.companions if isinstance(beside, Trail)
    )
    places = {message_id: trail.index.places(message_id)[0] for message_id in ids}
    proved = await asyncio.to_thread(Evidence(trail.directory, log).prove, sorted(places.values()))
    made = {entry.index: entry.proof for entry in proved.entries}
    found = {message_id: made[at] for message_id, at in places.items()}
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for message_id in sorted(ids)[::50]:
            assert (await client.get(f"/v1/proofs/{message_id}")).content == found[message_id]
    return found


@ends_within(LONG_RUN)
async def test_every_input_ends_somewhere_for_a_reason_and_what_is_accepted_is_provably_in_the_trail(
    tmp_path: Path,
) -> None:
    async with installation(tmp_path) as (one, url):
        sent = await hand_over(one, url)
        await one.idle()
        found, ids = await accounts(one, sent)
        committed = await one.store.count(MESSAGES, cap=2**53)
        balance = (await intake_balance(one.store)).total
        log_key, receipt_key = await key_of(url, "/trail/vkey"), await key_of(url, "/trail/receipt-vkey")
        receipt = await receipts(url, sent, ids)
        proved = await proofs(one, url, ids, log_key)
    show(found)
    told = read_words(intake_pages.FOLDER / "words")

    assert {folder: account.ends.total() for folder, account in found.items()} == INPUTS
    for account in found.values():
        ends = {end for end, _ in account.ends}
        assert ends <= set(ENDS), ends
        refused = {why for end, why in account.ends if end == "refused"}
        assert not refused & NOT_FOR_PEOPLE, refused
        assert all(len(detail.split()) > 4 for detail in account.details.values()), account.details
        held = {why for end, why in account.ends if end == "quarantined"}
        assert all(f"quarantine.reason.{why}" in words for why in held for words in told.values()), held
    assert committed == len(ids) == balance.received
    assert balance.waiting == 0
    assert kept_by_end(found) == {end: getattr(balance, end) for end in ENDS}

    # From here on nothing runs: only bytes that a stranger can hold, and two public keys.
    for message_id in ids:
        promise = open_receipt(receipt[message_id], [receipt_key])
        proof = TlogProof.parse(proved[message_id])
        assert proof.extra is not None
        assert promise.message == message_id == orjson.loads(proof.extra)["subject"]
        assert promise.leaf == leaf_hash(proof.extra)
        proof.verify(promise.leaf, log_key, origin=promise.origin)


async def key_of(url: str, path: str) -> Verifier:
    """A public key, as anybody can have it."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        return Verifier.parse((await client.get(path)).text.strip())


def show(found: dict[str, Account]) -> None:
    """The account, for the record: counts and codes, never words."""
    for folder, account in found.items():
        for (end, why), count in sorted(account.ends.items()):
            print(f"{folder:12} {end:12} {why:24} {count:6}")
