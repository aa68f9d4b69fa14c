"""`throughline run` says in a line why it does not run, and ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.lock import Lock


def run(data: Path, *more: str) -> tuple[int, str]:
    command = [
        sys.executable,
        "-m",
        "services",
        "run",
        "--data",
        str(data),
        "--port",
        "0",
        "--smtp-port",
        "0",
    ]
    ended = subprocess.run([*command, *more], capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, ended.stderr


def in_use(data: Path) -> None:
    Lock(data / "lock").acquire()


def moved(data: Path) -> None:
    (data / "moved").touch()


@pytest.mark.parametrize(("made", "why"), [(in_use, "is in use"), (moved, "was moved to a cluster")])
def test_a_directory_that_is_not_to_be_served_is_named(tmp_path: Path, made: object, why: str) -> None:
    assert callable(made)
    made(tmp_path)
    code, said = run(tmp_path)
    assert code == 1
    assert str(tmp_path) in said
    assert why in said
    assert "Traceback" not in said


def test_an_organisation_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "org.yaml"
    wrong.write_text("id: x")
    code, said = run(tmp_path / "data", "--org", str(wrong))
    assert code == 1
    assert "org.yaml" in said
    assert "Traceback" not in said
