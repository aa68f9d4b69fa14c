"""The command that moves an installation is killed with -9 wherever it writes, and run again: all of it arrives, once.

What moves was killed as well, in the midst of sending: a mail put off, one at the relay, one that waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.loopback.process import ports
from deploy.loopback.services import Told
from services import notify
from services.audit.moving import standing
from services.moving import ALL
from services.notify.delivery import ATTEMPT, Delivery
from shared.aggregate import Aggregates
from shared.clock import RealClock
from shared.lock import Lock, Locked
from shared.store.mongo import MongoStore
from shared.store.mongo.arriving import Arriving
from tests.cluster.house import PATIENCE_SECONDS, cluster, until
from tests.cluster.test_all_four import holds
from tests.installations import in_a_loop
from tests.relay import Relay

pytestmark = pytest.mark.cluster

LEFT = timedelta(seconds=60)
"""How much of its time an attempt has left after the kill: the first life's clock is behind, lest the test wait for all
of it."""
EARLIER = """
import sys
from datetime import timedelta
from shared.clock import RealClock
from services.cli import main
behind, now = timedelta(seconds=float(sys.argv.pop(1))), RealClock.now
RealClock.now = lambda self: now(self) - behind
main()
"""
LATER, NOW, NEXT = (f"{name}@citizen.example" for name in ("later", "now", "next"))


@dataclass
class Slow(Relay):
    """Puts off one recipient's mail; takes others' and says nothing."""

    begun: dict[str, str] = field(default_factory=dict)
    """By recipient the Message-ID of what it was handed."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        (recipient,) = envelope.rcpt_tos
        self.begun[recipient] = str(message_from_bytes(envelope.content)["Message-ID"])
        if recipient == LATER:
            return "451 4.7.1 come again"
        return await super().handle_DATA(server, session, envelope)


@asynccontextmanager
async def throughline(*command: str, told: Told | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(told.environment if told else {})},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(*command: str, told: Told) -> tuple[int | None, str, str]:
    """A process's exit code and what it said."""
    async with throughline(*command, told=told) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


def happened(data: Path, kind: str) -> int:
    """How many events of a kind the stopped or running installation has."""
    with closing(sqlite3.connect(f"file:{data / 'throughline.db'}?mode=ro", uri=True)) as main:
        values = [bytes(value) for (value,) in main.execute("SELECT value FROM events")]
    return sum(f'"throughline.{kind}"'.encode() in value for value in values)


async def free(data: Path) -> bool:
    """Whether every process of the installation has ended."""
    try:
        with Lock(data / "lock"):
            return True
    except Locked:
        return False


async def killed_while_sending(data: Path) -> tuple[list[dict[str, Any]], str]:
    """Lives, has three mails under way, and is killed; answers what the door said, and the Message-ID at the relay."""
    relay = Slow()
    relay.answering.clear()
    port = ports(data.parent / "ports", ["http"])["http"]
    behind = str((ATTEMPT - LEFT).total_seconds())
    run = ("-c", EARLIER, behind, "run", "--data", str(data), "--port", str(port), "--smtp-port", "0")
    async with relay.up(), throughline(*run, "--relay", relay.address) as process:
        written = []
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:

            async def up() -> bool:
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(up, what="the installation is ready")

            async def write(address: str) -> None:
                body = {"text": f"路燈不亮 {address}", "sender": {"email": address}}
                written.append((await client.post("/v1/messages", json=body)).json())

            async def seen(kind: str, count: int) -> bool:
                return happened(data, kind) >= count

            await write(LATER)
            await until(lambda: seen("delivery.deferred", 1), what="a mail is put off")
            await write(NOW)
            await asyncio.wait_for(relay.asked.wait(), 30)
            await write(NEXT)
            await until(lambda: seen("delivery.queued", 3), what="another mail waits")
        os.kill(process.pid, signal.SIGKILL)
        await process.communicate()
        await until(lambda: free(data), what="its mailing process has ended too")
    assert happened(data, "delivery.sent") == 0
    return written, relay.begun[NOW]


