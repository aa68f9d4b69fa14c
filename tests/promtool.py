"""Prometheus's own checker, built once by Go into the cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.loopback.fetch import cache

VERSION = "v0.316.0"
_TAGS = "remove_all_sd,enable_dns_sd"
"""What finds targets in clouds takes longer to build than all the rest; ours are found by name."""
_MODULE = "github.com/prometheus/prometheus/cmd/promtool"


def promtool() -> Path:
    """Where it is. Without it there is no test: in CI that is a failure."""
    folder = cache() / f"promtool-{VERSION}-dns"
    tool = folder / "promtool"
    if not tool.exists():
        go = shutil.which("go")
        why = "Go is missing, by which promtool is built: install Go" if go is None else _install(go, folder)
        if why and os.environ.get("CI"):
            pytest.fail(f"in CI the alerts are tested: {why}")
        if why:
            pytest.skip(why)
    return tool


def _install(go: str, folder: Path) -> str:
    """Build it; answers what went wrong, empty where nothing did."""
    ran = subprocess.run(
        [go, "install", "-tags", _TAGS, f"{_MODULE}@{VERSION}"],
        env={**os.environ, "GOBIN": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stderr.strip()[-2000:] if ran.returncode else ""
