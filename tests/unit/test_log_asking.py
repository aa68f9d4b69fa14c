"""A log's checkpoints are cosigned by the witnesses that are there, and wait for no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.audit.log import (
    EMPTY_TREE,
    Asked,
    LogWriter,
    WitnessBook,
    Witnesses,
    WitnessSigner,
    from_directory,
    verify_log,
)
from services.audit.log import asking as asking_module
from services.audit.log.witness import origin_id
from services.audit.log.witness_http import application
from tests.installations import in_a_loop
from tests.serving import on_a_port
from tests.unit.log_samples import SIGNER, VKEY, QuickDisk, grow, sample_entries

KEYS = [WitnessSigner(f"witness.example/w{number}", bytes([number]) * 32) for number in (1, 2)]
ID = origin_id(SIGNER.name)


@asynccontextmanager
async def witnesses(directory: Path, *keys: WitnessSigner) -> AsyncIterator[list[Asked]]:
    """Real witnesses on ports of their own."""
    asked = []
    async with AsyncExitStack() as stack:
        for key in keys:
            book = stack.enter_context(WitnessBook(directory / key.name, key, [SIGNER.verifier]))
            url = await stack.enter_async_context(on_a_port(application(book)))
            asked.append(Asked(url, key.verifier))
        yield asked


async def settled(asking: Witnesses) -> None:
    """Return once nobody is being asked."""
    tasks = [one.task for one in asking._standings if one.task is not None]
    await asyncio.gather(*tasks, return_exceptions=True)


class Grown:
    """A log that grows, each checkpoint cosigned before it is placed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writer = LogWriter(directory, EMPTY_TREE, disk=QuickDisk())

    async def more(self, asking: Witnesses, count: int) -> bytes:
        state = self.writer.integrate(sample_entries(count, self.writer.state.size))
        note = await asking.cosign(self.writer.sign(state, SIGNER))
        self.writer.place(note)
        return note


@in_a_loop
async def test_every_checkpoint_is_published_with_its_cosignatures(tmp_path: Path) -> None:
    log = Grown(tmp_path / "log")
    async with witnesses(tmp_path, *KEYS) as asked:
        asking = Witnesses(asked, 2, from_directory(log.directory))
        for count in (1, 255, 300, 7):
            assert asking.policy.met(await log.more(asking, count))
            report = verify_log(log.directory, VKEY, policy=asking.policy)
            assert report.problems == []
            assert [note.split(" at ")[0] for note in report.notes] == [
                f"checkpoint: cosigned by {key.name}" for key in KEYS
            ]
        await asking.close()
        # Who asks for the first time, not knowing what was cosigned, goes on from where the witness is.
        anew = Witnesses(asked, 2, from_directory(log.directory))
        assert anew.policy.met(await log.more(anew, 50))
        await anew.close()


@in_a_loop
async def test_a_witness_that_is_away_holds_nothing_up_and_counts_again_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking_module, "LONGEST_PAUSE_SECONDS", 0.0)
    log = Grown(tmp_path / "log")
    async with witnesses(tmp_path, *KEYS) as asked:
        async with witnesses(tmp_path / "gone", KEYS[1]) as gone:
            pass
        asking = Witnesses([asked[0], gone[0]], 2, from_directory(log.directory))
        note = await log.more(asking, 10)
        assert not asking.policy.met(note)
        assert [one.witness.name for one in asking.policy.cosigned(note)] == [KEYS[0].name]
        assert [said.split(":")[0] for said in asking.away] == [KEYS[1].name]
        assert asking.disputed == []
        asking._standings[1].asked = asked[1]
        await settled(asking)
        asking.joined(note)
        await settled(asking)
        joined = asking.joined(note)
        assert asking.policy.met(joined)
        log.writer.place(joined)
        assert verify_log(log.directory, VKEY, policy=asking.policy).ok
        assert asking.away == []
        await asking.close()


@in_a_loop
async def test_a_witness_that_answers_nothing_is_waited_for_once_only(tmp_path: Path) -> None:
    asked_for = asyncio.Event()
    never = asyncio.Event()

    async def silent(request: Request) -> Response:
        asked_for.set()
        await never.wait()
        return Response(status_code=503)

    log = Grown(tmp_path / "log")
    app = Starlette(routes=[Route("/add-checkpoint", silent, methods=["POST"])])
    async with witnesses(tmp_path, KEYS[0]) as asked, on_a_port(app) as url:
        asking = Witnesses(
            [asked[0], Asked(url, KEYS[1].verifier)], 1, from_directory(log.directory), patience=0.5
        )
        assert asking.policy.met(await log.more(asking, 10))
        assert asked_for.is_set()
        asking._patience = 1_000_000.0  # a second wait for it would never end
        assert asking.policy.met(await log.more(asking, 10))
        await asking.close()
        never.set()


@in_a_loop
async def test_a_log_that_was_set_back_or_went_another_way_hears_of_it(tmp_path: Path) -> None:
    async with witnesses(tmp_path, KEYS[0]) as asked:
        log = Grown(tmp_path / "log")
        asking = Witnesses(asked, 1, from_directory(log.directory))
        await log.more(asking, 100)
        await asking.close()

        set_back = Grown(tmp_path / "set back")
        asking = Witnesses(asked, 1, from_directory(set_back.directory))
        note = await set_back.more(asking, 60)
        assert not asking.policy.met(note)
        assert "has cosigned 100 entries of this log, and here are 60" in asking.disputed[0]
        await asking.close()

        fork = tmp_path / "fork"
        with LogWriter(fork, EMPTY_TREE, disk=QuickDisk()) as writer:
            state = writer.integrate([b"other", *sample_entries(200)])
            asking = Witnesses(asked, 1, from_directory(fork))
            assert not asking.policy.met(await asking.cosign(writer.sign(state, SIGNER)))
            assert "another history of this log's first 100 entries" in asking.disputed[0]
            await asking.close()


@in_a_loop
async def test_what_a_witness_answers_is_believed_only_with_its_cosignature(tmp_path: Path) -> None:
    answers: list[tuple[int, bytes]] = [
        (200, b""),
        (200, b"no signature\n"),
        (200, "— witness.example/other AAAAAAA=\n".encode()),
        (200, KEYS[0].cosign("another checkpoint\n", datetime.now(UTC)).line.encode()),
        (200, b"x" * 100_000),
        (409, b"many\n"),
        (409, b"7\n"),
        (500, b"oh"),
    ]

    async def answer(request: Request) -> Response:
        status, body = answers[0]
        return Response(body, status)

    _, (note,) = grow(tmp_path / "log", [10])
    async with on_a_port(Starlette(routes=[Route("/add-checkpoint", answer, methods=["POST"])])) as url:
        while answers:
            asking = Witnesses([Asked(url, KEYS[0].verifier)], 1, from_directory(tmp_path / "log"))
            assert await asking.cosign(note) == note, answers[0]
            assert len(asking.away) == 1, answers[0]
            await asking.close()
            del answers[0]


def test_a_witness_is_named_by_address_and_key() -> None:
    vkey = KEYS[0].verifier.vkey
    asked = Asked.parse(f" https://witness.example/prefix/ {vkey} ")
    assert (asked.url, asked.witness) == ("https://witness.example/prefix", KEYS[0].verifier)
    for told in ("", vkey, "https://witness.example", f"ftp://witness.example {vkey}", f"https://w {VKEY}"):
        with pytest.raises(ValueError, match=r"witness is named|only cosignature"):
            Asked.parse(told)
