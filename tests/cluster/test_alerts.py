"""Prometheus takes the rules, and they speak when they should and not before."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tools import PROMTOOL

pytestmark = pytest.mark.cluster

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "prometheus"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
)
def test_prometheus_says_that_the_rules_hold(arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [PROMTOOL.here(), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
