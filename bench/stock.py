"""An installation that has been at work for years: its documents, written in bulk by the store's own writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import track

from shared.events import Record, emit
from shared.events.messages import MessageSettled
from shared.store import Collection, Step
from shared.store.sqlite_steps import Steps

_A_WRITE = 2048


def fill(directory: Path, collection: Collection, steps: Iterable[Step], total: int) -> None:
    """Write the documents of new aggregates where no store is open, without their events. Indexes follow at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    main = sqlite3.connect(directory / "throughline.db", isolation_level=None)
    keys = sqlite3.connect(":memory:")
    main.execute("PRAGMA journal_mode=WAL")
    main.execute("PRAGMA synchronous=OFF")
    writer = Steps([collection])
    writer.create(main)
    indexes = main.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        main.execute(f"DROP INDEX {name}")
    pages = _pages(iter(steps))
    count = -(-total // _A_WRITE)
    for some in track(pages, f"{total:,} {collection.name}", count, console=Console(stderr=True)):
        main.execute("BEGIN")
        writer.write(main, keys, some)
        main.execute("COMMIT")
    for _, sql in indexes:
        main.execute(sql)
    main.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    main.close()


def _pages(steps: Iterator[Step]) -> Iterator[Sequence[Step]]:
    while some := list(islice(steps, _A_WRITE)):
        yield some


def versions(count: int) -> tuple[Record, ...]:
    """Events of a step for the version that they give its document: they themselves are not kept."""
    return (_EVENT,) * count


_EVENT = emit(
    MessageSettled(outcome="new", case="case_x", ref="ref"),
    source="/bench",
    subject="case_x",
    sequence=1,
    time=datetime(2026, 1, 1, tzinfo=UTC),
    causation="input",
    key="case_x",
    nonce=bytes(16),
)
