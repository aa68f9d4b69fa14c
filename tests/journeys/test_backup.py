"""Backup while it runs, restore elsewhere: what was acknowledged before is there, and what is lost is said."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.audit.log import Verifier, open_checkpoint, verify_log
from services.cli import app
from services.keeping import backup as backups
from services.notify.holding import ID
from shared.events import Record
from shared.events.deliveries import DeliveryAttempted, DeliveryQueued
from shared.events.trail import GenerationOpened
from shared.generation import read_generation
from shared.note import Signer
from tests.desks import COORDINATOR, house, written
from tests.installations import in_a_loop
from tests.unit.intake_room import Room

DOWN = "再来一次"


class Place:
    """An installation, its backups and the backup of its keys."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.home.mkdir()
        self.to = directory / "backups"
        self.keys = directory / "elsewhere" / "keys.tar"
        self.again = directory / "again"

    async def told(self, *words: object) -> tuple[int, str]:
        """A command, in a thread: the installation goes on meanwhile."""
        done = await asyncio.to_thread(CliRunner().invoke, app, [str(word) for word in words])
        return done.exit_code, done.output

    async def back_up(self) -> Path:
        data, org = self.home / "data", self.home / "county.yaml"
        code, said = await self.told(
            "backup", "--data", data, "--org", org, "--to", self.to, "--keys", self.keys, "--json"
        )
        assert code == 0, said
        return Path(json.loads(said)["folder"])

    async def restore(self, *more: object) -> dict[str, object]:
        self.again.mkdir(exist_ok=True)
        code, said = await self.told(
            "restore",
            *("--from", self.to, "--keys", self.keys, "--data", self.again / "data"),
            *("--org", self.home / "county.yaml", "--json", *more),
        )
        assert code == 0, said
        found: dict[str, object] = json.loads(said)
        return found

    async def checked(self) -> tuple[int, str]:
        return await self.told("check-backup", self.to, "--keys", self.keys)

    def key(self, origin: str, data: Path) -> Verifier:
        return Signer(origin, (data / "keys" / "log.ed25519").read_bytes()).verifier


async def mails(here: Room) -> list[Path]:
    return sorted((here.installation.settings.data / "outbox").glob("*.eml"))


