"""The promise of DESIGN.md section 5 over four services, twice each: kill -9, stalls, the broker and the store away."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from deploy.loopback import Server, kafka, mongo
from deploy.loopback.services import Instance, why_not
from services.audit.log import Verifier, from_directory, verify_log
from services.audit.log.reader import LogReader
from services.embedded import COLLECTIONS
from services.intake.message import MESSAGES
from services.notify import KIND as DELIVERY
from shared.events import Record
from shared.events.cases import CaseOpened, MessageAttached
from shared.events.deliveries import DeliveryAttempted, DeliveryQueued
from shared.store.mongo import MongoStore
from shared.tokens import Tokens
from tests.cluster.house import Cluster, cluster, until
from tests.cluster.test_settlement import metric
from tests.installations import LONG_RUN, ends_within
from tests.servers import here

pytestmark = pytest.mark.cluster

TWO = {"intake": 2, "routing": 2, "notify": 2}
AT_ONCE = 16
STALL_SECONDS = (1.0, 14.0)
"""Some longer than Kafka waits for a member that shows no life, some not."""
QUIET_SECONDS = 420.0
"""Longer than an attempt's deadline: what was cut off while it was being sent waits for it."""


class Senders:
    """Who write by HTTP and SMTP to any instance, and write again under the same id until they are told it was kept."""

    def __init__(self, there: Cluster, messages: int) -> None:
        self.there = there
        self.accepted: dict[int, str] = {}
        self.refused: Counter[str] = Counter()
        self._messages = messages
        self._numbers = iter(range(messages))
        self._allowed = asyncio.Semaphore(0)
        self._intake = there.running.of["intake"]

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            await asyncio.gather(*(self._some(http, by) for by in ("http", "smtp") * (AT_ONCE // 2)))

    def let(self, share: float) -> None:
        """Let a share of the messages be written."""
        for _ in range(round(share * self._messages)):
            self._allowed.release()

    async def _some(self, http: httpx.AsyncClient, by: str) -> None:
        for number in self._numbers:
            await self._allowed.acquire()
            while number not in self.accepted:
                instance = random.choice(self._intake)
                try:
                    kept = (
                        self._post(http, instance, number) if by == "http" else self._mail(instance, number)
                    )
                    self.accepted[number] = await kept
                except (OSError, httpx.HTTPError, aiosmtplib.SMTPException, TimeoutError) as error:
                    self.refused[f"{by}: {type(error).__name__} {str(error)[:40]}"] += 1
                    await asyncio.sleep(0.1)

    async def _post(self, http: httpx.AsyncClient, instance: Instance, number: int) -> str:
        body = {
            "subject": "路燈不亮",
            "text": f"第 {number} 盞路燈不亮 {'。' * (number % 50)}",
            "sender": {"email": f"s{number}@example.org", "language": "zh-Hant"},
            "external_id": str(number),
        }
        answer = await http.post(f"{instance.url}/v1/messages", json=body)
        if answer.status_code != 202:
            raise httpx.HTTPError(f"{answer.status_code}")
        return str(answer.json()["message_id"])

    async def _mail(self, instance: Instance, number: int) -> str:
        raw = (
            f"From: s{number}@example.org\r\nTo: line@example.org\r\nSubject: lamp {number}\r\n"
            f"Message-ID: <{number}@mail.example.org>\r\n\r\nStreet lamp {number} is dark.\r\n"
        )
        _, answer = await aiosmtplib.send(
            raw.encode(),
            sender=f"s{number}@example.org",
            recipients=[self.there.house.organisation.mailboxes[0].address],
            hostname="127.0.0.1",
            port=instance.smtp_port,
            timeout=30,
        )
        return answer.rpartition(" ")[2]


class Chaos:
    """Kills and stops one instance after the other, and says what it did."""

    def __init__(self, there: Cluster, chance: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._every = there.running.every
        self._chance = chance
        self._turn: list[Instance] = []

    def _next(self) -> Instance:
        if not self._turn:
            self._turn = self._chance.sample(self._every, len(self._every))
        return self._turn.pop()

    async def kill(self) -> None:
        """-9, and a new life at once."""
        one = self._next()
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        await one.server.kill()
        self.done[f"kill {one.server.name}"] += 1
        await one.server.start()

    async def stall(self) -> None:
        """Stopped in the midst of whatever it does, and woken."""
        one = self._next()
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        os.kill(one.server.pid, signal.SIGSTOP)
        self.done[f"stall {one.server.name}"] += 1
        await asyncio.sleep(self._chance.uniform(*STALL_SECONDS))
        os.kill(one.server.pid, signal.SIGCONT)
        await until(lambda: _ready(one), seconds=90, what=f"{one.server.name} gets on again")

    async def away(self, server: Server, seconds: float) -> None:
        """A server of the cluster is killed, and comes back with its data."""
        if not server.ours:
            return
        await server.kill()
        self.done[f"away {server.name}"] += 1
        await asyncio.sleep(seconds)
        await server.start()


async def _ready(one: Instance) -> bool:
    return await why_not(one.url) == ""


async def events_of(store: MongoStore) -> list[Record]:
    """Every event that is known to be published, an aggregate's in order."""
    rows = store._database["events"].find({}).batch_size(1000)  # all at once is more than a reply may hold
    found = [Record.read(one["topic"], one["value"]) async for one in rows]
    return sorted(found, key=lambda record: (record.subject, record.sequence))


async def versions(store: MongoStore) -> dict[str, int]:
    """Each aggregate's version, as its document has it."""
    return {
        one["_id"]: one["version"]
        for collection in COLLECTIONS
        async for one in store._database[f"doc_{collection.name}"].find({}, {"version": 1})
    }


async def quiet(there: Cluster, accepted: set[str]) -> list[Record]:
    """Every event there is, once all are published, settled, sent and signed."""
    store: Any = there.house.store
    documents = store._database

    async def everything() -> list[Record] | None:
        waiting = await documents[f"doc_{MESSAGES.name}"].count_documents({"f.outcome": "waiting"})
        sending = await documents[f"doc_{DELIVERY.collection.name}"].count_documents(
            {"due": {"$exists": True}}
        )
        unpublished = [
            await documents[f"doc_{one.name}"].count_documents({"unpublished.0": {"$exists": True}})
            for one in COLLECTIONS
        ]
        published = await documents["events"].count_documents({})
        if waiting or sending or any(unpublished) or await _followed(there) != published:
            return None
        return await events_of(store)

    found: list[Record] = await until(
        everything, seconds=QUIET_SECONDS, every=1, what="everything is settled"
    )
    assert accepted <= {record.subject for record in found}
    return found


async def _followed(there: Cluster) -> float:
    """How many entries are signed and have been followed: nothing comes of them any more."""
    with suppress(httpx.HTTPError):
        behind = await metric(there, "audit", "throughline_trail_followed_behind_entries")
        return await metric(there, "audit", "throughline_trail_size_entries") if not behind else -1
    return -1


async def check(there: Cluster, senders: Senders, events: list[Record]) -> None:
    store: Any = there.house.store
    following: Counter[str] = Counter()
    for record in events:
        following[record.subject] += 1
        assert record.sequence == following[record.subject], f"{record.id} is not where it belongs"
    assert following == await versions(store)
    settled = {record.subject for record in events if record.type == "throughline.message.settled"}
    assert settled == set(senders.accepted.values())
    taken = Counter(one.data.message for one in events if isinstance(one.data, CaseOpened | MessageAttached))
    assert set(taken) == set(senders.accepted.values())
    assert set(taken.values()) == {1}
    await _check_trail(there, events)
    _check_mails(there, events)


async def _check_trail(there: Cluster, events: list[Record]) -> None:
    """It verifies; it has every event once, and an aggregate's in order."""
    log = there.running.of["audit"][0].directory / "audit" / "log"
    report = verify_log(log, Verifier.parse((await there.client.get("/trail/vkey")).text.strip()))
    assert not report.problems
    size = report.entries
    entries = [Record.read("", value) for value in LogReader(from_directory(log)).entries(0, size, size)]
    assert Counter(one.value for one in entries) == Counter(one.value for one in events)
    following: Counter[str] = Counter()
    for one in entries:
        following[one.subject] += 1
        assert one.sequence == following[one.subject], f"{one.id} stands in the trail out of order"


def _check_mails(there: Cluster, events: list[Record]) -> None:
    """Each delivery went out under one id, at most once an attempt."""
    attempts = Counter(
        one.subject for one in events if isinstance(one.data, DeliveryQueued | DeliveryAttempted)
    )
    tokens = Tokens(there.house.keys)
    handed_over: Counter[str] = Counter()
    for message_id, count in there.sink.by_id.items():
        named = tokens.read_message_id(message_id)
        assert named is not None
        assert named[0] not in handed_over, f"{named[0]} went out under two ids"
        handed_over[named[0]] = count
    assert handed_over.keys() == attempts.keys()
    assert all(count <= attempts[delivery] for delivery, count in handed_over.items())


STORM = pytest.mark.skipif(
    "THROUGHLINE_TEST_STORM" not in os.environ, reason="it takes a quarter of an hour: make test-storm"
)


@pytest.mark.parametrize(
    ("messages", "kills", "stalls"), [(400, 4, 2), pytest.param(10_000, 21, 11, marks=STORM)]
)
@ends_within(LONG_RUN)
async def test_every_accepted_message_is_settled_once_whatever_is_killed_or_stalls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], messages: int, kills: int, stalls: int
) -> None:
    seed = int(os.environ.get("THROUGHLINE_TEST_SEED", random.randrange(10**6)))
    chance = random.Random(seed)
    async with (
        here(kafka, tmp_path / "kafka") as broker,
        here(mongo, tmp_path / "mongo") as store,
        cluster(tmp_path / "services", broker.address, store.address, instances=TWO) as there,
    ):
        senders, chaos = Senders(there, messages), Chaos(there, chance)
        sending = asyncio.create_task(senders.run())
        steps: list[Callable[[], Awaitable[None]]] = [chaos.kill] * kills
        steps += [chaos.stall] * stalls
        chance.shuffle(steps)
        steps += [partial(chaos.away, server, chance.uniform(1, 5)) for server in (broker, store)]
        for step in steps:
            senders.let(1 / len(steps))
            await step()
        senders.let(1)
        await sending
        events = await quiet(there, set(senders.accepted.values()))
        await check(there, senders, events)
        with capsys.disabled():
            print(f"\nseed {seed}: {dict(chaos.done)}")
            print(
                f"{len(senders.accepted)} messages, {len(events)} events; told to come again: {senders.refused}"
            )
            twice = sum(count - 1 for count in there.sink.by_id.values())
            print(f"{len(there.sink.by_id)} mails; handed over again under the same Message-ID: {twice}")
