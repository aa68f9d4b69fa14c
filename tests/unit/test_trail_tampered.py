"""What stands beside the log is tampered with: the audit does not start, or a check of the log names what came of it.

That an event or a document of the store was changed is found by `throughline trail replay`; its tests do so. Free pages
of the databases hold nothing that anybody reads.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.audit.checks.check import Noted
from services.audit.checks.hole import Hole
from services.audit.checks.running import as_they_are, run
from services.audit.index import FILE
from services.audit.log import StateError, verify_log
from services.audit.trail import Trail
from shared.events import Record
from tests.installations import in_a_loop
from tests.unit.trail_samples import SHANGHAI, SIGNER, Life, a_trail, take, taken

LIVES = Life().case(0).case(1).case(2).case(3).records


def tamper(directory: Path, statement: str) -> None:
    """Change the index behind the audit's back."""
    with closing(sqlite3.connect(directory / "audit" / FILE)) as index, index:
        assert index.execute(statement).rowcount == 1


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("UPDATE state SET size = size + 1", "behind the index"),
        ("UPDATE state SET size = size + 300", "behind the index"),
        ("UPDATE state SET size = size - 1", "the checkpoint is ahead of the index"),
        ("UPDATE state SET size = 0", "the checkpoint is ahead of the index"),
        ("DELETE FROM state", "the checkpoint is ahead of the index"),
        ("UPDATE state SET root = zeroblob(32)", "tiles differ from the index"),
    ],
)
@in_a_loop
async def test_the_audit_does_not_start_on_an_index_that_was_changed(
    tmp_path: Path, statement: str, refused: str
) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, LIVES)
    tamper(tmp_path, statement)
    with pytest.raises(StateError, match=refused):
        Trail(tmp_path / "audit", SIGNER, SHANGHAI)
    assert verify_log(tmp_path / "audit" / "log", SIGNER.verifier).ok, "refused, and nothing was changed"


@in_a_loop
async def test_events_that_were_passed_over_are_a_hole_that_is_named(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, LIVES[:5])
    tamper(tmp_path, "UPDATE positions SET next = next + 1")
    async with a_trail(tmp_path) as trail:
        await take(trail, LIVES[taken(trail) :])
        assert doubts(trail) == {f"{LIVES[6].subject}/{LIVES[6].sequence}/5"}


@in_a_loop
async def test_events_that_were_taken_twice_are_named(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await take(trail, LIVES[:6])
    tamper(tmp_path, "UPDATE positions SET next = next - 2")
    async with a_trail(tmp_path) as trail:
        await take(trail, LIVES[taken(trail) :])
        again = [(record, 6 + at) for at, record in enumerate(LIVES[4:6])]
        assert {f"{record.subject}/{record.sequence}/{index}" for record, index in again} <= doubts(trail)


def doubts(trail: Trail) -> set[str]:
    """What the check for holes says of all entries."""
    size = trail.index.state.size
    entries = [Record.read("", entry) for entry in trail.reader().entries(0, size, size)]
    noted = [Noted(index, record) for index, record in enumerate(entries)]
    return {doubt.key for _, doubt in run(noted, as_they_are([Hole()]))}
