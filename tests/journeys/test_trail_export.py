"""Supervisors ask the trail over HTTP, and take all of it, or some, away in a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services import cli_trail_export
from services.audit import listing
from services.audit.export import Order, export
from services.audit.log import Verifier, leaf_hash, open_checkpoint, tree_root
from services.cli import app as cli
from services.routing.people.people import People
from shared.rights import Right
from tests.installations import WEDNESDAY, in_a_loop
from tests.journeys.test_console import LAMP, OFFICER, SUPERVISOR, Hall, hall
from tests.serving import on_a_port

TEXTS = ("The lamp is dark", "The stove is cold", "The road is wet")


async def lines(here: Hall, query: str) -> list[dict[str, Any]]:
    answer = await here.client.get(f"/v1/trail/export?format=jsonl{query}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@in_a_loop
async def test_a_supervisor_reads_a_departments_entries_page_by_page_while_more_come(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        refs = [await here.written(text) for text in (LAMP, *TEXTS[1:])]
        here.as_(SUPERVISOR)
        opened = (await here.client.get("/v1/trail", params={"type": "throughline.case.opened"})).json()
        assert [one["entry"]["data"]["ref"] for one in opened["entries"]] == refs
        assert opened["checkpoint"].splitlines()[1] == str(opened["size"])
        asked: dict[str, str | int] = {"type": "throughline.case.opened", "limit": 1}
        page = (await here.client.get("/v1/trail", params=asked)).json()
        size, got = page["size"], page["entries"]
        while page["next"]:
            await here.written("Something altogether different")
            here.as_(SUPERVISOR)
            page = (await here.client.get("/v1/trail", params=asked | {"cursor": page["next"]})).json()
            assert page["size"] == size
            got += page["entries"]
        assert [one["index"] for one in got] == [one["index"] for one in opened["entries"]]
        later = (await here.client.get("/v1/trail", params=asked | {"limit": 9, "cursor": f"{size}-"})).json()
        assert len(later["entries"]) == 2
        case = (await here.client.get("/v1/trail", params={"case": refs[0]})).json()["entries"]
        holder = next(
            one["entry"]["data"]["department"] for one in case if one["entry"]["type"].endswith("assigned")
        )
        theirs = (await here.client.get("/v1/trail", params={"department": holder, "limit": 1000})).json()[
            "entries"
        ]
        assert {one["index"] for one in case if one["entry"]["type"].endswith("assigned")} <= {
            one["index"] for one in theirs
        }
        until = (WEDNESDAY + timedelta(minutes=1)).isoformat()
        assert (await here.client.get("/v1/trail", params={"since": until})).json()["entries"] == []
        assert (await here.client.get("/v1/trail", params={"until": until})).json()["entries"] != []


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"case": "K7QM-2XPA-B"}, 404, "know no case K7QM-2XPA-B"),
        ({"cursor": "0-999999"}, 400, "Begin anew without it"),
        ({"cursor": "next"}, 422, "cursor"),
        ({"since": "2026-09-30T16:00:00"}, 422, "in which zone it is"),
        ({"since": "yesterday"}, 422, "since"),
        ({"until": "824"}, 422, "until"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/trail", "/v1/trail/export"])
@in_a_loop
async def test_what_can_not_be_asked_is_refused_and_says_why(
    tmp_path: Path, path: str, query: dict[str, str], status: int, says: str
) -> None:
    async with hall(tmp_path) as here:
        here.as_(SUPERVISOR)
        answer = await here.client.get(path, params=query)
        assert (answer.status_code, says in answer.text) == (status, True), answer.text
        here.as_(OFFICER)
        assert (await here.client.get(path, params=query)).status_code in {403, 422}


@in_a_loop
async def test_from_an_export_anybody_computes_the_signed_root(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        for text in TEXTS:
            await here.written(text)
        here.as_(SUPERVISOR)
        answer = await here.client.get("/v1/trail/export?format=jsonl")
        head, *rows, end = answer.text.splitlines()
        checkpoint = open_checkpoint(
            json.loads(head)["checkpoint"].encode(),
            Verifier.parse((await here.client.get("/trail/vkey")).text.strip()),
        )
        entries = [row.partition('"entry":')[2][:-1].encode() for row in rows]
        assert json.loads(end) == {"end": checkpoint.state.size} == {"end": len(entries)}
        assert tree_root(b"".join(map(leaf_hash, entries))) == checkpoint.state.root
        assert answer.headers["Throughline-Size"] == str(checkpoint.state.size)
        whole = await lines(here, "")
        half = len(rows) // 2
        rest = await lines(here, f"&cursor={half}-{checkpoint.state.size}")
        assert rest[1:] == whole[half + 1 :]


@in_a_loop
async def test_there_are_few_exports_at_once_and_one_that_nobody_reads_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "EXPORTS_AT_ONCE", 0)
    async with hall(tmp_path) as here:
        await here.written()
        here.as_(SUPERVISOR)
        answer = await here.client.get("/v1/trail/export")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert "Ask again once one of them has ended" in answer.text


async def throughline(*words: object) -> Result:
    """`throughline trail export`, beside the running installation."""
    arguments = ["trail", "export", *map(str, words)]
    return await asyncio.to_thread(lambda: CliRunner().invoke(cli, arguments))


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[tuple[Hall, list[str], Path]]:
    """A running installation with some cases: how to ask it over HTTP, and where its files are."""
    async with hall(directory) as here:
        for text in TEXTS:
            await here.written(text)
        key = await People(here.installation.house).issue_key("export", [Right.TRAIL_READ], "operator")
        await here.installation.idle()
        async with on_a_port(here.installation.app()) as url:
            yield here, ["--to", url, "--key", key], here.installation.house.directory


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@in_a_loop
async def test_the_command_writes_the_same_file_from_the_address_and_from_the_directory(
    tmp_path: Path, kind: str
) -> None:
    async with served(tmp_path) as (here, at, data):
        files = [tmp_path / f"{name}.{kind}" for name in ("over", "from")]
        sources: tuple[list[str], ...] = (at, ["--data", str(data)])
        for source, out in zip(sources, files, strict=True):
            made = await throughline(*source, "--out", out)
            assert made.exit_code == 0, made.output
            assert f"{out}: " in made.output
        text = files[0].read_text()
        assert text == files[1].read_text()
        assert len(text.splitlines()) > 12
        checkpoint = (here.log / "checkpoint").read_bytes()
        assert all(out.with_name(f"{out.name}.checkpoint").read_bytes() == checkpoint for out in files)
        assert sorted(path.name for path in tmp_path.iterdir() if "part" in path.name) == []
        some = tmp_path / f"some.{kind}"
        asked = ("--type", "throughline.case.opened", "--since", "2026-01-01T00:00:00Z")
        assert (await throughline(*at, "--out", some, *asked)).exit_code == 0
        assert len(some.read_text().splitlines()) == (5 if kind == "jsonl" else 4)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("lines", [0, 1, 7])
@in_a_loop
async def test_cut_off_it_goes_on_behind_the_last_whole_line_though_the_trail_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, lines: int
) -> None:
    async with served(tmp_path) as (here, at, data):
        whole, out = tmp_path / f"whole.{kind}", tmp_path / f"out.{kind}"
        assert (await throughline("--data", data, "--out", whole)).exit_code == 0
        with monkeypatch.context() as cut:
            cut.setattr(cli_trail_export, "_AT_ONCE", 1)
            cut.setattr(cli_trail_export, "export", lambda order: _cut_off(order, lines))
            failed = await throughline("--data", data, "--out", out)
        assert failed.exit_code == 2
        assert "the same command goes on where this one was cut off" in failed.output
        assert not out.exists()
        part = tmp_path / f"out.{kind}.part"
        assert whole.read_bytes().startswith(part.read_bytes())
        await here.written("Something altogether different")
        assert (await throughline(*at, "--out", out)).exit_code == 0
        grown = tmp_path / f"grown.{kind}"
        assert (await throughline(*at, "--out", grown)).exit_code == 0
        again = out.read_text().splitlines()[1:]
        if lines > 1:  # what has begun stays a listing of what was there then
            assert again == whole.read_text().splitlines()[1:]
        else:
            assert again in (whole.read_text().splitlines()[1:], grown.read_text().splitlines()[1:])


def _cut_off(order: Order, lines: int) -> Iterator[bytes]:
    yield from islice(export(order), lines)
    yield next(islice(export(order), lines, None))[:9]
    raise OSError("no space left on device")


@in_a_loop
async def test_what_the_command_can_not_do_it_says_and_writes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, at, data):
        out = tmp_path / "out.jsonl"
        for words, says in (
            ((), "name a running installation with --to, or a directory with --data"),
            ((*at, "--data", data), "name a running installation with --to, or a directory with --data"),
            (("--data", tmp_path / "nowhere"), "there is no projection.db"),
            ((*at[:2],), "an API key with the right `trail.read` is needed"),
            ((*at[:2], "--key", "tl_0_0"), "an API key with the right `trail.read` is needed"),
            ((*at, "--case", "K7QM-2XPA-B"), "know no case K7QM-2XPA-B"),
            (("--data", data, "--case", "K7QM-2XPA-B"), "know no case K7QM-2XPA-B"),
            ((*at, "--since", "2026-09-30"), "a time with its zone is needed"),
            ((*at, "--format", "pdf"), "say with --format whether it is to be jsonl or csv"),
            (("--to", "http://127.0.0.1:9", "--key", "tl_0_0"), "nothing answers"),
        ):
            said = await throughline(*words, "--out", out)
            assert (said.exit_code, says in " ".join(said.output.split())) == (2, True), said.output
            assert not out.exists()
