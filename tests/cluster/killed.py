"""The command line, killed with -9 at the Nth point of a move: `python -m tests.cluster.killed N migrate …`.

A point is the moment before and the one after anything is written that somebody else could find.
"""

from __future__ import annotations

import inspect
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from services import moving
from services.audit import moving as trail
from services.cli import main
from shared.store.mongo.arriving import Arriving
from shared.store.mongo.registers import MongoRegisters

WRITES: tuple[tuple[Any, str], ...] = (
    *((Arriving, name) for name in ("contents", "keyless", "claims", "events", "documents", "held")),
    (MongoRegisters, "swap"),
    (moving.Moving, "_compare"),
    (trail, "_copy_index"),
    (trail, "_checked"),
    (shutil, "copy2"),
    (shutil, "copytree"),
    (Path, "rename"),
    (Path, "write_text"),
)


def kill_at(left: int) -> None:
    """Wrap every write, and count."""

    def point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: Any, name: str) -> None:
        whole = getattr(owner, name)

        def at_once(*arguments: Any, **named: Any) -> Any:
            point()
            done = whole(*arguments, **named)
            point()
            return done

        async def awaited(*arguments: Any, **named: Any) -> Any:
            point()
            done = await whole(*arguments, **named)
            point()
            return done

        setattr(owner, name, awaited if inspect.iscoroutinefunction(whole) else at_once)

    for owner, name in WRITES:
        around(owner, name)


if __name__ == "__main__":
    kill_at(int(sys.argv.pop(1)))
    main()
