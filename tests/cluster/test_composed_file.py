"""Docker's own reader of compose files takes ours, and reads in it what our tests read."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from tests.composed import HOME, OURS, composed
from tests.tools import COMPOSE

pytestmark = pytest.mark.cluster


def test_the_file_is_as_the_specification_says_and_means_what_we_read() -> None:
    ran = subprocess.run(
        [COMPOSE.here(), "docker-compose.yml"], cwd=HOME, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    read = yaml.safe_load(ran.stdout)["services"]
    for name in (*OURS, "topics"):
        ours, theirs = composed(name), read[name]
        assert theirs["command"] == list(ours.command[1:])
        assert theirs["environment"].items() <= ours.environment.items()
        assert {one["target"]: one["source"] for one in theirs["secrets"]} == ours.secrets
        assert theirs["read_only"] is True
