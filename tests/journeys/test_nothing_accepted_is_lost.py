"""The promise of DESIGN.md section 5, kept through kill -9: nothing accepted is lost, nothing takes effect twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from datetime import datetime
from email import message_from_bytes
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.audit.log import Verifier, from_directory, verify_log
from services.audit.log.reader import LogReader
from services.embedded import COLLECTIONS
from services.intake.message import MESSAGES, Message
from shared.events import Record
from shared.events.cases import CaseOpened, MessageAttached
from shared.events.deliveries import DeliveryAttempted, DeliveryQueued
from shared.keys import Keys
from shared.store.sqlite import SqliteStore
from shared.tokens import Tokens

pytestmark = pytest.mark.long

MESSAGES_SENT = 5_000
KILLS = 52
AT_ONCE = 24
STARTS_BETWEEN_KILLED_ONES = 10
START_SECONDS = 3.0
PATIENCE_SECONDS = 420
"""Longer than an attempt's deadline: what was cut off too often waits for it."""


class Sink:
    """Where acknowledgements arrive: counts each Message-ID, and knows whether one is on its way in."""

    def __init__(self) -> None:
        self.mails: Counter[str] = Counter()
        self.open = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.open += 1
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails[str(message_from_bytes(envelope.content)["Message-ID"])] += 1
        self.open -= 1
        return "250 OK"


class Lives:
    """One installation, killed and started again in the same directory."""

    def __init__(self, data: Path, relay_port: int) -> None:
        self.data = data
        self._relay = f"127.0.0.1:{relay_port}"
        self._log = data.with_suffix(".log")
        self.up = asyncio.Event()
        self.port = self.smtp_port = 0
        self.mailbox = ""
        self.acknowledged_in_this_life = 0

    def spawn(self) -> None:
        (self.data / "addresses").unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "services", "run", "--data", str(self.data)),
                    *("--port", "0", "--smtp-port", "0", "--relay", self._relay),
                ],
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "THROUGHLINE_LOG_LEVEL": "warning",
                    "THROUGHLINE_TICK_SECONDS": "86400",  # what is counted is what people did
                },
            )

    async def start(self) -> None:
        self.spawn()
        addresses = self.data / "addresses"
        while not addresses.exists():
            assert self.process.poll() is None, self._log.read_text()[-3000:]
            await asyncio.sleep(0.01)
        port, smtp_port, self.mailbox = addresses.read_text().split()
        self.port, self.smtp_port = int(port), int(smtp_port)
        self.acknowledged_in_this_life = 0
        self.up.set()

    def kill(self) -> None:
        self.up.clear()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def stop(self) -> None:
        self.up.clear()
        self.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(self.process.wait, 30) == 0

    async def quiet(self, sink: Sink) -> None:
        """Return once every event is answered, every acknowledgement handed over, all of it signed and followed."""
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            for _ in range(PATIENCE_SECONDS * 5):
                lines = (await http.get("/metrics")).text.splitlines()
                gauges = {
                    line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                    for line in lines
                    if line[0] != "#"
                }
                if (
                    gauges["throughline_unanswered_events"] == 0
                    and len(sink.mails) >= MESSAGES_SENT
                    and gauges["throughline_trail_size_entries"] == gauges["throughline_events_committed"]
                    and gauges["throughline_trail_followed_behind_entries"] == 0
                ):
                    return
                await asyncio.sleep(0.2)
        raise AssertionError(f"{len(sink.mails)} mails and not quiet after {PATIENCE_SECONDS} s")


