"""`throughline trail replay`: everything that stands follows from the trail alone, or what does not is named."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.embedded import COLLECTIONS
from services.replaying.kinds import BY_TYPE
from shared.clock import SimulatedClock
from shared.rights.accounts import ACCOUNTS, KEYS
from shared.settings import Settings
from tests.desks import COORDINATOR, OFFICER, WEDNESDAY_MORNING, house, written
from tests.multiplied import multiply

LIVES: tuple[tuple[tuple[str, dict[str, object]], ...], ...] = (
    (),
    (("accept", {}), ("answer", {"text": "The lamp shines again", "resolved": True})),
    (("accept", {}), ("ask", {"text": "Which lamp is it?"})),
    (("return", {"text": "The road is not ours"}),),
    (("accept", {}), ("assist", {"department": "labour", "text": "What may it cost?"})),
    (("accept", {}), ("extend", {"text": "The part is on its way"})),
)


async def _lived(directory: Path) -> None:
    async with house(directory) as (here, sender):
        refs = []
        for number, _ in enumerate(LIVES):
            _, ref = await written(here, sender, text=f"路灯不亮 {number}")
            refs.append(ref)
        here.as_(OFFICER)
        for ref, life in zip(refs, LIVES, strict=True):
            for command, said in life:
                done = await here.client.post(f"/v1/cases/{ref}/{command}", json=said)
                assert done.status_code == 200, done.text
                await here.installation.idle()
        here.as_(COORDINATOR)
        assert (await here.client.get("/v1/cases")).status_code == 200
        clock = here.installation.clock
        assert isinstance(clock, SimulatedClock)
        await here.installation.live_until(WEDNESDAY_MORNING + timedelta(days=9))


@cache
def _a_house_at_work() -> Path:
    place = Path(mkdtemp(prefix="throughline-replay-"))
    asyncio.run(_lived(place))
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A house that stands still, after people have worked in it."""
    copytree(_a_house_at_work(), tmp_path / "house")
    return tmp_path / "house"


def replayed(place: Path) -> tuple[int, dict[str, Any]]:
    """The exit code, and what the command says."""
    told = CliRunner().invoke(
        app, ["trail", "replay", "--data", str(place / "data"), "--org", str(place / "county.yaml"), "--json"]
    )
    assert told.exit_code in (0, 1), told.output
    return told.exit_code, json.loads(told.stdout)


def changed(place: Path, collection: str, change: Callable[[dict[str, Any]], None]) -> str:
    """Change the state of a document behind everybody's back; answers which."""
    with closing(sqlite3.connect(place / "data" / "throughline.db")) as main, main:
        id, body = main.execute(f"SELECT id, body FROM doc_{collection} ORDER BY id LIMIT 1").fetchone()
        whole = orjson.loads(body)
        change(whole["state"])
        main.execute(f"UPDATE doc_{collection} SET body = ? WHERE id = ?", (orjson.dumps(whole), id))
    return str(id)


def test_what_stands_follows_from_the_trail_in_every_field(place: Path) -> None:
    code, said = replayed(place)
    assert said["differences"] == []
    assert (code, said["agrees"], said["behind"]) == (0, True, 0)
    assert said["aggregates"]["cases"] == said["accounts"] == len(LIVES)
    assert said["aggregates"]["messages"] == len(LIVES)
    assert said["aggregates"]["deliveries"] > len(LIVES)
    assert said["fields"] > 40 * len(LIVES)


@pytest.mark.parametrize(
    ("collection", "name", "value"),
    [
        ("cases", "answered_by", "somebody-else"),
        ("cases", "breached", ["resolve-99"]),
        ("messages", "outcome", "refused"),
        ("deliveries", "status", "failed"),
    ],
)
def test_a_document_that_was_changed_is_named_with_its_field(
    place: Path, collection: str, name: str, value: object
) -> None:
    id = changed(place, collection, lambda state: state.update({name: value}))
    code, said = replayed(place)
    assert code == 1
    assert [(one["aggregate"], one["what"]) for one in said["differences"]] == [(id, name)]


def test_a_document_or_an_event_that_is_gone_or_was_changed_is_named(place: Path) -> None:
    with closing(sqlite3.connect(place / "data" / "throughline.db")) as main, main:
        ids = [row[0] for row in main.execute("SELECT id FROM doc_cases ORDER BY id")]
        main.execute("DELETE FROM doc_cases WHERE id = ?", (ids[0],))
        main.execute("DELETE FROM events WHERE subject = ? AND sequence = 2", (ids[1],))
        main.execute(
            "UPDATE events SET value = CAST(replace(CAST(value AS TEXT), 'housing', 'labour') AS BLOB)"
            " WHERE subject = ?",
            (ids[2],),
        )
    code, said = replayed(place)
    assert code == 1
    assert sorted((one["aggregate"], one["what"]) for one in said["differences"]) == [
        (ids[0], "document"),
        (ids[1], "events"),
        (ids[2], "events"),
    ]


def test_a_document_of_which_the_trail_knows_nothing_is_named(place: Path) -> None:
    with closing(sqlite3.connect(place / "data" / "throughline.db")) as main, main:
        columns = [row[1] for row in main.execute("PRAGMA table_info(doc_cases)") if row[1] != "id"]
        names = ", ".join(columns)
        main.execute(f"INSERT INTO doc_cases (id, {names}) SELECT 'case_x', {names} FROM doc_cases LIMIT 1")
    code, said = replayed(place)
    assert (code, [one["aggregate"] for one in said["differences"]]) == (1, ["case_x"])


def test_what_the_store_has_beyond_the_checkpoint_is_counted_and_differs_from_nothing(place: Path) -> None:
    log = place / "data" / "audit" / "log"
    old = (log / "checkpoint").read_bytes()

    async def goes_on() -> None:
        async with house(place) as (here, sender):
            await written(here, sender, text="再来一次")

    asyncio.run(goes_on())
    assert (log / "checkpoint").read_bytes() != old
    (log / "checkpoint").write_bytes(old)
    code, said = replayed(place)
    assert (code, said["differences"]) == (0, [])
    assert said["behind"] > 0


def test_of_an_aggregate_of_every_kind_the_state_can_be_made_again() -> None:
    known = {kind.collection.name for kind in BY_TYPE.values()}
    assert known == {one.name for one in (*COLLECTIONS, ACCOUNTS, KEYS)}


def test_what_differs_becomes_a_finding_once(place: Path) -> None:
    id = changed(place, "cases", lambda state: state.update(answered_by="somebody-else"))
    for _ in range(2):
        told = CliRunner().invoke(
            app,
            [
                "trail",
                "replay",
                "--data",
                str(place / "data"),
                "--org",
                str(place / "county.yaml"),
                "--raise",
            ],
        )
        assert told.exit_code == 1, told.output
    with closing(sqlite3.connect(place / "data" / "throughline.db")) as main:
        rows = main.execute("SELECT value FROM events WHERE topic = 'findings'").fetchall()
    found = [orjson.loads(value) for (value,) in rows if b'"check":"replay"' in value]
    assert [(one["data"]["check"], one["data"]["key"], one["data"]["case"]) for one in found] == [
        ("replay", f"{id}/answered_by", id)
    ]


@pytest.mark.long
def test_three_thousand_cases_agree_in_every_field(place: Path) -> None:
    times = 3_000 // len(LIVES)
    size = multiply(Settings(data=place / "data", org=place / "county.yaml"), times)
    code, said = replayed(place)
    assert (code, said["differences"], said["size"]) == (0, [], size)
    assert said["accounts"] == times * len(LIVES)
