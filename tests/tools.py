"""Checkers of other projects, built once by Go into the cache folder. Without Go there is no test: in CI a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.loopback.fetch import cache


@dataclass(frozen=True)
class Tool:
    """A program of a Go module. `folder` names what was built, and how."""

    module: str
    version: str
    folder: str
    tags: str = ""

    def here(self) -> Path:
        """Where it is."""
        folder = cache() / self.folder
        program = folder / self.module.rpartition("/")[2]
        if not program.exists():
            go = shutil.which("go")
            why = (
                f"Go is missing, by which {self.folder} is built" if go is None else self._install(go, folder)
            )
            if why and os.environ.get("CI"):
                pytest.fail(f"in CI what is deployed is checked: {why}")
            if why:
                pytest.skip(why)
        return program

    def _install(self, go: str, folder: Path) -> str:
        """Build it; answers what went wrong, empty where nothing did."""
        ran = subprocess.run(
            [go, "install", "-tags", self.tags, f"{self.module}@{self.version}"],
            env={**os.environ, "GOBIN": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        return ran.stderr.strip()[-2000:] if ran.returncode else ""


PROMTOOL = Tool(
    "github.com/prometheus/prometheus/cmd/promtool",
    "v0.316.0",
    "promtool-v0.316.0-dns",
    # What finds targets in clouds takes longer to build than all the rest; ours are found by name.
    tags="remove_all_sd,enable_dns_sd",
)
COMPOSE = Tool("github.com/compose-spec/compose-go/v2/cmd", "v2.6.0", "compose-v2.6.0")
"""Reads a compose file as Docker does, and checks it against the specification's schema."""