@in_a_loop
async def test_made_while_messages_come_in_it_has_all_that_was_acknowledged_before(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with house(place.home) as (here, sender):
        before = [await written(here, sender, text=f"{DOWN} {number}") for number in range(5)]

        async def more() -> None:
            for number in range(20):
                await written(here, sender, text=f"meanwhile {number}")

        coming = asyncio.create_task(more())
        folder = await place.back_up()
        await coming
        checkpoint = (place.home / "data" / "audit" / "log" / "checkpoint").read_bytes()
    assert (await place.checked())[0] == 0
    origin = checkpoint.decode().partition("\n")[0]
    key = place.key(origin, place.home / "data")
    assert verify_log(folder / "audit" / "log", key).ok
    assert (await place.restore())["opened"] is True
    async with house(place.again) as (here, sender):
        for tracking, ref in before:
            assert (await sender.get(f"/v1/track/{tracking}")).json()["ref"] == ref
        await here.installation.idle()
        code, said = await place.told(
            "trail", "replay", "--data", place.again / "data", "--org", place.home / "county.yaml"
        )
        assert code == 0, said


@in_a_loop
async def test_what_is_lost_opens_a_generation_that_names_the_last_known_checkpoint(tmp_path: Path) -> None:
    place = Place(tmp_path)
    old = place.home / "data" / "audit" / "log"
    async with house(place.home) as (here, sender):
        await written(here, sender)
        await place.back_up()
        lost, _ = await written(here, sender, text=DOWN)
    known = tmp_path / "known"
    shutil.copy(old / "checkpoint", known)
    origin = known.read_text().partition("\n")[0]
    assert await place.restore("--last-known", known) == {
        "entries": _entries(place),
        "generation": 2,
        "opened": True,
    }

    data = place.again / "data"
    assert read_generation(data) == 2
    async with house(place.again) as (here, sender):
        assert here.installation.house.origin == f"{origin}/g2"
        assert (await sender.get(f"/v1/track/{lost}")).status_code == 404
        await here.installation.idle()
        report = verify_log(data / "audit" / "log", place.key(f"{origin}/g2", data))
        assert report.ok
        entries = (await asyncio.to_thread(_first, data)).data
        assert isinstance(entries, GenerationOpened)
        assert entries.last_known.encode() == known.read_bytes()
        # What the generation before proved, it proves.
        assert verify_log(data / "audit" / "generations" / "1" / "log", place.key(origin, data)).ok


@in_a_loop
async def test_deliveries_are_held_until_a_person_releases_them(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with house(place.home) as (here, sender):
        await written(here, sender)
        await place.back_up()
    await place.restore()
    async with house(place.again) as (here, sender):
        here.as_("system-admin")
        shown = (await here.client.get("/v1/deliveries/hold")).json()
        assert (shown["held"], shown["reason"]) == (True, "restored")
        here.as_(COORDINATOR)
        assert "restored from a backup" in (await here.client.get("/outbox")).text
        here.as_("system-admin")
        before = await mails(here)
        await written(here, sender, text=DOWN)
        assert await mails(here) == before
        released = await here.client.post("/v1/deliveries/release")
        assert released.json() == {"held": False, "reason": None, "since": None}
        await here.installation.idle()
        assert len(await mails(here)) == len(before) + 1
        events = await _deliveries(here)
        assert [type(one) for one in events][:2] == [DeliveryQueued, DeliveryAttempted]
        await here.client.post("/v1/deliveries/hold")
        assert [one.type for one in await here.installation.store.history(ID)] == [
            "throughline.sending.held",
            "throughline.sending.released",
            "throughline.sending.held",
        ]


@in_a_loop
async def test_where_nothing_was_signed_since_the_generation_goes_on(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with house(place.home) as (here, sender):
        await written(here, sender)
    await place.back_up()
    log = place.home / "data" / "audit" / "log"
    assert (await place.restore("--last-known", log / "checkpoint"))["opened"] is False
    async with house(place.again) as (here, sender):
        await written(here, sender, text=DOWN)
    old = open_checkpoint(
        (log / "checkpoint").read_bytes(), key := place.key(_origin(log), place.home / "data")
    )
    grown = place.again / "data" / "audit" / "log"
    assert verify_log(grown, key, since=(log / "checkpoint").read_bytes()).ok
    assert open_checkpoint((grown / "checkpoint").read_bytes(), key).state.size > old.state.size


@in_a_loop
async def test_what_does_not_change_is_linked_from_the_backup_before(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with house(place.home) as (here, sender):
        for number in range(12):
            await written(here, sender, text=f"{number}", attachment="x")
        first = await place.back_up()
        await written(here, sender, text=DOWN)
        second = await place.back_up()
    tile = "audit/log/tile/entries/000"
    if (first / tile).is_file():
        assert (first / tile).stat().st_ino == (second / tile).stat().st_ino
    assert backups.newest(place.to) == second
    assert (await place.checked())[0] == 0


@pytest.mark.parametrize("name", ["throughline.db", "audit/index.db", "organisation.yaml"])
@in_a_loop
async def test_a_backup_that_was_changed_is_named_and_not_restored(tmp_path: Path, name: str) -> None:
    place = Place(tmp_path)
    async with house(place.home) as (here, sender):
        await written(here, sender)
        folder = await place.back_up()
    whole = bytearray((folder / name).read_bytes())
    whole[len(whole) // 2] ^= 1
    (folder / name).write_bytes(whole)
    code, said = await place.checked()
    assert (code, f"{name} was changed" in said) == (1, True)
    code, said = await place.told(
        *("restore", "--from", place.to, "--keys", place.keys, "--data", place.again, "--org"),
        place.home / "county.yaml",
    )
    assert code == 1
    assert "is not whole" in said
    assert not place.again.exists()


def _entries(place: Place) -> int:
    folder = backups.newest(place.to)
    assert folder is not None
    with closing(sqlite3.connect(folder / "audit" / "index.db")) as index:
        return int(index.execute("SELECT size FROM state").fetchone()[0])


def _origin(log: Path) -> str:
    return (log / "checkpoint").read_text().partition("\n")[0]


def _first(data: Path) -> Record:
    from services.audit.log import LogReader, from_directory

    reader = LogReader(from_directory(data / "audit" / "log"))
    size = int((data / "audit" / "log" / "checkpoint").read_text().split("\n")[1])
    return Record.read("findings", reader.entry(0, size))


async def _deliveries(here: Room) -> list[object]:
    with closing(sqlite3.connect(here.installation.settings.data / "throughline.db")) as store:
        row = store.execute(
            "SELECT subject FROM events WHERE topic = 'deliveries' ORDER BY position DESC LIMIT 1"
        )
        return [*await here.events(row.fetchone()[0])]
