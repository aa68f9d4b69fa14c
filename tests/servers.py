"""The cluster's servers for tests: where they can't be had a test is skipped and says why; in CI it fails."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from deploy.loopback import Missing, Server

Start = Callable[[Path], AbstractAsyncContextManager[Server]]


@asynccontextmanager
async def here(start: Start, directory: Path) -> AsyncIterator[Server]:
    """A running server, or no test."""
    running = start(directory)
    try:
        server = await running.__aenter__()
    except Missing as error:
        if os.environ.get("CI"):
            pytest.fail(f"in CI the cluster is tested: {error}")
        pytest.skip(str(error))
    try:
        yield server
    finally:
        await running.__aexit__(None, None, None)


@contextmanager
def shared(start: Start, directory: Path) -> Iterator[str]:
    """The address of a server that tests share."""
    with asyncio.Runner() as runner:
        running = here(start, directory)
        server = runner.run(running.__aenter__())
        try:
            yield server.address
        finally:
            runner.run(running.__aexit__(None, None, None))