async def refused_to_serve(told: Told) -> None:
    """No service starts on half an installation; it says what to do."""
    service = str(told.directory / "early")
    code, _, said = await ended(
        "-m", "services", "serve", "intake", "--data", service, "--port", "0", told=told
    )
    assert code == 1
    assert "intake does not run: an installation is moving into the database" in said
    assert "run `throughline migrate` again" in said


async def killed_until_moved(data: Path, told: Told) -> dict[str, Any]:
    """Run it, each time killed a little later than the time before, until there is nothing left to be killed in."""
    move = ("migrate", "--data", str(data), "--audit", str(told.directory / "audit-1"), "--json")
    kills = 0
    while True:
        code, out, said = await ended("-m", "tests.cluster.killed", str(2 + 3 * kills), *move, told=told)
        if code != -signal.SIGKILL:
            break
        kills += 1
        if kills == 4:
            await refused_to_serve(told)
    assert code == 0, said
    assert kills > 10
    moved: dict[str, Any] = json.loads(out)
    code, out, _ = await ended("-m", "services", *move, told=told)
    assert (code, json.loads(out)["root"]) == (0, standing(data)[0].root.hex())
    return moved


def counted(data: Path) -> dict[str, int]:
    """What the source has, of each kind."""
    tables = {"contents": "contents", "claims": "claims", "held": "held", "events": "events"}
    tables |= {one.name: f"doc_{one.name}" for one in ALL}
    with closing(sqlite3.connect(data / "throughline.db")) as main:
        counts = {kind: main.execute(f"SELECT count(*) FROM {table}") for kind, table in tables.items()}
        return {kind: count.fetchone()[0] for kind, count in counts.items()}


async def arrived(told: Told) -> dict[str, int]:
    """What the cluster's database has, of each kind."""
    store = MongoStore(told.mongo, told.settings["THROUGHLINE_MONGO_DATABASE"], ALL)
    await store.open()
    try:
        arriving = Arriving(store)
        counts = {kind: await arriving.count(kind) for kind in ("contents", "claims", "held", "events")}
        counts["events"] += await arriving.waiting(ALL)
        return counts | {one.name: await arriving.count(f"doc_{one.name}") for one in ALL}
    finally:
        await store.close()


async def in_its_attempt(told: Told, message_id: str) -> Delivery:
    """The delivery that was at the relay, as it has arrived."""
    store = MongoStore(told.mongo, told.settings["THROUGHLINE_MONGO_DATABASE"], ALL)
    await store.open()
    try:
        deliveries = Aggregates(notify.KIND, store, RealClock())
        async for document in store.database["doc_deliveries"].find({}):
            state = (await deliveries.load(document["_id"])).state
            if state is not None and document["_id"].removeprefix("dlv_") in message_id:
                return state
    finally:
        await store.close()
    raise AssertionError(f"no delivery has the id of {message_id}")


@in_a_loop
async def test_killed_wherever_it_writes_all_arrives_and_each_open_mail_is_delivered_under_its_one_id(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    data = tmp_path / "data"
    written, at_the_relay = await killed_while_sending(data)
    source = counted(data)

    interrupted: list[Delivery] = []

    async def migrated(told: Told) -> None:
        moved = await killed_until_moved(data, told)
        tree, _ = standing(data)
        assert (moved["size"], moved["root"]) == (tree.size, tree.root.hex())
        assert await arrived(told) == source
        interrupted.append(await in_its_attempt(told, at_the_relay))

    async with cluster(tmp_path / "there", kafka_address, mongo_url, before=migrated) as there:
        (delivery,) = interrupted
        assert (delivery.status, delivery.attempt) == ("sending", 1)
        assert delivery.wait_until is not None

        async def delivered() -> bool:
            return len(there.sink.mails) >= 3

        left = max(0.0, (delivery.wait_until - RealClock().now()).total_seconds())
        await until(delivered, seconds=left + PATIENCE_SECONDS, what="all three mails are delivered")
        assert sorted(str(mail["To"]) for mail in there.sink.mails) == sorted([LATER, NOW, NEXT])
        assert set(there.sink.by_id.values()) == {1}
        assert there.sink.first_at[at_the_relay] >= delivery.wait_until, "handed over before its deadline"
        for one in written:
            await holds(there, one["message_id"], one["receipt"])
