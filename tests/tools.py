"""Checkers of other projects, built once by Go into the cache folder. Without Go there is no test: in CI a failure."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.loopback.fetch import cache, filling


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
        with filling():
            if not program.exists():
                install = ("install", "-tags", self.tags, f"{self.module}@{self.version}")
                _go(self.folder, install, {"GOBIN": str(folder)})
        return program


INTEROP = Path(__file__).parent / "interop"


def interop(command: str) -> Path:
    """A program of ours in `tests/interop` around a client of another project; built anew when it was changed."""
    sources = sorted([*INTEROP.glob("go.*"), *INTEROP.glob(f"{command}/*.go")])
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    program = cache() / f"interop-{digest}" / command
    with filling():
        if not program.exists():
            _go(command, ("build", "-C", str(INTEROP), "-o", str(program), f"./{command}"))
    return program


def _go(what: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Have Go build something; where it can't, there is nothing to test with."""
    go = shutil.which("go")
    if go is None:
        why = f"Go is missing, by which {what} is built"
    else:
        ran = subprocess.run(
            [go, *arguments],
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        why = ran.stderr.strip()[-2000:] if ran.returncode else ""
    if why and os.environ.get("CI"):
        pytest.fail(f"in CI nothing may be missing: {why}")
    if why:
        pytest.skip(why)


PROMTOOL = Tool(
    "github.com/prometheus/prometheus/cmd/promtool",
    "v0.316.0",
    "promtool-v0.316.0-dns",
    # What finds targets in clouds takes longer to build than all the rest; ours are found by name.
    tags="remove_all_sd,enable_dns_sd",
)
COMPOSE = Tool("github.com/compose-spec/compose-go/v2/cmd", "v2.6.0", "compose-v2.6.0")
"""Reads a compose file as Docker does, and checks it against the specification's schema."""
