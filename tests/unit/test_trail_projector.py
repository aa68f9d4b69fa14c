"""The projection follows the log by itself: behind it, honest about how far, the same whatever happens on the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Gauge

from services.audit import projector
from services.audit.log import LogReader, TileError
from services.audit.lookup import Lookup
from services.audit.projected import FILE, Projection
from services.audit.projector import Projector
from services.audit.trail import Trail
from shared import metrics
from shared.bus import Foreign, Taken
from shared.events.cases import CaseAssigned, CaseClosed, CaseQueued
from tests.installations import in_a_loop
from tests.projections import Rows, rows
from tests.unit.trail_samples import SHANGHAI, SIGNER, Life, a_trail, take


def lived(cases: int = 12) -> list[Taken]:
    life = Life()
    for number in range(cases):
        life.case(number, "housing" if number % 3 else "transport").later(timedelta(minutes=7))
    life.emit("case_1", CaseQueued(reason="returned"), CaseAssigned(department="transport", by="coordinator"))
    life.emit("case_2", CaseClosed(outcome="declined"))
    return [*life.records[:9], Foreign("cases", b"no event"), *life.records[9:]]


async def made(directory: Path, taken: list[Taken], batch: int = 1000) -> Rows:
    async with a_trail(directory) as trail:
        for at in range(0, len(taken), batch):
            await take(trail, taken[at : at + batch])
    return rows(directory / "audit" / FILE)


def value(metric: Gauge) -> float:
    (told,) = metric.collect()
    return float(told.samples[0].value)


@in_a_loop
async def test_appending_does_not_wait_for_it_and_it_says_how_far_it_is_behind(tmp_path: Path) -> None:
    taken = lived()
    async with a_trail(tmp_path) as trail:
        assert (trail.projector.behind_entries(), trail.projector.behind_seconds()) == (0, 0.0)
        await take(trail, taken)
        await trail.publish()
        assert (trail.published.size, trail.projector.size, trail.lookup.size) == (len(taken), 0, 0)
        assert value(metrics.PROJECTION_BEHIND) == len(taken)
        assert value(metrics.PROJECTION_LAG) > 0
        assert trail.ready() is None, "who is behind with the console still takes and signs"
        await trail.projector.idle()
        assert (trail.lookup.size, trail.projector.behind_entries()) == (len(taken), 0)
        assert trail.projector.behind_seconds() == 0.0


@in_a_loop
async def test_once_started_it_follows_by_itself(tmp_path: Path) -> None:
    async with a_trail(tmp_path) as trail:
        await trail.start()
        await take(trail, lived())
        await trail.idle()
        assert trail.lookup.size == trail.index.state.size


@pytest.mark.parametrize("batch", [1, 3, 1000])
@in_a_loop
async def test_it_is_the_same_however_it_was_batched_and_read_from_the_log(
    tmp_path: Path, batch: int
) -> None:
    taken = lived()
    directory = tmp_path / "batched"
    whole = await made(directory, taken, batch)
    assert whole["cursor"][0][1] == len(taken)
    (directory / "audit" / FILE).unlink()
    async with a_trail(directory):
        pass  # which reads all of it from the log
    assert rows(directory / "audit" / FILE) == whole == await made(tmp_path / "once", taken)


@in_a_loop
async def test_who_was_only_spoken_of_keeps_its_number_over_a_restart(tmp_path: Path) -> None:
    """Where topics are read side by side, a case's events may come before its message's."""
    life = Life().case(1).case(2)
    of_the_case = [one for one in life.records if one.subject == "case_1"]
    others = [one for one in life.records if one.subject != "case_1"]
    for some in (of_the_case, others):
        async with a_trail(tmp_path) as trail:
            await take(trail, some)
    assert rows(tmp_path / "audit" / FILE) == await made(tmp_path / "once", [*of_the_case, *others])


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 4, 5])
@in_a_loop
async def test_killed_before_or_after_a_commit_it_ends_with_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: int, when: str
) -> None:
    taken = lived()
    monkeypatch.setattr(projector, "AT_ONCE", 7)
    commits = 0
    whole = Projection.commit

    def dies(self: Projection, *what: Any) -> None:
        nonlocal commits
        commits += 1
        if commits == commit and when == "before":
            raise Killed
        whole(self, *what)
        if commits == commit:
            raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(Projection, "commit", dies)
        trail = Trail(tmp_path / "audit", SIGNER, SHANGHAI)
        for at in range(0, len(taken), 5):
            await take(trail, taken[at : at + 5])
        with pytest.raises(Killed):
            await trail.projector.idle()
        assert trail.lookup.size < len(taken)
        await trail.close()
    async with a_trail(tmp_path):
        pass
    assert rows(tmp_path / "audit" / FILE) == await made(tmp_path / "fresh", taken)


@in_a_loop
async def test_a_commit_that_fails_changes_nothing_and_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = lived()
    async with a_trail(tmp_path) as trail:
        await take(trail, taken)
        with monkeypatch.context() as full:
            full.setattr(Projection, "_write_messages", _full)
            with pytest.raises(sqlite3.Error, match="full"):
                await trail.projector.idle()
            assert trail.lookup.size == 0
    assert rows(tmp_path / "audit" / FILE) == await made(tmp_path / "fresh", taken)


def _full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


@in_a_loop
async def test_more_than_it_keeps_at_hand_it_reads_from_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = lived()
    monkeypatch.setattr(projector, "MOST_KEPT", 2)
    assert await made(tmp_path / "read", taken, 3) == await made(tmp_path / "fresh", taken)


@in_a_loop
async def test_a_tile_that_gives_way_to_a_fuller_one_is_looked_for_again(tmp_path: Path) -> None:
    taken = lived()
    async with a_trail(tmp_path) as trail:
        await take(trail, taken[:5])
        await take(trail, taken[5:])
        sizes, readers = iter([5]), iter([LogReader(_gone)])
        late = Projector(
            tmp_path / "late.db",
            SHANGHAI,
            lambda: next(readers, None) or trail.reader(),
            lambda: next(sizes, trail.index.state.size),
        )
        await late.idle()
        await late.close()
    assert rows(tmp_path / "late.db") == await made(tmp_path / "fresh", taken)


def _gone(path: str) -> bytes:
    raise FileNotFoundError(path)


@pytest.mark.parametrize("other", ["another log", "one that was set back", "another version"])
@in_a_loop
async def test_what_is_no_projection_of_this_log_is_made_anew(tmp_path: Path, other: str) -> None:
    taken = lived()
    longer = [*taken, *Life().case(99).records]
    if other == "another log":
        await made(tmp_path, [*taken[:-1], Foreign("cases", b"another")])
    else:
        await made(tmp_path, longer if other == "one that was set back" else taken)
    path = tmp_path / "audit" / FILE
    kept = path.read_bytes()
    await made(tmp_path / "fresh", taken)
    for file in (tmp_path / "audit").glob(f"{FILE}*"):
        file.unlink()
    path = tmp_path / "fresh" / "audit" / FILE
    wanted = rows(path)
    path.write_bytes(kept)
    if other == "another version":
        with closing(sqlite3.connect(path)) as before:
            before.executescript("PRAGMA user_version = 1; DROP TABLE listed; DELETE FROM entries")
    async with a_trail(tmp_path / "fresh") as trail:
        await trail.projector.idle()
    assert rows(path) == wanted


@in_a_loop
async def test_where_the_log_is_damaged_the_trail_goes_on_and_the_console_stays_behind(
    tmp_path: Path,
) -> None:
    life = Life()
    for number in range(80):
        life.case(number)
    await made(tmp_path, list(life.records))
    (tmp_path / "audit" / FILE).unlink()
    damaged = tmp_path / "audit" / "log" / "tile" / "entries" / "000"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"\xff\xff")
    async with a_trail(tmp_path) as trail:
        await trail.start()
        await take(trail, Life().case(99).records)
        await trail.publish()
        assert trail.published.size == len(life.records) + 4
        assert (trail.projector.size, trail.ready()) == (0, None)
        with pytest.raises(TileError):
            await trail.projector.idle()
        damaged.write_bytes(whole)


@in_a_loop
async def test_what_belongs_to_a_case_is_found_from_either_side(tmp_path: Path) -> None:
    await made(tmp_path, lived())
    with closing(Lookup.open(tmp_path / "audit" / FILE)) as lookup:
        case = lookup.case_of("REF-3")
        assert case == "case_3"
        assert lookup.related(case) == ["case_3", "msg_3"]
        assert (lookup.matter_of("msg_3"), lookup.matter_of("msg_unknown")) == (case, None)
        places = lookup.of_aggregates(["case_3", "msg_3"])
        assert lookup.whose(["case_3", "msg_3"], 10) == list(
            zip(places, ("msg_3", "case_3", "case_3", "msg_3"), strict=True)
        )
        assert lookup.of_aggregates(["case_3", "msg_3"], places[1], 2, below=places[3]) == places[1:3]
