"""A service told to end ends, in bounded time, whatever does not."""

from __future__ import annotations

import subprocess
import sys

_NEVER_ENDS = """
import asyncio, os, signal, socket
from fastapi import FastAPI
from services import http
from shared.runner import Runner

class Stuck(Runner):
    async def open(self): pass
    async def shut(self): pass
    async def start(self): pass
    def app(self): return FastAPI()
    async def stop(self):
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

http.DRAIN_SECONDS = 0.2

async def told():
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)

asyncio.run(http.serve_until_told(Stuck(), socket.create_server(("127.0.0.1", 0)), told))
"""


def test_what_does_not_finish_is_left_as_after_a_crash_and_said() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _NEVER_ENDS], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1
    assert "runner.not_drained" in ended.stdout + ended.stderr
