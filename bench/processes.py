"""Starting what is measured as processes of their own, and ending them, by pid."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEADLINE_SECONDS = 60


@contextmanager
def child(*arguments: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python arguments…` for as long as the block lasts; ended by SIGTERM, or by force after ten seconds."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=out, env={**os.environ, **environment}
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def appears(path: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    """What stands in a file once the process has written it. Raises RuntimeError where it ends before."""
    until = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise RuntimeError(f"{path.name} did not appear:\n{log.read_text()[-3000:]}")


def gauge(port: int, name: str) -> float:
    """One metric without labels of a running installation."""
    found = re.search(rf"^{name} ([0-9.e+]+)$", _metrics(port), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"there is no metric {name}")
    return float(found[1])


def counted(port: int, name: str) -> float:
    """A metric of a running installation, all its labels together; 0 before anything was counted."""
    return sum(map(float, re.findall(rf"^{name}{{.*}} ([0-9.e+]+)$", _metrics(port), re.MULTILINE)))


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def resident_mib(pid: int) -> float:
    """What a process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
