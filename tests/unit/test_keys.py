"""The installation's secrets: made once, whoever starts at the same time; never made where they can't be kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.keys import Keys, NoKey


def test_many_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        for number in range(20):
            directory = tmp_path / str(number)
            made = set(pool.map(lambda at: Keys(at).purpose("thread"), [directory] * 16))
            assert len(made) == 1
            assert [path.name for path in directory.iterdir()] == ["installation.key"]


def test_a_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    Keys(tmp_path).ed25519("receipt")
    assert (tmp_path / "receipt.ed25519").stat().st_mode & 0o777 == 0o600


def test_a_missing_key_that_cannot_be_made_says_which_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the directory should be")
    with pytest.raises(NoKey, match=r"receipt\.ed25519 .* THROUGHLINE_KEYS"):
        Keys(tmp_path / "keys").ed25519("receipt")
