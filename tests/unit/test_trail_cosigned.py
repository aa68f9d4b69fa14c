"""While witnesses are asked the log grows on, and whatever fails meanwhile, only what was signed is placed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.audit.cosigning import Cosigning
from services.audit.index import Index
from services.audit.log import Asked, WitnessBook, Witnesses, WitnessSigner, from_directory, verify_log
from services.audit.trail import Trail
from tests.installations import in_a_loop
from tests.serving import on_a_port
from tests.unit.trail_samples import SHANGHAI, SIGNER, Life, take

CASES = [Life().case(number).records for number in range(100)]
KEY = WitnessSigner("witness.example/w1", bytes(range(1, 33)))

During = Callable[[], Awaitable[None]]


class Asking:
    """A witness, and what happens in the trail before it answers."""

    def __init__(self) -> None:
        self.during: During | None = None


@asynccontextmanager
async def cosigned_trail(directory: Path) -> AsyncIterator[tuple[Trail, Asking]]:
    """A trail with one real witness that is asked over HTTP."""
    asking = Asking()
    with WitnessBook(directory / "witness", KEY, [SIGNER.verifier]) as book:

        async def add_checkpoint(request: Request) -> Response:
            body = await request.body()
            during, asking.during = asking.during, None
            if during is not None:
                await during()
            return Response(await asyncio.to_thread(book.add_checkpoint, body))

        app = Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
        async with on_a_port(app) as url:
            log = directory / "audit" / "log"
            patient = Witnesses([Asked(url, KEY.verifier)], 1, from_directory(log), patience=300)
            trail = Trail(directory / "audit", SIGNER, SHANGHAI, cosigning=Cosigning(patient))
            try:
                yield trail, asking
            finally:
                await trail.close()


def cosigned_entries(trail: Trail) -> int:
    """How many entries are under a checkpoint that the witness cosigned; the log is whole then."""
    assert trail.cosigning is not None
    report = verify_log(trail.directory, SIGNER.verifier, policy=trail.cosigning.policy)
    assert report.problems == []
    return report.entries


@in_a_loop
async def test_what_comes_while_witnesses_are_asked_is_integrated_and_signed_the_next_time(
    tmp_path: Path,
) -> None:
    async with cosigned_trail(tmp_path) as (trail, asking):
        await take(trail, CASES[0])

        async def more() -> None:
            for case in CASES[1:]:
                await take(trail, case)

        asking.during = more
        await trail.publish()
        assert (trail.published.size, trail.index.state.size) == (len(CASES[0]), sum(map(len, CASES)))
        assert cosigned_entries(trail) == len(CASES[0])
        await trail.publish()
        assert cosigned_entries(trail) == sum(map(len, CASES))


@in_a_loop
async def test_an_integration_that_fails_meanwhile_places_nothing_and_the_next_one_is_cosigned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cosigned_trail(tmp_path) as (trail, asking):
        await take(trail, CASES[0])
        await trail.publish()
        await take(trail, CASES[1])

        async def fail() -> None:
            with monkeypatch.context() as full:
                full.setattr(Index, "commit", _full)
                with pytest.raises(sqlite3.OperationalError):
                    await take(trail, CASES[2])

        asking.during = fail
        await trail.publish()
        assert trail.published.size == len(CASES[0])
        assert cosigned_entries(trail) == len(CASES[0])
        await take(trail, CASES[2])
        await trail.publish()
        assert cosigned_entries(trail) == sum(len(case) for case in CASES[:3])


def _full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


@in_a_loop
async def test_many_who_publish_at_once_never_set_the_checkpoint_back(tmp_path: Path) -> None:
    async with cosigned_trail(tmp_path) as (trail, _):
        sizes = [0]
        for case in CASES[:20]:
            await take(trail, case)
            await asyncio.gather(*(trail.publish() for _ in range(3)))
            sizes.append(cosigned_entries(trail))
        assert sizes == sorted(set(sizes))
        assert sizes[-1] == sum(len(case) for case in CASES[:20])
