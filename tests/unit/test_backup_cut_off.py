"""A backup or a restore that is cut off, at whatever point, leaves what was whole whole, and is simply run again."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from services.audit.index import Index
from services.audit.log import LogWriter
from services.keeping import backup as making
from services.keeping import restore as bringing
from services.keeping.backup import backups, newest, read_keys
from services.keeping.manifest import Manifest
from services.notify.holding import Holding
from shared.settings import Settings
from tests.desks import house, written


class CutOff(BaseException):
    """The machine stops here."""


STEPS: tuple[tuple[Any, str], ...] = (
    (making, "_database"),
    (making, "_tile"),
    (making, "_keep_keys"),
    (making, "_contents"),
    (making, "_sync"),
    (making, "_sync_file"),
    (making, "_sync_folder"),
    (shutil, "rmtree"),
    (shutil, "copyfile"),
    (Manifest, "write"),
    (Path, "rename"),
    (Path, "replace"),
    (bringing, "_lay_out"),
    (bringing, "_before_all"),
    (Holding, "hold"),
    (LogWriter, "integrate"),
    (LogWriter, "publish"),
    (Index, "commit"),
)


def cut_off_at(point: int, patch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Stop before the step of that number, counted from 1; answers whether it was reached."""
    left = point

    def around(owner: Any, name: str) -> None:
        whole = getattr(owner, name)

        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise CutOff
            return whole(*arguments, **named)

        patch.setattr(owner, name, step)

    for owner, name in STEPS:
        around(owner, name)
    return lambda: left <= 0


def quiet(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = tmp_path_factory.mktemp("home")

    async def live() -> None:
        async with house(place) as (here, sender):
            await written(here, sender)

    asyncio.run(live())
    return Settings(data=place / "data", org=place / "county.yaml")


def test_the_backup_before_stays_whole_with_its_keys(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, keys = tmp_path / "to", tmp_path / "keys.tar"
    first = making.backup(home, to, keys, quiet)
    for point in range(1, 1000):
        with monkeypatch.context() as patch:
            reached = cut_off_at(point, patch)
            with suppress(CutOff):
                making.backup(home, to, keys, quiet, keep=2)
        assert newest(to) is not None
        assert all(Manifest.read(one).check(one) == [] for one in backups(to)[-2:])
        assert "keys.db" in read_keys(keys)
        if not reached():
            break
    assert point > 15
    assert first not in backups(to)
    assert len(backups(to)) == 2


def test_there_is_no_installation_before_it_is_whole(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, keys, data = tmp_path / "to", tmp_path / "keys.tar", tmp_path / "again" / "data"
    source = making.backup(home, to, keys, quiet)
    data.parent.mkdir()
    there = home.model_copy(update={"data": data})
    for point in range(1, 1000):
        with monkeypatch.context() as patch:
            reached = cut_off_at(point, patch)
            try:
                asyncio.run(bringing.restore(there, source, keys, None, quiet))
            except CutOff:
                assert not data.exists()
        if not reached():
            break
    assert point > 8
    assert (data / "throughline.db").is_file()
    assert (data / "generation").read_text().strip() == "2"
