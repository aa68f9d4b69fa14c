"""An installation outgrows its machine: it moves, is cut off at every page, and nothing is lost or said twice."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from deploy.loopback.services import Told
from services.cli import app
from services.embedded import embedded
from services.moving import ALL, Moving
from services.routing.case import CASES
from shared.lock import Locked
from shared.settings import Settings
from shared.store import StoreError
from shared.store.mongo import MongoStore
from tests.cluster.house import PUBLIC_URL, cluster, until
from tests.cluster.test_all_four import answer, arrived, holds
from tests.installations import in_a_loop
from tests.journeys.test_dead import BROKEN, break_
from tests.unit.intake_room import Room

pytestmark = pytest.mark.cluster

WANG = {"email": "wang@citizen.example", "language": "zh-Hant"}


class Cut(Exception):
    """The process ends here."""


async def lived(data: Path) -> dict[str, Any]:
    """An installation with an answered case, an open one with a large file, and one held back; stopped since."""
    told: dict[str, Any] = {}
    async with embedded(Settings(data=data, smtp_port=0, public_url=PUBLIC_URL)) as installation:
        app = installation.app()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
            here = Room(installation, app, client)
            with pytest.MonkeyPatch.context() as monkeypatch:
                break_(monkeypatch)
                for name, text in (("lamp", "路燈不亮"), ("held", BROKEN)):
                    sent = await client.post("/v1/messages", json={"text": text, "sender": WANG})
                    told[name] = sent.json()
                mail = EmailMessage()
                mail["From"], mail["To"], mail["Subject"] = WANG["email"], here.mailbox, "pictures"
                mail.set_content("房屋漏水")
                mail.add_attachment(
                    bytes(range(256)) * 2000, maintype="image", subtype="png", filename="a.png"
                )
                assert (await here.mail(mail.as_bytes()))[0] == 250
                await installation.idle()
            told["ref"] = (await client.get(f"/v1/track/{told['lamp']['tracking']}")).json()["ref"]
            here.as_("housing-officer-1")
            await answer(client, told["ref"])
            await installation.idle()
        told["due"] = await installation.store.next_due(CASES)
    return told


async def move(data: Path, told: Told, cut_after: int | None = None) -> dict[str, object]:
    """Move it; where told to, end after so many pages."""
    named = {key.removeprefix("THROUGHLINE_").lower(): value for key, value in told.environment.items()}
    settings = Settings.model_validate({**named, "data": data})
    store = MongoStore(settings.mongo_url, settings.mongo_database, ALL)
    pages = 0

    def tell(kind: str, done: int, total: int) -> None:
        nonlocal pages
        pages += 1
        if pages == cut_after:
            raise Cut

    await store.open()
    try:
        return await Moving(settings, told.directory / "audit-1", store, tell).move()
    finally:
        await store.close()


@in_a_loop
async def test_cut_off_at_every_page_it_arrives_whole_and_the_four_services_go_on(
    tmp_path: Path, kafka_address: str, mongo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    before = await lived(data)
    mails = len(list((data / "outbox").glob("*.eml")))
    assert mails > 0
    with closing(sqlite3.connect(data / "throughline.db")) as main, main:
        # As after a kill: what it has answered since both messages came, notify will be asked once more.
        came = "SELECT MAX(position) FROM events WHERE topic = 'messages' AND subject = ?"
        ((position,),) = main.execute(came, (before["held"]["message_id"],)).fetchall()
        assert (
            main.execute("UPDATE cursors SET position = ? WHERE name = 'notify'", (position,)).rowcount == 1
        )

    async def migrated(told: Told) -> None:
        cuts = 0
        while True:
            try:
                moved = await move(data, told, cuts + 1)
            except Cut:
                cuts += 1
            else:
                break
        assert cuts > 4
        assert moved["unheard"] > 0  # type: ignore[operator]
        assert moved["outbox"] == {"folder": str(data / "outbox"), "mails": mails}
        again = await move(data, told)
        assert (again["already"], again["root"]) == (True, moved["root"])
        for name, value in told.environment.items():
            monkeypatch.setenv(name, value)
        command = ["migrate", "--data", str(data), "--audit", str(told.directory / "audit-1")]
        said = await asyncio.to_thread(lambda: CliRunner().invoke(app, command))
        assert said.exit_code == 0
        assert f"Left where they are: {mails} mails in {data / 'outbox'}, " in said.stdout

    async with cluster(tmp_path / "there", kafka_address, mongo_url, before=migrated) as there:
        lamp, store = before["lamp"], there.house.store
        assert isinstance(store, MongoStore)
        await holds(there, lamp["message_id"], lamp["receipt"])
        assert await store.next_due(CASES) == before["due"]
        ((_, held, reason, _),) = await store.held_back.held_keys("routing")
        assert (held, reason) == (1, "ValueError: no place for this")
        large = await until(lambda: large_contents(store), what="the large file is there")
        assert len(await there.house.content.open(large)) == 256 * 2000

        reply = await there.write(text="還是不亮", in_reply_to=lamp["tracking"], sender=WANG)
        assert await there.case_of(reply["message_id"]) == (before["ref"], "attached")
        new = await there.write(text="路燈又不亮", sender=WANG)
        ref, outcome = await there.case_of(new["message_id"])
        assert outcome == "new"
        await holds(there, new["message_id"], new["receipt"])
        await until(lambda: arrived(there, 1), what="the new case is acknowledged")
        assert set(there.sink.by_id.values()) == {1}
        assert {ref in str(mail["Subject"]) for mail in there.sink.mails} == {True}  # none of before

    with pytest.raises(Locked, match="moved to a cluster"):
        async with embedded(Settings(data=data, smtp_port=0)):
            pass


async def large_contents(store: MongoStore) -> str | None:
    found = await store.database["content_files.files"].find_one({}, sort=[("length", 1)])
    return None if found is None else str(found["_id"])


@in_a_loop
async def test_what_holds_something_of_somebody_else_is_refused_and_left_as_it_was(
    tmp_path: Path, kafka_address: str, mongo_url: str
) -> None:
    data = tmp_path / "data"
    async with embedded(Settings(data=data, smtp_port=0, public_url=PUBLIC_URL)) as installation:
        await installation.idle()
    settings = {"THROUGHLINE_MONGO_DATABASE": f"full_{tmp_path.parent.name}".replace("-", "_")}
    told = Told(tmp_path, kafka_address, mongo_url, PUBLIC_URL, settings)
    other = MongoStore(mongo_url, settings["THROUGHLINE_MONGO_DATABASE"], ALL)
    await other.open()
    try:
        await other.claim({"theirs": json.dumps(1)})
        with pytest.raises(StoreError, match="is not empty"):
            await move(data, told)
        assert not (tmp_path / "audit-1").exists()
        assert await other.registers.swap("migration", None, "nothing") == "nothing"
    finally:
        await other.close()