class Senders:
    """Who write by HTTP and SMTP, and write again under the same id until they are told that it was kept."""

    def __init__(self, lives: Lives) -> None:
        self.lives = lives
        self.accepted: dict[int, str] = {}
        self.repeats = 0
        self.in_flight: Counter[str] = Counter()
        self._numbers = iter(range(MESSAGES_SENT))

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=20) as self._http:
            await asyncio.gather(*(self._one(by) for by in ("http", "smtp") * (AT_ONCE // 2)))

    async def _one(self, by: str) -> None:
        for number in self._numbers:
            tries = 0
            while number not in self.accepted:
                await self.lives.up.wait()
                tries += 1
                self.in_flight[by] += 1
                with suppress(OSError, httpx.HTTPError, aiosmtplib.SMTPException, asyncio.TimeoutError):
                    self.accepted[number] = await (self._post(number) if by == "http" else self._mail(number))
                    self.lives.acknowledged_in_this_life += 1
                self.in_flight[by] -= 1
                await asyncio.sleep(0)
            self.repeats += tries - 1

    async def _post(self, number: int) -> str:
        body = {
            "text": f"第 {number} 盞路燈不亮了 {'。' * (number % 50)}",
            "sender": {"email": f"s{number}@example.org", "language": "zh-Hant"},
            "external_id": str(number),
        }
        answer = await self._http.post(f"http://127.0.0.1:{self.lives.port}/v1/messages", json=body)
        if answer.status_code != 202:
            raise httpx.HTTPError(answer.text)
        return str(answer.json()["message_id"])

    async def _mail(self, number: int) -> str:
        raw = (
            f"From: s{number}@example.org\r\nTo: line@example.org\r\nSubject: lamp {number}\r\n"
            f"Message-ID: <{number}@mail.example.org>\r\n\r\nStreet lamp {number} is dark.\r\n"
        )
        _, answer = await aiosmtplib.send(
            raw.encode(),
            sender=f"s{number}@example.org",
            recipients=[self.lives.mailbox],
            hostname="127.0.0.1",
            port=self.lives.smtp_port,
            timeout=20,
        )
        return answer.rpartition(" ")[2]


async def killing(lives: Lives, senders: Senders, sink: Sink, chance: random.Random) -> Counter[str]:
    """Kill at random points; count by what was going on."""
    counted: Counter[str] = Counter()
    for number in range(KILLS):
        share = (MESSAGES_SENT - len(senders.accepted)) / (KILLS - number + 1)
        enough = chance.uniform(0, 2 * share)
        while lives.acknowledged_in_this_life < enough:
            await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0, 0.03))
        counted["kills"] += 1
        counted["while HTTP was under way"] += senders.in_flight["http"] > 0
        counted["while SMTP was under way"] += senders.in_flight["smtp"] > 0
        counted["while a mail was being handed over"] += sink.open > 0
        lives.kill()
        sink.open = 0
        if number % STARTS_BETWEEN_KILLED_ONES == 0:
            lives.spawn()
            await asyncio.sleep(chance.uniform(0, START_SECONDS))
            counted["kills"] += 1
            counted["while it was starting"] += not (lives.data / "addresses").exists()
            lives.kill()
        await lives.start()
    return counted


def test_every_acknowledged_message_is_settled_once_whenever_the_process_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = int(os.environ.get("THROUGHLINE_TEST_SEED", random.randrange(10**6)))
    sink = Sink()
    data = tmp_path / "data"
    data.mkdir()

    async def live() -> tuple[Senders, Counter[str]]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(sink, loop=loop), "127.0.0.1", 0)
        lives = Lives(data, server.sockets[0].getsockname()[1])
        senders = Senders(lives)
        await lives.start()
        try:
            sending = asyncio.create_task(senders.run())
            counted = await killing(lives, senders, sink, random.Random(seed))
            await sending
            await lives.quiet(sink)
            await lives.stop()
        finally:
            if lives.process.poll() is None:
                lives.process.kill()
            server.close()
        return senders, counted

    senders, counted = asyncio.run(live())
    events = asyncio.run(_check_cases(data, senders))
    _check_trail(data, events)
    _check_mails(data, events, sink)
    twice = sum(count - 1 for count in sink.mails.values())
    with capsys.disabled():
        print(f"\nseed {seed}: killed {counted.pop('kills')} times, {_in_words(counted)}")
        print(
            f"{len(senders.accepted)} messages; sent again by their senders, not knowing: {senders.repeats}"
        )
        print(f"{len(sink.mails)} acknowledgements; handed over again under the same Message-ID: {twice}")
        print(f"{len(events)} events in order; attempts made again: {_in_words(_again(events))}")


async def _check_cases(data: Path, senders: Senders) -> list[Record]:
    """Every acknowledged message is settled with one case; each aggregate's events are in order, without holes."""
    assert len(senders.accepted) == MESSAGES_SENT
    store = SqliteStore(data, COLLECTIONS)
    await store.open()
    events: list[Record] = []
    position = 0
    while page := store.events_after(position, 10_000):
        events += [record for _, record in page]
        position = page[-1][0]
    outcomes: Counter[str] = Counter()
    for message_id in senders.accepted.values():
        document = await store.load(MESSAGES, message_id)
        assert document is not None, f"{message_id} was acknowledged and is lost"
        outcomes[Message.model_validate_json(_state(document.body)).outcome] += 1
    await store.close()
    assert set(outcomes) <= {"new", "attached"}, outcomes
    following: Counter[str] = Counter()
    for record in events:
        following[record.subject] += 1
        assert record.sequence == following[record.subject], f"{record.id} is out of order"
    taken = Counter(
        record.data.message for record in events if isinstance(record.data, CaseOpened | MessageAttached)
    )
    assert set(taken.values()) == {1}
    assert set(senders.accepted.values()) <= set(taken)
    return events


def _state(body: bytes) -> bytes:
    return body[body.index(b'"state":') + 8 : -1]


def _check_trail(data: Path, events: list[Record]) -> None:
    """The trail verifies, and says the same as the store, event for event."""
    log = data / "audit" / "log"
    vkey = subprocess.run(
        [sys.executable, "-m", "services", "trail", "vkey", "--data", str(data)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    verifier = next(
        Verifier.parse(word)
        for word in vkey.split()
        if "+" in word and not word.partition("+")[0].endswith("/receipt")
    )
    report = verify_log(log, verifier)
    assert not report.problems
    entries = list(LogReader(from_directory(log)).entries(0, len(events), len(events)))
    assert entries == [record.value for record in events]


def _again(events: list[Record]) -> Counter[str]:
    return Counter(
        f"after a {record.data.after}" for record in events if isinstance(record.data, DeliveryAttempted)
    )


def _in_words(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counted.items()) or "none"


def _check_mails(data: Path, events: list[Record], sink: Sink) -> None:
    """Every case was acknowledged under one id, at most once an attempt, and nothing else went out."""
    deadline: dict[str, datetime] = {}
    attempts: Counter[str] = Counter()
    for record in events:
        event = record.data
        if isinstance(event, DeliveryQueued):
            assert event.attempt_deadline is not None
            assert record.subject not in deadline
            deadline[record.subject] = event.attempt_deadline
        elif isinstance(event, DeliveryAttempted):
            assert record.time >= deadline[record.subject] or event.after == "restart"
            deadline[record.subject] = event.deadline
        else:
            continue
        attempts[record.subject] += 1
    tokens = Tokens(Keys(data / "keys"))
    handed_over: Counter[str] = Counter()
    for message_id, count in sink.mails.items():
        named = tokens.read_message_id(message_id)
        assert named is not None
        handed_over[named[0]] += count
    assert handed_over.keys() == deadline.keys()
    assert len(sink.mails) == len(deadline)
    assert all(count <= attempts[delivery] for delivery, count in handed_over.items())
