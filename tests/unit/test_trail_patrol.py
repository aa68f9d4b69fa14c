"""Entries are read again, all of them in the end, and what was found damaged is told until it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.audit import patrol as patrol_module
from services.audit.log import LogWriter, TreeState, leaf_hashes
from services.audit.log.merkle import EMPTY_TREE
from services.audit.patrol import Damage, Patrol

BUNDLES = 5


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patrol_module, "BUNDLES_A_LOOK", 2)


def written(directory: Path, size: int = BUNDLES * 256 - 6) -> TreeState:
    with LogWriter(directory, EMPTY_TREE) as writer:
        return writer.integrate([b"entry %d" % number for number in range(size)])


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def test_the_newest_are_read_each_time_and_the_others_in_turn(tmp_path: Path) -> None:
    state, patrol = written(tmp_path), Patrol(tmp_path)
    change(tmp_path / "tile" / "entries" / "002", b"entry 700", b"entry 7OO")
    damages = [patrol.look(state).damages for _ in range(BUNDLES)]
    found = [Damage(700, 700)]
    assert damages == [[], [], found, found, found]
    change(tmp_path / "tile" / "entries" / "002", b"entry 7OO", b"entry 700")
    assert patrol.look(state).damages == []
    newest = next((tmp_path / "tile" / "entries" / "004.p").iterdir())
    change(newest, b"entry 1270", b"entry 127O")
    assert [one.first for one in patrol.look(state).damages] == [1270]


def test_hashes_changed_along_with_the_entry_are_found_too(tmp_path: Path) -> None:
    state, patrol = written(tmp_path), Patrol(tmp_path)
    change(tmp_path / "tile" / "entries" / "000", b"entry 17", b"entry l7")
    old, new = leaf_hashes([b"entry 17"]), leaf_hashes([b"entry l7"])
    change(tmp_path / "tile" / "0" / "000", old, new)
    (damage,) = patrol.look(state).damages
    assert (damage.first, damage.last) == (0, 255)


def test_what_cannot_be_read_is_damaged(tmp_path: Path) -> None:
    state, patrol = written(tmp_path), Patrol(tmp_path)
    (tmp_path / "tile" / "entries" / "000").unlink()
    assert [(one.first, one.last) for one in patrol.look(state).damages] == [(0, 255)]


def test_of_an_empty_log_there_is_nothing_to_read(tmp_path: Path) -> None:
    looked = Patrol(tmp_path).look(EMPTY_TREE)
    assert (looked.read, looked.damages) == (0, [])
